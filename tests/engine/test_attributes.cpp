#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include <ocellus/graph/parameter.h>
#include <ocellus/ops/attributes.h>
#include <ocellus/ops/conv.h>
#include <ocellus/ops/registry.h>
#include <ocellus/ops/shape.h>

namespace ocellus {
namespace {

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Registry, NamesAreUniqueAndMakeTheirOperator) {
  std::set<std::string_view> seen;
  for (const OpEntry& entry : all_ops()) {
    EXPECT_TRUE(seen.insert(entry.name).second) << entry.name;
    EXPECT_EQ(make_op(entry.name)->name(), entry.name);
  }
  for (const char* name : {"conv", "max_pool", "dense", "batch_norm", "activation", "add_n", "input"})
    EXPECT_TRUE(seen.contains(name)) << name;
  EXPECT_FALSE(seen.contains("parameter"));
  EXPECT_EQ(message_of([] { make_op("convolution"); }), "there is no operator \"convolution\"");
}

TEST(Attributes, AreWrittenInTheOperatorsOrder) {
  Conv conv;
  conv.window.padding = {{1, 0}, {2, 3}};
  conv.bias = true;
  conv.activation = leaky_relu(0.1);
  EXPECT_EQ(
      attributes_to_json(conv),
      R"({"stride":[1],"dilation":[1],"padding":"explicit","pad_begin":[1,0],"pad_end":[2,3],"groups":1,"bias":true,)"
      R"("residual":false,"activation":"leaky_relu","alpha":0.1,"beta":1.0})");
}

TEST(Attributes, ThatAreNotMentionedKeepTheirDefaults) {
  const OpPtr op = op_from_json("conv", R"({"groups":4,"padding":"same","alpha":2})");
  const auto& conv = dynamic_cast<const Conv&>(*op);
  EXPECT_EQ(conv.groups, 4);
  EXPECT_EQ(conv.window.padding.rule, same);
  EXPECT_EQ(conv.activation.alpha, 2);
  EXPECT_EQ(conv.window.stride, (std::vector<int64_t>{1}));
}

TEST(Attributes, HoldNumbersThatJsonLacks) {
  Pad pad;
  for (const double value : {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()}) {
    pad.value = value;
    EXPECT_EQ(dynamic_cast<const Pad&>(*op_from_json("pad", attributes_to_json(pad))).value, value);
  }
  pad.value = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(dynamic_cast<const Pad&>(*op_from_json("pad", attributes_to_json(pad))).value));
}

TEST(Attributes, ThatDoNotFitAreNamed) {
  const auto load = [](const char* json) { return message_of([=] { op_from_json("conv", json); }); };
  EXPECT_EQ(load(R"({"strides":[1]})"), "operator conv: unknown attribute \"strides\"");
  EXPECT_EQ(load(R"({"groups":"two"})"), "operator conv: attribute \"groups\" must be an integer");
  EXPECT_EQ(load(R"({"groups":1.5})"), "operator conv: attribute \"groups\" must be an integer");
  EXPECT_EQ(load(R"({"bias":1})"), "operator conv: attribute \"bias\" must be true or false");
  EXPECT_EQ(load(R"({"stride":[1,"2"]})"), "operator conv: attribute \"stride\" must be a list of integers");
  EXPECT_EQ(load(R"({"alpha":"big"})"), "operator conv: attribute \"alpha\" must be a number");
  EXPECT_EQ(load(R"({"padding":3})"), "operator conv: attribute \"padding\" must be a text");
  EXPECT_EQ(load(R"({"padding":"full"})"), "operator conv: attribute padding can't be \"full\"");
  EXPECT_EQ(load("[1]"), "operator conv: the attributes are no JSON object");
  EXPECT_EQ(load("{\"groups\":"), "operator conv: the attributes are no JSON object");
}

TEST(Attributes, OfTensorsAndParametersStayInTheirProcess) {
  const Value c = constant(Tensor::scalar(1));
  EXPECT_EQ(message_of([&] { attributes_to_json(c.node().op()); }),
            "operator constant: its attribute \"tensor\" can't be written as text");
  EXPECT_THROW(op_from_json("constant", "{}"), Unsupported);
  const Value p = parameter(std::make_shared<Parameter>("p", Shape{1}, ParamRole::kernel, nullptr, nullptr));
  EXPECT_THROW(attributes_to_json(p.node().op()), Unsupported);
}

}  // namespace
}  // namespace ocellus

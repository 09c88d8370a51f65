#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <ocellus/io/diff.h>
#include <ocellus/nn/layers/activation.h>
#include <ocellus/nn/layers/conv.h>
#include <ocellus/nn/layers/dense.h>
#include <ocellus/nn/layers/flatten.h>

#include "io/support.h"

namespace ocellus {
namespace {

/// Two convolutions and a dense layer; `apart`: activations are layers of their own, and all names are others.
Model network(bool apart, const std::string& prefix) {
  const Value x = nn::input({2, 6, 6});
  const auto conv = [&](const std::string& name, const Value& in) {
    const Value y = nn::Conv2D({.filters = 4, .activation = apart ? linear : relu, .name = prefix + name})(in);
    return apart ? nn::Activation(relu, prefix + name + "_relu")(y) : y;
  };
  const Value y =
      nn::Dense({.units = 3, .name = prefix + "out"})(nn::Flatten(prefix + "flat")(conv("b", conv("a", x))));
  return Model({x}, {y}, {.name = "m" + prefix});
}

void copy_weights(const Model& from, const Model& to) {
  const auto source = from.parameters(), target = to.parameters();
  for (size_t i = 0; i < source.size(); ++i) target[i]->set_value(source[i]->value());
}

Tensor noise() {
  Tensor x(DType::f32, {2, 2, 6, 6});
  Rng rng(3);
  for (float& v : x.as<float>()) v = rng.normal();
  return x;
}

TEST(Diff, other_names_and_steps_are_no_difference) {
  const Model a = network(false, ""), b = network(true, "other_");
  copy_weights(a, b);
  const std::vector<Tensor> x = {noise()};
  for (const auto& d : {io::compare_models(a, b, x, x), io::compare_models(b, a, x, x)}) {
    EXPECT_TRUE(d.agree()) << d.layers[d.parting.value_or(0)].first;
    ASSERT_EQ(d.outputs.size(), 1u);
    EXPECT_TRUE(d.outputs[0].agrees);
  }
}

TEST(Diff, the_first_layer_that_differs_is_found_with_the_element) {
  const Model a = network(true, ""), b = network(true, "");
  copy_weights(a, b);
  Tensor bias = Tensor::full(DType::f32, {4}, 0);
  bias.as<float>()[2] = 0.5f;
  b.value("b/bias").node().as<ParameterOp>()->parameter->set_value(bias);
  const std::vector<Tensor> x = {noise()};
  const auto d = io::compare_models(a, b, x, x);
  ASSERT_FALSE(d.agree());
  const io::LayerDifference& at = d.layers[*d.parting];
  EXPECT_EQ(at.first, "b");
  EXPECT_EQ(at.second, "b");
  EXPECT_NEAR(at.largest, 0.5, 1e-5);
  EXPECT_NEAR(at.second_value - at.first_value, 0.5, 1e-5);
  EXPECT_EQ(at.element / 4 % 4, 2) << "of [2,4,2,2]: channel 2";
  EXPECT_TRUE(d.layers[0].agrees);
}

TEST(Diff, what_is_no_number_differs_from_what_is) {
  const Model a = network(true, ""), b = network(true, "");
  copy_weights(a, b);
  b.value("a/bias").node().as<ParameterOp>()->parameter->set_value(
      Tensor::full(DType::f32, {4}, std::numeric_limits<double>::quiet_NaN()));
  const std::vector<Tensor> x = {noise()};
  const auto d = io::compare_models(a, b, x, x);
  ASSERT_FALSE(d.agree());
  EXPECT_EQ(d.layers[*d.parting].first, "a");
  EXPECT_TRUE(std::isinf(d.layers[*d.parting].largest));
}

}  // namespace
}  // namespace ocellus

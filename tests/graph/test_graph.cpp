#include <gmock/gmock.h>

#include <array>

#include <ocellus/graph/graph.h>

namespace ocellus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// x * y, the one operator with products that these tests need.
class Product final : public Op {
 public:
  std::string_view name() const override { return "product"; }
  Types infer(std::span<const TensorType> inputs) const override {
    if (!(inputs[0] == inputs[1])) throw ShapeError("factors differ");
    return {inputs[0]};
  }
  Values gradient(GradCtx& ctx) const override {
    Values result(2);
    for (const size_t i : {0, 1})
      if (ctx.needs(i)) result[i] = apply(Product(), {ctx.dout(), ctx.in(1 - i)});
    return result;
  }
};

/// Two outputs of its one input.
class Split final : public Op {
 public:
  std::string_view name() const override { return "split"; }
  Types infer(std::span<const TensorType> inputs) const override { return {inputs[0], inputs[0]}; }
  Values gradient(GradCtx& ctx) const override {
    Values parts;
    for (const size_t i : {0, 1})
      if (ctx.dout(i)) parts.push_back(ctx.dout(i));
    return {add_n(parts)};
  }
};

const TensorType number{DType::f32, {}};

Value product(const Value& a, const Value& b) { return apply(Product(), {a, b}); }

ParameterPtr make_parameter(const std::string& name, Shape shape = {}) {
  return std::make_shared<Parameter>(name, shape, ParamRole::kernel, nullptr, nullptr);
}

Graph graph_of(Values inputs, Values outputs) {
  Graph graph;
  graph.inputs = std::move(inputs);
  graph.outputs = std::move(outputs);
  return graph;
}

std::vector<std::string> names(const Graph& graph) {
  std::vector<std::string> found;
  for (const auto& node : graph.order()) found.emplace_back(node->op().name());
  return found;
}

TEST(Graph, OrderPutsInputsBeforeUsersAndEachNodeOnce) {
  const Value x = input("x", number), square = product(x, x);
  EXPECT_THAT(names(graph_of({x}, {product(square, square), square})), ElementsAre("input", "product", "product"));
}

TEST(Graph, OrderOfALongChainNeedsNoDeepStack) {
  Value v = input("x", number);
  const Value x = v;
  for (int i = 0; i < 100000; ++i) v = add_n({v, x});
  EXPECT_EQ(graph_of({x}, {v}).order().size(), 100001u);
  // The chain's nodes hold each other: they are let go one by one, from the end, or their destructors would nest.
  std::vector<std::shared_ptr<const Node>> order = graph_of({x}, {v}).order();
  v = {};
  while (!order.empty()) order.pop_back();
}

TEST(Graph, ParametersAreListedOnceInOrderOfUse) {
  const ParameterPtr a = make_parameter("a"), b = make_parameter("b");
  const Value y = product(product(parameter(b), parameter(a)), parameter(b));
  EXPECT_THAT(graph_of({}, {y}).parameters(), ElementsAre(b, a));
}

TEST(Graph, UsesCountUsersAndResults) {
  const Value x = input("x", number), y = product(x, x);
  const auto uses = count_uses(graph_of({x}, {y, y}));
  EXPECT_EQ(uses.at(x), 2);
  EXPECT_EQ(uses.at(y), 2);
}

TEST(Graph, TextNamesEveryNode) {
  const Value x = input("x", {DType::f32, {any_dim, 3}});
  const auto layer = std::make_shared<LayerInfo>(LayerInfo{"Sum", "top/sum", true});
  const Value y = emit(std::make_shared<AddN>(), {x, x}, std::make_shared<const Scope>(Scope{layer, {x}}))[0];
  EXPECT_EQ(to_text(graph_of({x}, {y})),
            "%0 = input() {label=x, dtype=f32, shape=[-1,3]} : f32[N,3]\n"
            "%1 = add_n(%0, %0) : f32[N,3]  # top/sum\n"
            "return %1\n");
}

TEST(Graph, RewriteSharesWhatStaysTheSame) {
  const Value x = input("x", number), kept = product(x, x), sum = add_n({kept, x});
  const Graph before = graph_of({x}, {kept, sum});
  const Graph after = rewrite(before, [](const auto& node, const Values& inputs) -> std::optional<Values> {
    if (!node->template as<AddN>()) return std::nullopt;
    return Values{product(inputs[0], inputs[1])};
  });
  EXPECT_EQ(after.outputs[0], kept);
  EXPECT_THAT(names(after), ElementsAre("input", "product", "product"));
}

TEST(Graph, RewriteInfersShapesAgain) {
  const Value x = input("x", {DType::f32, {any_dim, 3}});
  const Graph before = graph_of({x}, {add_n({x, x})});
  const Graph after = rewrite(before, [](const auto& node, const Values&) -> std::optional<Values> {
    if (!node->template as<InputOp>()) return std::nullopt;
    return Values{input("x", {DType::f32, {8, 3}})};
  });
  EXPECT_EQ(after.inputs[0].shape(), (Shape{8, 3}));
  EXPECT_EQ(after.outputs[0].shape(), (Shape{8, 3}));
}

TEST(Graph, VerifyFindsWhatIsNotFed) {
  const Value x = input("x", number), y = input("other", number);
  EXPECT_NO_THROW(verify(graph_of({x, y}, {product(x, y)})));
  try {
    verify(graph_of({x}, {product(x, y)}));
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("\"other\" is used but not fed"));
  }
  EXPECT_THROW(verify(graph_of({x, x}, {x})), Error);
  EXPECT_THROW(verify(graph_of({product(x, x)}, {x})), Error);
}

TEST(Graph, VerifyChecksUpdates) {
  const Value p = parameter(make_parameter("p")), x = input("x", number), vector = input("v", {DType::f32, {2}});
  Graph graph = graph_of({x, vector}, {x});
  graph.updates = {{p, x}};
  EXPECT_NO_THROW(verify(graph));
  graph.updates = {{p, vector}};
  EXPECT_THROW(verify(graph), Error);
  graph.updates = {{x, x}};
  EXPECT_THROW(verify(graph), Error);
}

TEST(Emit, ErrorsNameOperatorAndLayer) {
  const Value x = input("x", number), y = input("y", {DType::f32, {2}});
  const auto layer = std::make_shared<LayerInfo>(LayerInfo{"Product", "block/times", true});
  const auto scope = std::make_shared<const Scope>(Scope{layer, {x, y}});
  try {
    emit(std::make_shared<Product>(), {x, y}, scope);
    FAIL() << "no error";
  } catch (const ShapeError& e) {
    EXPECT_STREQ(e.what(), "[product block/times] factors differ");
    EXPECT_EQ(e.exit_code(), ExitCode::shape);
  }
  EXPECT_THROW(product(x, Value()), ShapeError);
}

TEST(Scope, MarksNodesUpToItsInputs) {
  const Value x = input("x", number), before = product(x, x), inside = product(before, x),
              last = product(inside, inside);
  const auto layer = std::make_shared<LayerInfo>(LayerInfo{"Cube", "cube", true});
  assign_scope(std::span(&last, 1), std::make_shared<const Scope>(Scope{layer, {before, x}}));
  EXPECT_EQ(last.node().layer(), "cube");
  EXPECT_EQ(inside.node().layer(), "cube");
  EXPECT_EQ(before.node().layer(), "");
}

TEST(Gradients, SumWhereAValueIsUsedTwice) {
  const Value x = input("x", number), y = input("y", number);
  const Value loss = add_n({product(x, y), product(x, x)});
  const std::array wrt = {x, y};
  const Values g = gradients(loss, wrt);
  ASSERT_TRUE(g[0] && g[1]);
  EXPECT_TRUE(g[0].node().as<AddN>());
  EXPECT_EQ(g[0].node().inputs().size(), 3u);  // through y, and twice through x
  EXPECT_EQ(g[1].node().inputs()[1], x);
}

TEST(Gradients, OfSeveralOutputsMeetInTheirNode) {
  const Value x = input("x", number);
  const Values halves = emit(std::make_shared<Split>(), {x});
  const std::array wrt = {x};
  EXPECT_EQ(gradients(product(halves[0], halves[1]), wrt)[0].node().inputs().size(), 2u);
  EXPECT_TRUE(gradients(halves[1], wrt)[0]);
}

TEST(Gradients, AreNotBuiltBehindWhatIsFrozen) {
  const Value x = input("x", number), w = input("w", number), frozen = product(x, x);
  const std::array wrt = {w};
  const Values g = gradients(product(frozen, w), wrt);
  EXPECT_THAT(names(graph_of({x}, g)), ElementsAre("constant", "input", "product", "product"));
}

TEST(Gradients, AreEmptyWhereNothingFlows) {
  const Value x = input("x", number), other = input("other", number);
  const std::array wrt = {other};
  EXPECT_FALSE(gradients(product(x, x), wrt)[0]);
}

TEST(Gradients, NeedAScalar) {
  const Value x = input("x", {DType::f32, {2}});
  const std::array wrt = {x};
  EXPECT_THROW(gradients(x, wrt), ShapeError);
}

TEST(Gradients, BelongToTheLayerThatTheyDifferentiate) {
  const Value x = input("x", number), w = input("w", number);
  const auto layer = std::make_shared<LayerInfo>(LayerInfo{"Scale", "scale", true});
  const Value y = emit(std::make_shared<Product>(), {x, w}, std::make_shared<const Scope>(Scope{layer, {x}}))[0];
  const std::array wrt = {w};
  EXPECT_EQ(gradients(product(y, y), wrt)[0].node().layer(), "scale");
}

TEST(AddN, IsTheValueItselfWhenThereIsOne) {
  const Value x = input("x", number);
  EXPECT_EQ(add_n({x}), x);
  EXPECT_THROW(add_n({}), ShapeError);
  EXPECT_THROW(add_n({x, input("v", {DType::f32, {2}})}), ShapeError);
}

TEST(Parameter, KeepsAPlainCopyAndCountsChanges) {
  Parameter p(
      "kernel", {2, 2}, ParamRole::kernel, [](Tensor& t, Rng&) { t.fill(3); }, nullptr);
  const uint64_t version = p.version();
  p.initialise(1);
  EXPECT_GT(p.version(), version);
  EXPECT_EQ(p.value().at(3), 3);
  p.value().fill(0);
  EXPECT_EQ(p.value().at(3), 3);
  EXPECT_THROW(p.set_value(Tensor(DType::f32, {4})), ShapeError);
}

TEST(Parameter, StartsFromSeedAndPathAlone) {
  const Initialiser init = [](Tensor& t, Rng& rng) {
    for (float& v : t.as<float>()) v = rng.uniform();
  };
  const auto make = [&](const std::string& layer, const std::string& name, uint64_t seed) {
    Parameter p(name, {3}, ParamRole::kernel, init, std::make_shared<LayerInfo>(LayerInfo{"Dense", layer, true}));
    p.initialise(seed);
    return p.value().at(0);
  };
  EXPECT_EQ(make("a", "kernel", 1), make("a", "kernel", 1));
  EXPECT_NE(make("a", "kernel", 1), make("b", "kernel", 1));
  EXPECT_NE(make("a", "kernel", 1), make("a", "bias", 1));
  EXPECT_NE(make("a", "kernel", 1), make("a", "kernel", 2));
}

TEST(Parameter, LearnsUnlessFrozenOrAStatistic) {
  const auto layer = std::make_shared<LayerInfo>(LayerInfo{"Dense", "dense", true});
  const Parameter kernel("kernel", {1}, ParamRole::kernel, nullptr, layer);
  const Parameter mean("mean", {1}, ParamRole::statistic, nullptr, layer);
  EXPECT_TRUE(kernel.learns());
  EXPECT_FALSE(mean.learns());
  layer->trainable = false;
  EXPECT_FALSE(kernel.learns());
  EXPECT_EQ(kernel.path(), "dense/kernel");
}

}  // namespace
}  // namespace ocellus

#include <gmock/gmock.h>

#include <ocellus/backend/backends.h>
#include <ocellus/base/error.h>
#include <ocellus/engine/reference.h>
#include <ocellus/ops/conv.h>
#include <ocellus/ops/pool.h>

#include "backend/node_runner.h"
#include "backend/onednn/onednn_backend.h"

namespace ocellus {
namespace {

using testing::HasSubstr;

Value f32(std::string name, Shape shape) { return input(std::move(name), {DType::f32, shape}); }

KernelOffer offer(Backend& backend, const Value& v, std::vector<LayoutPtr> layouts = {}) {
  layouts.resize(v.node().inputs().size());
  return backend.offer({v.node(), layouts, std::vector<bool>(v.node().types().size(), true), true});
}

/// A convolution that has more than one algorithm where there is AVX-512.
Graph wide_convolution() {
  const Value x = f32("x", {2, 32, 12, 12}), w = f32("w", {32, 32, 3, 3});
  return {.inputs = {x, w}, .outputs = {ops::conv(x, w, {}, {.window = {.padding = same}})}, .updates = {}};
}

TEST(Backends, AreMadeByName) {
  EXPECT_EQ(make_backend("onednn")->name(), "onednn");
  EXPECT_EQ(make_backend("reference")->name(), "reference");
  EXPECT_THAT([] { make_backend("cuda"); },
              testing::ThrowsMessage<UsageError>("no backend \"cuda\"; there are onednn, reference"));
  EXPECT_THAT(make_backend("onednn")->describe(), testing::MatchesRegex("oneDNN [23]\\..*, .*[0-9]+ threads"));
}

TEST(Backends, ReferenceIsPlainAndTakesEverything) {
  const BackendPtr backend = make_backend("reference");
  const Graph graph = wide_convolution();
  const KernelOffer answer = offer(*backend, graph.outputs[0]);
  ASSERT_TRUE(answer.plan);
  EXPECT_EQ(answer.plan->name, "reference");
  EXPECT_THAT(answer.plan->inputs, testing::Each(LayoutPtr()));
  EXPECT_THAT(answer.plan->outputs, testing::Each(LayoutPtr()));
}

TEST(OneDnnBackend, SaysWhyItRefuses) {
  const BackendPtr backend = make_backend("onednn");
  const Value x = f32("x", {1, 3, 8, 8});
  const Value counted = ops::average_pool(
      x,
      {.kernel = {3}, .window = {.stride = {2}, .padding = Padding(1)}, .ceil_mode = true, .count_include_pad = true});
  const KernelOffer answer = offer(*backend, counted);
  EXPECT_FALSE(answer.plan);
  ASSERT_FALSE(answer.refusals.empty());
  EXPECT_EQ(answer.refusals.back().kernel, "onednn pooling");
  EXPECT_EQ(answer.refusals.back().reason, "windows beyond the padding would be counted in the divisor");
}

TEST(OneDnnBackend, MaxPoolBackwardWantsItsOwnPositions) {
  const BackendPtr backend = make_backend("onednn");
  const Value dy = f32("dy", {1, 3, 4, 4}), positions = input("positions", {DType::i32, {1, 3, 4, 4}});
  MaxPoolBackward op;
  op.kernel = {3, 3};
  op.window.stride = {2};
  op.input = {9, 9};
  const KernelOffer answer = offer(*backend, apply(op, {dy, positions}));
  EXPECT_FALSE(answer.plan);
  EXPECT_THAT(answer.refusals.back().reason, HasSubstr("did not come from"));
}

TEST(OneDnnBackend, ReordersOnceAndThenWorksInItsOrder) {
  const BackendPtr backend = make_backend("onednn", {.algorithms = Algorithms::exact});
  const Value x = f32("x", {2, 32, 12, 12}), w = f32("w", {32, 32, 3, 3});
  const ops::ConvConfig config{.window = {.padding = same}};
  const Value first = ops::conv(x, w, {}, config), second = ops::conv(first, w, {}, config);
  const Value pooled = ops::max_pool(second, {.kernel = {2}, .window = {.stride = {2}}});
  const Graph graph{.inputs = {x, w}, .outputs = {pooled}, .updates = {}};
  const RunResult result = run_on(*backend, graph, {random_tensor(x.shape(), 1), random_tensor(w.shape(), 2)});
  ASSERT_EQ(result.nodes.size(), 3u);
  EXPECT_TRUE(same_layout(result.nodes[0].outputs[0], result.nodes[1].inputs[0]));
  EXPECT_TRUE(same_layout(result.nodes[0].inputs[1], result.nodes[1].inputs[1])) << "weights of equal shapes";
  EXPECT_TRUE(same_layout(result.nodes[1].outputs[0], result.nodes[2].inputs[0]));
  EXPECT_TRUE(result.nodes[0].inputs[1] && result.nodes[0].inputs[1]->holds_masters());
}

TEST(OneDnnBackend, RunMakesNoPrimitive) {
  onednn::OneDnnBackend backend({.algorithms = Algorithms::exact});
  const Graph graph = wide_convolution();
  const Node& node = graph.outputs[0].node();
  const std::vector<LayoutPtr> layouts(2);
  KernelOffer answer = backend.offer({node, layouts, {true}, true});
  ASSERT_TRUE(answer.plan);
  std::vector<std::shared_ptr<void>> memory;
  const auto place = [&](size_t bytes) {
    memory.push_back(allocate(bytes + 64));
    return memory.back().get();
  };
  std::vector<void*> inputs, outputs;
  for (size_t i = 0; i < 2; ++i)
    inputs.push_back(place(answer.plan->inputs[i] ? answer.plan->inputs[i]->bytes() : bytes_of(node.input_types()[i])));
  outputs.push_back(place(answer.plan->outputs[0] ? answer.plan->outputs[0]->bytes() : bytes_of(node.types()[0])));
  const int64_t before = backend.runtime()->primitives();
  EXPECT_GT(before, 0);
  answer.plan->kernel->bind(inputs, outputs, place(answer.plan->scratch));
  answer.plan->kernel->run();
  answer.plan->kernel->run();
  EXPECT_EQ(backend.runtime()->primitives(), before);
}

TEST(OneDnnBackend, TimedChoicesAgreeAndCanBeRestored) {
  const BackendPtr timed = make_backend("onednn", {.algorithms = Algorithms::time});
  const Graph graph = wide_convolution();
  const std::vector<Tensor> inputs = {random_tensor({2, 32, 12, 12}, 1), random_tensor({32, 32, 3, 3}, 2)};
  const Tensor expected = evaluate(graph, inputs)[0];
  for (const bool training : {true, false}) {
    const RunResult result = run_on(*timed, graph, inputs, {.training = training});
    expect_close(result.outputs[0], expected, 2e-4, training ? "training" : "inference");
  }
  const std::string decisions = timed->decisions();
  const BackendPtr restored = make_backend("onednn", {.algorithms = Algorithms::time});
  restored->restore_decisions(decisions);
  const RunResult again = run_on(*restored, graph, inputs, {.training = true});
  EXPECT_EQ(restored->decisions(), decisions);
  const Tensor first = run_on(*timed, graph, inputs, {.training = true}).outputs[0];
  for (int64_t i = 0; i < first.numel(); ++i) ASSERT_EQ(again.outputs[0].at(i), first.at(i));
}

TEST(OneDnnBackend, WinogradWeightsOfInferenceAreNoMasters) {
  const BackendPtr backend = make_backend("onednn", {.algorithms = Algorithms::standard});
  const Graph graph = wide_convolution();
  const std::vector<LayoutPtr> layouts(2);
  const KernelOffer answer = backend->offer({graph.outputs[0].node(), layouts, {true}, false});
  ASSERT_TRUE(answer.plan);
  if (answer.plan->name.find("wino") == std::string::npos) GTEST_SKIP() << "no Winograd on this machine";
  ASSERT_TRUE(answer.plan->inputs[1]);
  EXPECT_EQ(answer.plan->inputs[1]->to_string(), "winograd 4x4");
  EXPECT_FALSE(answer.plan->inputs[1]->holds_masters());
}

}  // namespace
}  // namespace ocellus

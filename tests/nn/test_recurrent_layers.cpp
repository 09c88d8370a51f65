#include <gmock/gmock.h>

#include <array>
#include <cmath>

#include <ocellus/engine/reference.h>
#include <ocellus/nn/layers/conv.h>
#include <ocellus/nn/layers/dense.h>
#include <ocellus/nn/layers/flatten.h>
#include <ocellus/nn/layers/recurrent.h>
#include <ocellus/nn/layers/time_distributed.h>

#include "nn/layer_check.h"

namespace ocellus::nn {
namespace {

using Parameters = std::vector<std::pair<std::string, Shape>>;

/// A second direction's parameters after the first's.
Parameters both_ways(Parameters one) {
  const size_t count = one.size();
  for (size_t i = 0; i < count; ++i) one.emplace_back("backward_" + one[i].first, one[i].second);
  return one;
}

TEST(RecurrentLayers, LSTM) {
  const Parameters parameters = {{"kernel", {20, 3}}, {"recurrent_kernel", {20, 5}}, {"bias", {20}}};
  const std::vector<Shape> samples = {{4, 3}};
  layer_check({.title = "last",
               .make = maker<LSTM>(LSTMConfig{.units = 5}),
               .samples = samples,
               .output = {5},
               .parameters = parameters});
  layer_check({.title = "all",
               .make = maker<LSTM>(LSTMConfig{.units = 5, .return_sequences = true, .use_bias = false}),
               .samples = samples,
               .output = {4, 5},
               .parameters = {parameters.begin(), parameters.begin() + 2}});
  layer_check({.title = "both ways",
               .make = maker<LSTM>(LSTMConfig{.units = 5, .return_sequences = true, .bidirectional = true}),
               .samples = samples,
               .output = {4, 10},
               .parameters = both_ways(parameters)});
}

TEST(RecurrentLayers, GRU) {
  const Parameters parameters = {
      {"kernel", {15, 3}}, {"recurrent_kernel", {15, 5}}, {"bias", {15}}, {"recurrent_bias", {15}}};
  const std::vector<Shape> samples = {{4, 3}};
  layer_check({.title = "last",
               .make = maker<GRU>(GRUConfig{.units = 5}),
               .samples = samples,
               .output = {5},
               .parameters = parameters});
  layer_check({.title = "reset before",
               .make = maker<GRU>(GRUConfig{.units = 5, .return_sequences = true, .reset_after = false}),
               .samples = samples,
               .output = {4, 5},
               .parameters = {parameters.begin(), parameters.begin() + 3}});
  layer_check({.title = "both ways",
               .make = maker<GRU>(GRUConfig{.units = 5, .bidirectional = true}),
               .samples = samples,
               .output = {10},
               .parameters = both_ways(parameters)});
}

std::vector<float> run(const Layer& layer, const Tensor& x) {
  std::vector<int64_t> sample(x.shape().begin() + 1, x.shape().end());
  Graph graph;
  graph.inputs = {input(Shape(std::span<const int64_t>(sample)))};
  graph.outputs = {layer(graph.inputs)};
  for (const ParameterPtr& p : layer.parameters()) p->initialise(5);
  const Tensor y = evaluate(graph, std::span(&x, 1))[0];
  return {y.as<float>().begin(), y.as<float>().end()};
}

const Tensor steps = Tensor::of<float>({1, 3, 1}, {1, -2, 0.5f}),
             reversed = Tensor::of<float>({1, 3, 1}, {0.5f, -2, 1});

TEST(RecurrentLayers, LastStateIsTheLastOfAll) {
  const std::vector<float> all = run(LSTM({.units = 2, .return_sequences = true}), steps);
  const std::vector<float> last = run(LSTM({.units = 2}), steps);
  ASSERT_EQ(all.size(), 6);
  EXPECT_THAT(last, testing::ElementsAre(all[4], all[5]));
}

// The same parameters both ways: initialisers draw by a parameter's name, so constants are used.
TEST(RecurrentLayers, TheSecondDirectionReadsFromTheEnd) {
  const GRUConfig one = {.units = 1,
                         .return_sequences = true,
                         .kernel_initialiser = constant(0.75f),
                         .recurrent_initialiser = constant(-0.5f),
                         .bias_initialiser = constant(0.25f)};
  GRUConfig two = one;
  two.bidirectional = true;
  const std::vector<float> there = run(GRU(one), steps), back = run(GRU(one), reversed);
  EXPECT_THAT(run(GRU(two), steps), testing::ElementsAre(there[0], back[2], there[1], back[1], there[2], back[0]));
  two.return_sequences = false;
  EXPECT_THAT(run(GRU(two), steps), testing::ElementsAre(there[2], back[2]));
}

TEST(RecurrentLayers, AGRUByHand) {
  const auto sigma = [](double x) { return 1 / (1 + std::exp(-x)); };
  double h = 0;
  for (const double x : {1.0, -2.0, 0.5}) {
    const double gate = sigma(0.75 * x + 0.25 - 0.5 * h + 0.25);
    h = gate * h + (1 - gate) * std::tanh(0.75 * x + 0.25 + gate * (-0.5 * h + 0.25));
  }
  const GRU layer({.units = 1,
                   .kernel_initialiser = constant(0.75f),
                   .recurrent_initialiser = constant(-0.5f),
                   .bias_initialiser = constant(0.25f)});
  EXPECT_THAT(run(layer, steps), testing::ElementsAre(testing::FloatNear(static_cast<float>(h), 1e-6f)));
}

TEST(RecurrentLayers, TheForgetGateStartsOpen) {
  const LSTM open({.units = 2}), plain({.units = 2, .unit_forget_bias = false});
  const auto bias = [](const LSTM& layer) {
    layer(input({3, 1}));
    const ParameterPtr p = layer.parameters()[2];
    p->initialise(1);
    const Tensor t = p->value();
    return std::vector<float>(t.as<float>().begin(), t.as<float>().end());
  };
  EXPECT_THAT(bias(open), testing::ElementsAre(0, 0, 1, 1, 0, 0, 0, 0));
  EXPECT_THAT(bias(plain), testing::Each(0));
}

TEST(RecurrentLayers, RefuseWhatIsNoSequence) {
  EXPECT_THAT(
      [] {
        LSTM({.units = 2, .name = "memory"})(input({3, 4, 4}));
      },
      testing::ThrowsMessage<ShapeError>(
          "[lstm memory] needs an input [N,T,C] of at least one step, got f32[N,3,4,4]"));
  EXPECT_THAT([] { GRU({.units = 2})
                   (input({3})); },
              testing::ThrowsMessage<ShapeError>("[gru] needs an input [N,T,C] of at least one step, got f32[N,3]"));
  EXPECT_THAT([] { GRU({}); }, testing::ThrowsMessage<UsageError>("GRU: units must be at least 1, got 0"));
}

TEST(TimeDistributed, IsALayer) {
  layer_check({.title = "dense",
               .make =
                   [](std::string name) {
                     return std::make_unique<TimeDistributed>(Dense({.units = 5, .name = name + "/each"}),
                                                              TimeDistributedConfig{name});
                   },
               .samples = {{4, 3}},
               .output = {4, 5},
               .parameters = {{"each/kernel", {5, 3}}, {"each/bias", {5}}}});
  layer_check({.title = "convolution",
               .make =
                   [](std::string name) {
                     return std::make_unique<TimeDistributed>(
                         Conv2D({.filters = 2, .kernel = 3, .name = name + "/each"}), TimeDistributedConfig{name});
                   },
               .samples = {{4, 3, 6, 5}},
               .output = {4, 2, 4, 3},
               .parameters = {{"each/kernel", {2, 3, 3, 3}}, {"each/bias", {2}}}});
}

TEST(TimeDistributed, DoesTheSameToEachStep) {
  const Dense dense({.units = 1, .kernel_initialiser = constant(2), .bias_initialiser = constant(1)});
  const Tensor x = Tensor::of<float>({2, 3, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  EXPECT_THAT(run(TimeDistributed(dense), x), testing::ElementsAre(7, 15, 23, 31, 39, 47));
  EXPECT_EQ(TimeDistributed(Flatten())(input({4, 3, 5, 5})).shape(), (Shape{any_dim, 4, 75}));
}

TEST(TimeDistributed, FreezesItsLayerAndNamesIt) {
  TimeDistributed frames(Dense({.units = 1, .name = "inner"}), {.name = "outer"});
  frames(input({4, 3}));
  frames.trainable(false);
  EXPECT_FALSE(frames.parameters()[0]->learns());
  EXPECT_THAT([&] { frames(input({3})); },
              testing::ThrowsMessage<ShapeError>("[dense inner] needs an input [N,in], got f32[N]: flatten it first"));
  EXPECT_THAT([&] { frames(input({})); },
              testing::ThrowsMessage<ShapeError>(
                  "[time_distributed outer] needs an input [N,T,...] of at least one step, got f32[N]"));
}

}  // namespace
}  // namespace ocellus::nn

#include <gmock/gmock.h>

#include <cmath>

#include <ocellus/engine/reference.h>
#include <ocellus/nn/layers/activation.h>
#include <ocellus/nn/layers/group_norm.h>
#include <ocellus/nn/layers/instance_norm.h>
#include <ocellus/nn/layers/layer_norm.h>
#include <ocellus/nn/layers/prelu.h>

#include "nn/layer_check.h"

namespace ocellus::nn {
namespace {

using testing::ElementsAre;
using testing::FloatNear;

/// What a layer makes of one sample, its parameters fresh.
std::vector<float> run(const Layer& layer, const Shape& sample, const std::vector<float>& x) {
  Graph graph;
  graph.inputs = {input(sample)};
  graph.outputs = {layer(graph.inputs)};
  for (const ParameterPtr& p : layer.parameters()) p->initialise(1);
  std::vector<int64_t> dims = {1};
  dims.insert(dims.end(), sample.begin(), sample.end());
  const Tensor fed = Tensor::of<float>(Shape(std::span<const int64_t>(dims)), x);
  const Tensor y = evaluate(graph, std::span(&fed, 1))[0];
  return {y.as<float>().begin(), y.as<float>().end()};
}

template <class F>
std::function<std::unique_ptr<Layer>(std::string)> layer_of(F function) {
  return [function](std::string name) { return std::make_unique<Activation>(function, std::move(name)); };
}

TEST(FunctionLayers, AreLayers) {
  layer_check({.title = "a function", .make = layer_of(mish), .samples = {{3, 4, 2}}, .output = {3, 4, 2}});
  layer_check({.title = "a name", .make = layer_of("swish"), .samples = {{5}}, .output = {5}});
  layer_check({.title = "fused kinds too", .make = layer_of(tanh_), .samples = {{5}}, .output = {5}});
  layer_check({.title = "a slope for each channel",
               .make = maker<PReLU>(PReLUConfig{}),
               .samples = {{3, 4, 2}},
               .output = {3, 4, 2},
               .parameters = {{"slope", {3}}},
               .smooth = false});
  layer_check({.title = "one slope",
               .make = maker<PReLU>(PReLUConfig{.shared = true}),
               .samples = {{7}},
               .output = {7},
               .parameters = {{"slope", {}}},
               .smooth = false});
}

TEST(SampleNormLayers, AreLayers) {
  layer_check({.title = "groups",
               .make = maker<GroupNorm>(GroupNormConfig{.groups = 2}),
               .samples = {{4, 3, 2}},
               .output = {4, 3, 2},
               .parameters = {{"gamma", {4}}, {"beta", {4}}}});
  layer_check({.title = "instances",
               .make = maker<InstanceNorm>(InstanceNormConfig{}),
               .samples = {{3, 4, 5}},
               .output = {3, 4, 5},
               .parameters = {{"gamma", {3}}, {"beta", {3}}}});
  layer_check({.title = "instances without parameters",
               .make = maker<InstanceNorm>(InstanceNormConfig{.scale = false, .shift = false}),
               .samples = {{3, 4, 5}},
               .output = {3, 4, 5}});
  layer_check({.title = "the whole sample",
               .make = maker<LayerNorm>(LayerNormConfig{}),
               .samples = {{2, 3, 4}},
               .output = {2, 3, 4},
               .parameters = {{"gamma", {2, 3, 4}}, {"beta", {2, 3, 4}}}});
  layer_check({.title = "the last dimension, no shift",
               .make = maker<LayerNorm>(LayerNormConfig{.dimensions = 1, .shift = false}),
               .samples = {{3, 5}},
               .output = {3, 5},
               .parameters = {{"gamma", {5}}}});
  layer_check({.title = "each position",
               .make = maker<LayerNorm>(LayerNormConfig{.each_position = true}),
               .samples = {{5, 2, 3}},
               .output = {5, 2, 3},
               .parameters = {{"gamma", {5}}, {"beta", {5}}}});
}

TEST(FunctionLayers, AreKnownByTheNamesOfTheField) {
  const std::vector<float> x = {-4, -1, 0.5f, 7};
  const auto named = [&](const char* name) { return run(Activation(name), {4}, x); };
  EXPECT_THAT(named("linear"), ElementsAre(-4, -1, 0.5f, 7));
  EXPECT_THAT(named("relu6"), ElementsAre(0, 0, 0.5f, 6));
  EXPECT_THAT(named("hardtanh"), ElementsAre(-1, -1, 0.5f, 1));
  EXPECT_THAT(named("leaky"), ElementsAre(-0.4f, -0.1f, 0.5f, 7));
  EXPECT_THAT(named("hard_swish"), ElementsAre(0, FloatNear(-1 / 3.0f, 1e-6f), FloatNear(1.75f / 6, 1e-6f), 7));
  EXPECT_EQ(named("silu"), named("swish"));
  EXPECT_EQ(named("gelu"), run(Activation(gelu), {4}, x));
  for (const std::string_view name : activation_names()) EXPECT_EQ(run(Activation(name), {4}, x).size(), 4u) << name;
}

TEST(FunctionLayers, SuggestTheNearestName) {
  EXPECT_THAT([] { Activation("swihs"); },
              testing::ThrowsMessage<UsageError>("no activation \"swihs\"; did you mean \"swish\"?"));
  EXPECT_THAT(
      [] { Activation("quadratic"); },
      testing::ThrowsMessage<UsageError>(testing::StartsWith("no activation \"quadratic\"; there are linear, relu,")));
}

TEST(FunctionLayers, DoWhatTheirConfigurationsSay) {
  EXPECT_THAT(run(PReLU(), {2, 2}, {-4, 2, -1, 0}), ElementsAre(-1, 2, -0.25f, 0));
  EXPECT_THAT(run(PReLU({.shared = true, .slope_initialiser = constant(0.5f)}), {3}, {-4, 2, -1}),
              ElementsAre(-2, 2, -0.5f));
}

TEST(SampleNormLayers, DoWhatTheirConfigurationsSay) {
  const std::vector<float> x = {1, 3, 5, 7};  // channels (1, 3) and (5, 7)
  EXPECT_THAT(run(InstanceNorm({.epsilon = 3}), {2, 2}, x), ElementsAre(-0.5f, 0.5f, -0.5f, 0.5f));
  EXPECT_THAT(run(GroupNorm({.groups = 2, .epsilon = 3}), {2, 2}, x), ElementsAre(-0.5f, 0.5f, -0.5f, 0.5f));
  const auto whole = ElementsAre(-1, FloatNear(-1 / 3.0f, 1e-6f), FloatNear(1 / 3.0f, 1e-6f), 1);
  EXPECT_THAT(run(GroupNorm({.groups = 1, .epsilon = 4}), {2, 2}, x), whole);
  EXPECT_THAT(run(LayerNorm({.epsilon = 4}), {2, 2}, x), whole);
  EXPECT_THAT(run(LayerNorm({.dimensions = 1, .epsilon = 3}), {2, 2}, x), ElementsAre(-0.5f, 0.5f, -0.5f, 0.5f));
  // Positions (1, 5) and (3, 7), each 2 off its mean.
  const LayerNorm each({.each_position = true, .epsilon = 12});
  EXPECT_THAT(run(each, {2, 2}, x), ElementsAre(-0.5f, -0.5f, 0.5f, 0.5f));
  EXPECT_THAT(run(LayerNorm({.each_position = true, .epsilon = 12}), {2, 1, 2, 1}, x),
              ElementsAre(-0.5f, -0.5f, 0.5f, 0.5f));
}

TEST(SampleNormLayers, RefuseWhatDoesNotFit) {
  EXPECT_THROW(GroupNorm({.groups = 0}), UsageError);
  EXPECT_THROW(LayerNorm({.dimensions = -1}), UsageError);
  EXPECT_THROW(LayerNorm({.dimensions = 1, .each_position = true}), UsageError);
  EXPECT_THAT(
      [] {
        GroupNorm({.groups = 4, .name = "norm"})(input({6, 2, 2}));
      },
      testing::ThrowsMessage<ShapeError>("[group_norm norm] 4 groups do not divide the 6 channels of input [N,6,2,2]"));
  EXPECT_THAT([] { InstanceNorm({.name = "norm"})(input({})); },
              testing::ThrowsMessage<ShapeError>("[instance_norm norm] needs an input [N,C,...], got f32[N]"));
  EXPECT_THAT([] { LayerNorm({.dimensions = 3, .name = "norm"})(input({6})); },
              testing::ThrowsMessage<ShapeError>(
                  "[layer_norm norm] needs an input [N,...] with 3 dimensions after the batch, got f32[N,6]"));
  EXPECT_THAT([] { PReLU({.name = "slopes"})(input({})); },
              testing::ThrowsMessage<ShapeError>("[prelu slopes] needs an input [N,C,...], got f32[N]"));
}

}  // namespace
}  // namespace ocellus::nn

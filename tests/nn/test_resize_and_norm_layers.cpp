#include <gmock/gmock.h>

#include <ocellus/engine/reference.h>
#include <ocellus/nn/layers/depth_to_space.h>
#include <ocellus/nn/layers/l2_normalize.h>
#include <ocellus/nn/layers/local_response_norm.h>
#include <ocellus/nn/layers/resize2d.h>
#include <ocellus/nn/layers/space_to_depth.h>

#include "nn/layer_check.h"

namespace ocellus::nn {
namespace {

TEST(ResizeLayers, AreLayers) {
  layer_check(
      {.title = "doubled", .make = maker<Resize2D>(Resize2DConfig{}), .samples = {{3, 2, 5}}, .output = {3, 4, 10}});
  layer_check({.title = "bilinear to a size",
               .make = maker<Resize2D>(Resize2DConfig{.size = Extent(5, 3), .mode = ResizeMode::linear}),
               .samples = {{2, 4, 4}},
               .output = {2, 5, 3}});
  layer_check({.title = "deeper",
               .make = maker<SpaceToDepth>(SpaceToDepthConfig{.order = BlockOrder::darknet}),
               .samples = {{4, 4, 6}},
               .output = {16, 2, 3}});
  layer_check({.title = "wider",
               .make = maker<DepthToSpace>(DepthToSpaceConfig{.order = BlockOrder::crd}),
               .samples = {{8, 2, 3}},
               .output = {2, 4, 6}});
}

TEST(ChannelNormLayers, AreLayers) {
  layer_check({.title = "response",
               .make = maker<LocalResponseNorm>(LocalResponseNormConfig{.alpha = 0.5}),
               .samples = {{7, 3, 2}},
               .output = {7, 3, 2}});
  layer_check({.title = "length",
               .make = maker<L2Normalize>(L2NormalizeConfig{.scale = 2}),
               .samples = {{5, 3, 2}},
               .output = {5, 3, 2},
               .parameters = {{"scale", {5}}}});
}

std::vector<float> run(const Layer& layer, const Tensor& x) {
  Graph graph;
  graph.inputs = {input({x.shape()[1], x.shape()[2], x.shape()[3]})};
  graph.outputs = {layer(graph.inputs)};
  for (const ParameterPtr& p : layer.parameters()) p->initialise(1);
  const Tensor y = evaluate(graph, std::span(&x, 1))[0];
  return {y.as<float>().begin(), y.as<float>().end()};
}

TEST(ResizeLayers, DoWhatTheirConfigurationsSay) {
  const Tensor x = Tensor::of<float>({1, 1, 2, 2}, {1, 2, 3, 4});
  EXPECT_THAT(run(Resize2D({.factor = {1, 2}}), x), testing::ElementsAre(1, 1, 2, 2, 3, 3, 4, 4));
  EXPECT_THAT(
      run(Resize2D({.size = Extent(1, 3), .mode = ResizeMode::linear, .coordinates = ResizeCoordinates::align_corners}),
          x),
      testing::ElementsAre(1, 1.5, 2));
  EXPECT_THAT(run(Resize2D({.size = Extent(1), .rounding = ResizeRounding::ceil}), x), testing::ElementsAre(4));
  const Tensor two = Tensor::of<float>({1, 8, 1, 1}, {1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_THAT(run(DepthToSpace(), two), testing::ElementsAre(1, 3, 5, 7, 2, 4, 6, 8));
  EXPECT_THAT(run(DepthToSpace({.order = BlockOrder::crd}), two), testing::ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  EXPECT_THAT(run(SpaceToDepth({.block = 1}), two), testing::ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
}

TEST(ChannelNormLayers, DoWhatTheirConfigurationsSay) {
  const Tensor x = Tensor::of<float>({1, 2, 1, 1}, {3, 4});
  EXPECT_THAT(run(L2Normalize(), x), testing::ElementsAre(testing::FloatEq(12), testing::FloatEq(16)));
  EXPECT_THAT(run(LocalResponseNorm({.size = 3, .alpha = 6, .beta = 1, .k = 10, .divide_alpha = true}), x),
              testing::ElementsAre(testing::FloatEq(0.05f), testing::FloatEq(4 / 60.0f)));
}

TEST(ResizeLayers, RefuseWhatDoesNotFit) {
  EXPECT_THROW(Resize2D({.factor = 0}), UsageError);
  EXPECT_THROW(Resize2D({.size = Extent(3, 0)}), UsageError);
  EXPECT_THROW(SpaceToDepth({.block = 0}), UsageError);
  EXPECT_THROW(DepthToSpace({.block = -1}), UsageError);
  EXPECT_THAT(
      [] {
        Resize2D({.name = "up"})(input({3, 4}));
      },
      testing::ThrowsMessage<ShapeError>("[resize2d up] needs an input [N,C,H,W], got f32[N,3,4]"));
  EXPECT_THAT([] { L2Normalize({.name = "norm"})(input({})); },
              testing::ThrowsMessage<ShapeError>("[l2normalize norm] needs an input [N,C,...], got f32[N]"));
}

}  // namespace
}  // namespace ocellus::nn

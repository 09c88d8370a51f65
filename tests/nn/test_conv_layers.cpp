#include <gmock/gmock.h>

#include <ocellus/engine/reference.h>
#include <ocellus/nn/layers/conv.h>
#include <ocellus/nn/layers/conv_transpose.h>
#include <ocellus/nn/layers/separable_conv.h>

#include "nn/layer_check.h"
#include "tensor/files.h"

namespace ocellus::nn {
namespace {

using testing_files::message_of;

TEST(Layer, convolutions) {
  layer_check({.title = "one dimension",
               .make = maker<Conv1D>(Conv1DConfig{.filters = 4, .kernel = 5, .stride = 2, .padding = same}),
               .samples = {{3, 11}},
               .output = {4, 6},
               .parameters = {{"kernel", {4, 3, 5}}, {"bias", {4}}}});
  layer_check({.title = "three dimensions",
               .make = maker<Conv3D>(Conv3DConfig{.filters = 4, .kernel = {1, 2, 3}, .groups = 2, .use_bias = false}),
               .samples = {{2, 3, 4, 5}},
               .output = {4, 3, 3, 3},
               .parameters = {{"kernel", {4, 1, 1, 2, 3}}}});
  layer_check({.title = "mirrored padding and kernel",
               .make = maker<Conv2D>(
                   Conv2DConfig{.filters = 2, .padding = same, .padding_mode = PadMode::reflect, .flip = true}),
               .samples = {{3, 5, 6}},
               .output = {2, 5, 6},
               .parameters = {{"kernel", {2, 3, 3, 3}}, {"bias", {2}}}});
}

TEST(Layer, convolutions_by_channel) {
  layer_check(
      {.title = "depthwise",
       .make = maker<DepthwiseConv2D>(DepthwiseConv2DConfig{.stride = 2, .padding = same, .depth_multiplier = 2}),
       .samples = {{3, 5, 6}},
       .output = {6, 3, 3},
       .parameters = {{"kernel", {6, 1, 3, 3}}, {"bias", {6}}}});
  layer_check({.title = "depthwise, one dimension",
               .make = maker<DepthwiseConv1D>(DepthwiseConv1DConfig{.kernel = 4, .use_bias = false}),
               .samples = {{3, 9}},
               .output = {3, 6},
               .parameters = {{"kernel", {3, 1, 4}}}});
  layer_check({.title = "separable",
               .make = maker<SeparableConv2D>(
                   SeparableConv2DConfig{.filters = 5, .padding = same, .depth_multiplier = 2, .activation = tanh_}),
               .samples = {{3, 5, 6}},
               .output = {5, 5, 6},
               .parameters = {{"depthwise_kernel", {6, 1, 3, 3}}, {"pointwise_kernel", {5, 6, 1, 1}}, {"bias", {5}}}});
  layer_check({.title = "separable, one dimension",
               .make = maker<SeparableConv1D>(SeparableConv1DConfig{.filters = 5, .stride = 2, .use_bias = false}),
               .samples = {{3, 9}},
               .output = {5, 4},
               .parameters = {{"depthwise_kernel", {3, 1, 3}}, {"pointwise_kernel", {5, 3, 1}}}});
}

TEST(Layer, transposed_convolutions) {
  layer_check({.title = "two dimensions",
               .make = maker<Conv2DTranspose>(Conv2DTransposeConfig{.filters = 4, .stride = 2, .padding = same}),
               .samples = {{3, 4, 5}},
               .output = {4, 8, 10},
               .parameters = {{"kernel", {3, 4, 3, 3}}, {"bias", {4}}}});
  layer_check({.title = "one dimension, output padding",
               .make = maker<Conv1DTranspose>(Conv1DTransposeConfig{
                   .filters = 4, .stride = 3, .padding = Padding(1), .output_padding = 2, .activation = tanh_}),
               .samples = {{3, 5}},
               .output = {4, 15},
               .parameters = {{"kernel", {3, 4, 3}}, {"bias", {4}}}});
  layer_check({.title = "three dimensions, groups",
               .make = maker<Conv3DTranspose>(Conv3DTransposeConfig{
                   .filters = 4, .kernel = 2, .stride = {1, 2, 2}, .groups = 2, .use_bias = false}),
               .samples = {{2, 3, 2, 3}},
               .output = {4, 4, 4, 6},
               .parameters = {{"kernel", {2, 2, 2, 2, 2}}}});
}

/// The layer's output for one sample, with every parameter but the bias filled with numbers from 1 up.
std::vector<float> outputs(const Layer& layer, const Tensor& x) {
  Graph graph;
  graph.inputs = {ocellus::input("x", {DType::f32, x.shape()})};
  graph.outputs = {layer(graph.inputs)};
  for (const ParameterPtr& p : layer.parameters()) {
    Tensor values(DType::f32, p->shape());
    if (p->role() == ParamRole::kernel)
      for (size_t i = 0; i < values.as<float>().size(); ++i) values.as<float>()[i] = static_cast<float>(i + 1);
    p->set_value(values);
  }
  const Tensor y = evaluate(graph, std::vector<Tensor>{x})[0];
  return {y.as<float>().begin(), y.as<float>().end()};
}

// The outputs of a channel lie next to each other: channel 0 gives outputs 0 and 1.
TEST(DepthwiseConv, OutputsOfAChannelAreNeighbours) {
  const Tensor x = Tensor::of<float>({1, 2, 1}, {10, 100});
  EXPECT_THAT(outputs(DepthwiseConv1D({.kernel = 1, .depth_multiplier = 2}), x),
              testing::ElementsAre(10, 20, 300, 400));
  EXPECT_THAT(outputs(SeparableConv1D({.filters = 1, .kernel = 1, .depth_multiplier = 2}), x),
              testing::ElementsAre(10 + 2 * 20 + 3 * 300 + 4 * 400));
}

TEST(ConvTranspose, KernelsAreInputByOutput) {
  const Tensor x = Tensor::of<float>({1, 2, 1}, {10, 100});
  EXPECT_THAT(outputs(Conv1DTranspose({.filters = 2, .kernel = 2}), x), testing::ElementsAre(510, 620, 730, 840));
}

TEST(Layer, convolutions_name_themselves) {
  EXPECT_EQ(snake_case("Conv2DTranspose"), "conv2d_transpose");
  EXPECT_EQ(snake_case("DepthwiseConv2D"), "depthwise_conv2d");
  EXPECT_EQ(Conv3DTranspose({.filters = 1}).kind(), "Conv3DTranspose");
  EXPECT_EQ(message_of<ShapeError>([] {
              Conv1D({.filters = 1})(input({3, 8, 8}));
            }),
            "[conv1d] needs an input [N,C,L], got f32[N,3,8,8]");
  EXPECT_EQ(message_of<ShapeError>([] {
              Conv3DTranspose({.filters = 1})(input({3, 8, 8}));
            }),
            "[conv3d_transpose] needs an input [N,C,D,H,W], got f32[N,3,8,8]");
  EXPECT_EQ(message_of<ShapeError>([] {
              Conv2DTranspose({.filters = 4, .groups = 2, .name = "up"})(input({3, 8, 8}));
            }),
            "[conv2d_transpose up] 3 input channels don't divide into 2 groups");
  EXPECT_EQ(message_of<UsageError>([] {
              Conv3DTranspose({.filters = 4, .stride = {1, 0, 2}});
            }),
            "Conv3DTranspose: stride must be at least 1, got 0");
  EXPECT_EQ(message_of<UsageError>([] { SeparableConv2D({.filters = 0}); }),
            "SeparableConv2D: filters must be at least 1, got 0");
  EXPECT_EQ(message_of<UsageError>([] { DepthwiseConv2D({.depth_multiplier = 0}); }),
            "DepthwiseConv2D: depth multiplier must be at least 1, got 0");
}

}  // namespace
}  // namespace ocellus::nn

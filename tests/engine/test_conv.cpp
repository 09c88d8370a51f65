#include <ocellus/engine/reference.h>
#include <ocellus/ops/conv.h>
#include <ocellus/ops/unary.h>

#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;

BuildFn convolution(ops::ConvConfig config, bool bias = true) {
  return [=](const Values& in) -> Values { return {ops::conv(in[0], in[1], bias ? in[2] : Value(), config)}; };
}

/// With a residual sum, as fusion makes it.
BuildFn residual(Activation activation) {
  return [=](const Values& in) {
    Conv op;
    op.window.padding = same;
    op.bias = op.residual = true;
    op.activation = activation;
    return Values{apply(std::move(op), in)};
  };
}

/// The gradient with respect to the input, used forwards: a transposed convolution.
BuildFn transposed(std::vector<int64_t> sizes, int64_t groups = 1) {
  return [=](const Values& in) {
    ConvBackwardData op;
    op.window.stride = {2};
    op.window.padding = Padding(1);
    op.groups = groups;
    op.input = sizes;
    return Values{apply(std::move(op), in)};
  };
}

std::vector<OpCase> cases() {
  const OpInput image = batch_of({2, 3, 7, 6}), kernel = fixed({4, 3, 3, 3}), bias = fixed({4});
  return {
      {"valid", convolution({}), {image, kernel, bias}},
      {"no_bias", convolution({}, false), {image, kernel}},
      {"frozen_weights", convolution({}), {image, still(kernel), bias}},
      {"only_bias_learns", convolution({}), {still(image), still(kernel), bias}},
      {"one_by_one", convolution({}), {image, fixed({5, 3, 1, 1}), fixed({5})}},
      {"same", convolution({.window = {.padding = same}}), {image, kernel, bias}},
      {"same_stride_2", convolution({.window = {.stride = {2}, .padding = same}}), {image, kernel, bias}},
      {"same_lower_stride_2", convolution({.window = {.stride = {2}, .padding = same_lower}}), {image, kernel, bias}},
      {"same_even_kernel", convolution({.window = {.padding = same}}), {image, fixed({4, 3, 2, 4}), bias}},
      {"explicit_sides",
       convolution({.window = {.stride = {2, 1}, .padding = {{1, 0}, {2, 3}}}}),
       {image, kernel, bias}},
      {"stride_beyond_kernel", convolution({.window = {.stride = {3}}}), {image, fixed({4, 3, 2, 1}), bias}},
      {"one_position_beside_padding",
       convolution({.window = {.stride = {2, 3}, .padding = same}}, false),
       {batch_of({2, 16, 1, 1}), fixed({16, 16, 2, 2})}},
      {"one_column",
       convolution({.window = {.stride = {3}, .padding = same}}, false),
       {batch_of({3, 3, 3, 1}), fixed({32, 3, 1, 1})}},
      {"dilated", convolution({.window = {.dilation = {2}, .padding = same}}), {image, kernel, bias}},
      {"dilated_unevenly",
       convolution({.window = {.stride = {1, 2}, .dilation = {3, 1}}}),
       {image, fixed({4, 3, 2, 3}), bias}},
      {"grouped",
       convolution({.window = {.padding = same}, .groups = 2}),
       {batch_of({2, 4, 5, 5}), fixed({6, 2, 3, 3}), fixed({6})}},
      {"depthwise",
       convolution({.window = {.padding = same}, .groups = 4}),
       {batch_of({2, 4, 5, 5}), fixed({4, 1, 3, 3}), bias}},
      {"depthwise_doubled", convolution({.groups = 3}), {image, fixed({6, 1, 3, 3}), fixed({6})}},
      {"relu", convolution({.window = {.padding = same}, .activation = relu}), {image, kernel, bias}},
      {"leaky_relu", convolution({.window = {.padding = same}, .activation = leaky_relu(0.1)}), {image, kernel, bias}},
      {"scaled_tanh", convolution({.activation = scaled_tanh}), {image, kernel, bias}},
      {"sigmoid", convolution({.activation = sigmoid}), {image, kernel, bias}},
      {"residual", residual(linear), {image, kernel, bias, batch_of({2, 4, 7, 6})}},
      {"residual_relu", residual(relu), {image, kernel, bias, batch_of({2, 4, 7, 6})}},
      {"many_channels",
       convolution({.window = {.padding = same}}),
       {batch_of({2, 32, 6, 6}), fixed({32, 32, 3, 3}), fixed({32})}},
      {"odd_channels",
       convolution({.window = {.padding = same}}),
       {batch_of({2, 17, 6, 6}), fixed({19, 17, 3, 3}), fixed({19})}},
      {"first_layer",
       convolution({.window = {.stride = {2}, .padding = Padding(3)}}),
       {batch_of({2, 3, 20, 20}), fixed({16, 3, 7, 7}), fixed({16})}},
      {"one_image", convolution({}), {batch_of({1, 1, 5, 5}), fixed({1, 1, 5, 5}), fixed({1})}},
      {"one_dimension",
       convolution({.window = {.stride = {2}, .padding = same}}),
       {batch_of({2, 3, 14}), fixed({4, 3, 5}), bias}},
      {"three_dimensions",
       convolution({.window = {.stride = {1, 2, 1}, .padding = same}}),
       {batch_of({2, 2, 4, 5, 3}), fixed({3, 2, 3, 3, 2}), fixed({3})}},
      {"transposed", transposed({8, 7}), {batch_of({2, 4, 4, 4}), kernel}},
      {"transposed_groups", transposed({7, 7}, 2), {batch_of({2, 4, 4, 4}), fixed({4, 3, 3, 3})}},
  };
}

/// Functions that a convolution applies to its output; most of them in inference alone.
std::vector<OpCase> functions() {
  const OpInput image = batch_of({2, 3, 7, 6}), kernel = fixed({4, 3, 3, 3}), bias = fixed({4});
  const std::vector<OpInput> unlearnt = {still(image), still(kernel), still(bias)};
  return {
      {"clip", convolution({.activation = *activation_of(clip(-3, 3))}), {image, kernel, bias}},
      {"elu", convolution({.activation = *activation_of(elu(0.7))}), unlearnt},
      {"silu", convolution({.activation = *activation_of(silu)}), unlearnt},
      {"hard_swish", convolution({.activation = *activation_of(hard_swish)}), unlearnt},
      {"hard_sigmoid", convolution({.activation = *activation_of(hard_sigmoid())}), unlearnt},
      {"mish", convolution({.activation = *activation_of(mish)}), unlearnt},
      {"gelu", convolution({.activation = *activation_of(gelu)}), unlearnt},
      {"gelu_tanh", convolution({.activation = *activation_of(gelu_tanh)}), unlearnt},
      {"residual_mish",
       residual(*activation_of(mish)),
       {still(image), still(kernel), still(bias), still(batch_of({2, 4, 7, 6}))}},
  };
}

TensorType f32(Shape shape) { return {DType::f32, shape}; }

std::vector<Refused> refused_shapes() {
  return {
      {"channels",
       convolution({}, false),
       {f32({8, 64, 56, 56}), f32({128, 32, 3, 3})},
       "[conv] weight [128,32,3,3] expects 32 input channels, got input [8,64,56,56]"},
      {"channels_of_groups",
       convolution({.groups = 2}, false),
       {f32({any_dim, 6, 8, 8}), f32({4, 2, 3, 3})},
       "[conv] weight [4,2,3,3] in 2 groups expects 4 input channels, got input [N,6,8,8]"},
      {"uneven_groups",
       convolution({.groups = 3}, false),
       {f32({1, 6, 8, 8}), f32({4, 2, 3, 3})},
       "[conv] 4 output channels can't be split into 3 groups"},
      {"no_groups",
       convolution({.groups = 0}, false),
       {f32({1, 6, 8, 8}), f32({4, 2, 3, 3})},
       "[conv] groups must be at least 1, got 0"},
      {"bias", convolution({}), {f32({1, 3, 8, 8}), f32({4, 3, 3, 3}), f32({3})}, "[conv] bias must be [4], got [3]"},
      {"rank_of_weight",
       convolution({}, false),
       {f32({1, 3, 8, 8}), f32({4, 3, 3})},
       "[conv] weight [4,3,3] has 1 spatial dimensions, got input [1,3,8,8]"},
      {"no_image",
       convolution({}, false),
       {f32({8, 3}), f32({4, 3})},
       "[conv] input must be [N,C] and 1 to 3 spatial dimensions, got [8,3]"},
      {"integers",
       convolution({}, false),
       {{DType::i32, {1, 3, 8, 8}}, f32({4, 3, 3, 3})},
       "[conv] input must be floating-point, got i32[1,3,8,8]"},
      {"residual",
       residual(linear),
       {f32({2, 3, 5, 5}), f32({4, 3, 3, 3}), f32({4}), f32({2, 4, 5, 4})},
       "[conv] residual must be [2,4,5,5], got [2,4,5,4]"},
      {"transposed",
       transposed({7, 7}),
       {f32({2, 4, 5, 4}), f32({4, 3, 3, 3})},
       "[conv_backward_data] dy must be [2,4,4,4], got [2,4,5,4]"},
  };
}

std::vector<Refused> refused_windows() {
  return {
      {"too_large",
       convolution({}, false),
       {f32({1, 3, 4, 9}), f32({2, 3, 5, 5})},
       "[conv] kernel [5,5] with dilation [1,1] does not fit into input [4,9] with padding [0,0] and [0,0]"},
      {"too_dilated",
       convolution({.window = {.dilation = {3}, .padding = Padding(1)}}, false),
       {f32({1, 3, 4, 9}), f32({2, 3, 3, 3})},
       "[conv] kernel [3,3] with dilation [3,3] does not fit into input [4,9] with padding [1,1] and [1,1]"},
      {"strides",
       convolution({.window = {.stride = {1, 2, 1}}}, false),
       {f32({1, 3, 8, 8}), f32({4, 3, 3, 3})},
       "[conv] stride [1,2,1] has 3 elements for 2 spatial dimensions"},
      {"stride_0",
       convolution({.window = {.stride = {0}}}, false),
       {f32({1, 3, 8, 8}), f32({4, 3, 3, 3})},
       "[conv] stride [0,0] must be at least 1"},
      {"padding",
       convolution({.window = {.padding = Padding(-1)}}, false),
       {f32({1, 3, 8, 8}), f32({4, 3, 3, 3})},
       "[conv] padding at the beginning [-1,-1] must be at least 0"},
  };
}

std::vector<Refused> refused() {
  std::vector<Refused> all = refused_shapes(), windows = refused_windows();
  all.insert(all.end(), windows.begin(), windows.end());
  return all;
}

OP_CHECK(Conv, cases(), refused());
OP_CHECK(ConvFunctions, functions(), std::vector<Refused>());

std::vector<float> convolve(const Tensor& x, const Tensor& w, const ops::ConvConfig& config = {}) {
  Graph graph;
  graph.inputs = {input("x", {DType::f32, x.shape()}), input("w", {DType::f32, w.shape()})};
  graph.outputs = {ops::conv(graph.inputs[0], graph.inputs[1], {}, config)};
  const Tensor y = evaluate(graph, std::vector<Tensor>{x, w})[0];
  const auto values = y.as<float>();
  return {values.begin(), values.end()};
}

// A 6x6 image, bright on the left, and the filter for vertical edges: the edge is two columns wide in the answer.
TEST(ConvValues, VerticalEdge) {
  Tensor image(DType::f32, {1, 1, 6, 6});
  for (size_t i = 0; i < 36; ++i) image.as<float>()[i] = i % 6 < 3 ? 10.0f : 0.0f;
  const Tensor filter = Tensor::of<float>({1, 1, 3, 3}, {1, 0, -1, 1, 0, -1, 1, 0, -1});
  EXPECT_EQ(convolve(image, filter), (std::vector<float>{0, 30, 30, 0, 0, 30, 30, 0, 0, 30, 30, 0, 0, 30, 30, 0}));
}

// "same" with an even total of 3 pads one element before and two after; same_lower the other way round.
TEST(ConvValues, OddPaddingGoesToTheEnd) {
  const Tensor x = Tensor::of<float>({1, 1, 4}, {1, 2, 3, 4}), w = Tensor::of<float>({1, 1, 4}, {1, 10, 100, 1000});
  EXPECT_EQ(convolve(x, w, {.window = {.padding = same}}), (std::vector<float>{3210, 4321, 432, 43}));
  EXPECT_EQ(convolve(x, w, {.window = {.padding = same_lower}}), (std::vector<float>{2100, 3210, 4321, 432}));
}

TEST(ConvValues, MacsAreProducts) {
  // 5x5 'same' convolution of 28x28x192 to 32 channels: the inception paper's 120 million.
  const Value x = input("x", {DType::f32, {1, 192, 28, 28}}), w = input("w", {DType::f32, {32, 192, 5, 5}});
  const Value y = ops::conv(x, w, {}, {.window = {.padding = same}});
  EXPECT_EQ(y.node().op().macs(y.node().input_types(), y.node().types()), 120422400);
}

}  // namespace
}  // namespace ocellus

// Transposed convolution, and convolutions with mirrored kernels or padding that is not zero.
#include <ocellus/ops/conv.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;
using testing::ElementsAre;

BuildFn transpose(ops::ConvTransposeConfig config) {
  return [=](const Values& in) {
    return Values{ops::conv_transpose(in[0], in[1], in.size() > 2 ? in[2] : Value(), config)};
  };
}

BuildFn convolution(ops::ConvConfig config) {
  return [=](const Values& in) { return Values{ops::conv(in[0], in[1], in.size() > 2 ? in[2] : Value(), config)}; };
}

/// The gradient of a bias is a sum of many numbers of both signs: it may be small beside what rounding changes.
OpCase cancelling(OpCase c) {
  c.bf16_tolerance = 6;
  return c;
}

std::vector<OpCase> cases() {
  const OpInput image = batch_of({2, 4, 4, 3}), kernel = fixed({4, 3, 3, 3}), bias = fixed({3});
  const Padding uneven{{1, 0}, {0, 2}};
  return {
      {"valid", transpose({}), {image, kernel, bias}},
      {"no_bias", transpose({}), {image, kernel}},
      {"one_filter",
       transpose({.window = {.padding = {{2, 2}, {0, 0}}}}),
       {batch_of({3, 8, 2, 5}), fixed({8, 1, 4, 4}), fixed({1})}},
      {"scaled_tanh_of_one_position",
       transpose({.activation = scaled_tanh}),
       {batch_of({1, 25, 1}), fixed({25, 2, 1}), fixed({2})}},
      {"relu", transpose({.activation = relu}), {image, kernel, bias}},
      {"tanh_of_full_blocks",
       transpose({.window = {.stride = {2}}, .activation = tanh_}),
       {batch_of({2, 16, 3, 3}), fixed({16, 16, 2, 2}), fixed({16})}},
      {"scaled_tanh_of_part_of_a_block",
       transpose({.window = {.stride = {2}}, .activation = scaled_tanh}),
       {batch_of({2, 16, 3, 3}), fixed({16, 17, 2, 2}), fixed({17})}},
      {"leaky_relu_of_part_of_a_block",
       transpose({.window = {.stride = {2}}, .activation = leaky_relu(0.1)}),
       {batch_of({2, 16, 3}), fixed({16, 17, 2}), fixed({17})}},
      {"same_stride_2", transpose({.window = {.stride = {2}, .padding = same}}), {image, kernel, bias}},
      {"same_lower_even",
       transpose({.window = {.stride = {2}, .padding = same_lower}}),
       {image, fixed({4, 3, 4, 2}), bias}},
      {"stride_beyond_kernel", transpose({.window = {.stride = {3}}}), {image, fixed({4, 3, 2, 1}), bias}},
      {"explicit", transpose({.window = {.stride = {2, 1}, .padding = uneven}}), {image, kernel, bias}},
      {"output_padding",
       transpose({.window = {.stride = {2, 3}, .padding = Padding(1)}, .output_padding = {1, 2}}),
       {image, kernel, bias}},
      {"dilated", transpose({.window = {.stride = {2}, .dilation = {2, 3}}}), {image, kernel, bias}},
      {"grouped",
       transpose({.window = {.stride = {2}, .padding = Padding(1)}, .groups = 2}),
       {image, kernel, fixed({6})}},
      {"depthwise",
       transpose({.window = {.stride = {2}, .padding = same}, .groups = 4}),
       {image, fixed({4, 1, 4, 4}), fixed({4})}},
      {"many_channels",
       transpose({.window = {.stride = {2}, .padding = Padding(1)}}),
       {batch_of({2, 32, 5, 5}), fixed({32, 16, 4, 4}), fixed({16})}},
      {"one_dimension",
       transpose({.window = {.stride = {2}, .padding = Padding(1)}, .output_padding = {1}}),
       {batch_of({2, 3, 7}), fixed({3, 5, 3}), fixed({5})}},
      cancelling({"three_dimensions",
                  transpose({.window = {.stride = {2, 1, 2}, .padding = same}}),
                  {batch_of({2, 3, 2, 3, 2}), fixed({3, 2, 3, 3, 2}), fixed({2})}}),
  };
}

/// Padding between two convolutions, which give and want a value in an order of their own.
BuildFn between_convolutions(PadMode mode, double value = 0) {
  return [=](const Values& in) {
    const Value x = ops::conv(in[0], in[1], {}, {.window = {.padding = same}});
    const Value y = ops::pad(x, {.before = {0, 0, 2, 1}, .after = {0, 0, 1, 3}, .mode = mode, .value = value});
    return Values{ops::conv(y, in[2], {})};
  };
}

std::vector<OpCase> between_cases() {
  std::vector<OpCase> cases;
  for (const int64_t channels : {16, 17, 32}) {
    const std::vector<OpInput> inputs = {batch_of({2, 16, 6, 5}), fixed({channels, 16, 3, 3}),
                                         fixed({16, channels, 3, 3})};
    const std::string suffix = "_" + std::to_string(channels);
    cases.push_back({"zeros" + suffix, between_convolutions(PadMode::constant), inputs});
    cases.push_back({"value" + suffix, between_convolutions(PadMode::constant, 1.5), inputs});
    cases.push_back({"reflect" + suffix, between_convolutions(PadMode::reflect), inputs});
    cases.push_back({"replicate" + suffix, between_convolutions(PadMode::replicate), inputs});
  }
  for (OpCase& c : cases) c.tolerance = 1e-4;  // the loss is a sum of hundreds of numbers of both signs
  return cases;
}

std::vector<OpCase> padding_mode_cases() {
  const OpInput image = batch_of({2, 3, 6, 5}), kernel = fixed({4, 3, 3, 3}), bias = fixed({4});
  const Window wide{.stride = {2, 1}, .padding = Padding(2)};
  return {
      {"reflect", convolution({.window = wide, .padding_mode = PadMode::reflect}), {image, kernel, bias}},
      {"replicate", convolution({.window = wide, .padding_mode = PadMode::replicate}), {image, kernel, bias}},
      {"same", convolution({.window = {.padding = same}, .padding_mode = PadMode::reflect}), {image, kernel}},
      {"one_dimension",
       convolution({.window = {.padding = {{3}, {1}}}, .padding_mode = PadMode::replicate}),
       {batch_of({2, 3, 6}), fixed({4, 3, 4}), bias}},
      {"three_dimensions",
       convolution({.window = {.padding = same}, .padding_mode = PadMode::reflect}),
       {batch_of({2, 2, 3, 4, 3}), fixed({3, 2, 3, 3, 2})}},
      {"flipped", convolution({.window = {.stride = {2}, .padding = same}, .flip = true}), {image, kernel, bias}},
      {"flipped_groups", convolution({.groups = 3, .flip = true}), {image, fixed({6, 1, 3, 2})}},
      {"flipped_one_dimension", convolution({.flip = true}), {batch_of({2, 3, 6}), fixed({4, 3, 4}), bias}},
      {"flipped_and_reflected",
       convolution({.window = {.padding = same}, .padding_mode = PadMode::reflect, .flip = true}),
       {image, kernel}},
  };
}

TensorType f32(Shape shape) { return {DType::f32, shape}; }

std::vector<Refused> refused() {
  const Window halves{.stride = {2}, .padding = Padding(1)};
  return {
      {"channels",
       transpose({}),
       {f32({8, 64, 5, 5}), f32({32, 16, 3, 3})},
       "[conv_transpose] weight [32,16,3,3] expects 32 input channels, got input [8,64,5,5]"},
      {"groups",
       transpose({.groups = 3}),
       {f32({8, 64, 5, 5}), f32({64, 16, 3, 3})},
       "[conv_transpose] 64 output channels can't be split into 3 groups"},
      {"rank",
       transpose({}),
       {f32({8, 64, 5}), f32({64, 16, 3, 3})},
       "[conv_transpose] weight [64,16,3,3] has 2 spatial dimensions, got input [8,64,5]"},
      {"bias",
       transpose({.groups = 2}),
       {f32({any_dim, 4, 5, 5}), f32({4, 3, 3, 3}), f32({3})},
       "[conv_transpose] bias must be [6], got [3]"},
      {"output_padding",
       transpose({.window = halves, .output_padding = {2}}),
       {f32({1, 4, 5, 5}), f32({4, 3, 3, 3})},
       "[conv_transpose] output padding [2,2] does not fit stride [2,2]: a convolution of [11,11] gives [6,6], not "
       "[5,5]"},
      {"output_padding_below_0",
       transpose({.window = halves, .output_padding = {0, -1}}),
       {f32({1, 4, 5, 5}), f32({4, 3, 3, 3})},
       "[conv_transpose] output padding [0,-1] must be at least 0"},
      {"nothing_left",
       transpose({.window = {.padding = Padding(2)}}),
       {f32({1, 4, 2, 5}), f32({4, 3, 3, 3})},
       "[conv_transpose] nothing is left of input [2,5] between padding [2,2] and [2,2]"},
      {"too_small_to_reflect",
       convolution({.window = {.padding = Padding(2)}, .padding_mode = PadMode::reflect}),
       {f32({1, 3, 2, 5}), f32({4, 3, 3, 3})},
       "[pad] dimension 2 of [1,3,2,5] is too small to be reflected by 2: at most 1"},
      {"channels_of_a_padded_input",
       convolution({.window = {.padding = same}, .padding_mode = PadMode::reflect}),
       {f32({1, 2, 8, 5}), f32({4, 3, 3, 3})},
       "[conv] weight [4,3,3,3] expects 3 input channels, got input [1,2,8,5]"},
  };
}

OP_CHECK(ConvTranspose, cases(), refused());
INSTANTIATE_TEST_SUITE_P(PadBetween, OpCheck, ::testing::ValuesIn(between_cases()),
                         [](const auto& i) { return i.param.name; });
INSTANTIATE_TEST_SUITE_P(ConvModes, OpCheck, ::testing::ValuesIn(padding_mode_cases()),
                         [](const auto& i) { return i.param.name; });

/// The spatial sizes of a transposed convolution of an image with 5x7 elements.
std::vector<int64_t> sizes(const Shape& kernel, const ops::ConvTransposeConfig& config) {
  const Value x = input("x", f32({any_dim, 2, 5, 7})), w = input("w", f32({2, 3, kernel[0], kernel[1]}));
  return spatial(ops::conv_transpose(x, w, {}, config).shape());
}

// What torch.nn.ConvTranspose2d and keras.layers.Conv2DTranspose give.
TEST(ConvTransposeShapes, AreThoseOfPyTorchAndKeras) {
  const Window halves{.stride = {2}, .padding = Padding(1)};
  EXPECT_THAT(sizes({3, 3}, {.window = halves}), ElementsAre(9, 13));
  EXPECT_THAT(sizes({3, 3}, {.window = halves, .output_padding = {1}}), ElementsAre(10, 14));
  EXPECT_THAT(sizes({4, 4}, {.window = {.stride = {2, 1}, .dilation = {2, 1}, .padding = Padding(2)}}),
              ElementsAre(11, 6));
  EXPECT_THAT(sizes({3, 2}, {.window = {.stride = {2}, .padding = same}}), ElementsAre(10, 14));
  EXPECT_THAT(sizes({3, 2}, {.window = {.stride = {2}, .padding = same}, .output_padding = {0, 1}}),
              ElementsAre(9, 13));
  EXPECT_THAT(sizes({3, 2}, {.window = {.stride = {4}}}), ElementsAre(20, 28));
  EXPECT_THAT(sizes({3, 2}, {.window = {.stride = {2, 4}}, .output_padding = {1, 0}}), ElementsAre(12, 26));
}

// Each element of the input writes the kernel, times itself, where it stands: the overlaps add up.
TEST(ConvTransposeValues, OverlapsAddUp) {
  const Value x = real({1, 1, 3}, {1, 2, 3}), w = real({1, 1, 3}, {1, 10, 100});
  EXPECT_THAT(numbers(ops::conv_transpose(x, w, {}, {.window = {.stride = {2}}})),
              ElementsAre(1, 10, 100 + 2, 20, 200 + 3, 30, 300));
  EXPECT_THAT(numbers(ops::conv_transpose(x, w, real({1}, {-1}), {.window = {.stride = {2}, .padding = same}})),
              ElementsAre(1 - 1, 10 - 1, 102 - 1, 20 - 1, 203 - 1, 30 - 1));
}

TEST(ConvModes, AFlippedKernelIsRunBackwards) {
  const Value x = real({1, 1, 2, 2}, {1, 2, 3, 4}), w = real({1, 1, 2, 2}, {1, 10, 100, 1000});
  EXPECT_THAT(numbers(ops::conv(x, w, {})), ElementsAre(4321));
  EXPECT_THAT(numbers(ops::conv(x, w, {}, {.flip = true})), ElementsAre(1234));
  const Value loss = ops::reduce_sum(ops::conv(x, w, {}, {.flip = true}));
  EXPECT_THAT(gradient_of(loss, w), ElementsAre(4, 3, 2, 1));
}

TEST(ConvModes, PaddingMirrorsOrContinuesTheInput) {
  const Value x = real({1, 1, 3}, {1, 2, 3}), w = real({1, 1, 3}, {100, 10, 1});
  const auto padded = [&](PadMode mode) {
    return numbers(ops::conv(x, w, {}, {.window = {.padding = same}, .padding_mode = mode}));
  };
  EXPECT_THAT(padded(PadMode::constant), ElementsAre(12, 123, 230));
  EXPECT_THAT(padded(PadMode::reflect), ElementsAre(212, 123, 232));
  EXPECT_THAT(padded(PadMode::replicate), ElementsAre(112, 123, 233));
}

}  // namespace
}  // namespace ocellus

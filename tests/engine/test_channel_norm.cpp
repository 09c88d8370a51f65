#include <cmath>

#include <ocellus/ops/channel_norm.h>
#include <ocellus/ops/conv.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;

BuildFn response_norm(ops::LocalResponseNormConfig config) {
  return [=](const Values& in) { return Values{ops::local_response_norm(in[0], config)}; };
}

BuildFn l2(double epsilon) {
  return [=](const Values& in) { return Values{ops::l2_normalize(in[0], in[1], epsilon)}; };
}

/// In the order that a convolution leaves behind, for which backends may have kernels of their own.
Values response_after_conv(const Values& in) {
  const Value y = ops::conv(in[0], in[1], Value(), {.window = {.padding = Padding(1)}});
  return {ops::local_response_norm(y, {.alpha = 0.9, .k = 1, .divide_alpha = true})};
}

std::vector<OpCase> response_cases() {
  // A large alpha, so that the sum matters.
  const ops::LocalResponseNormConfig strong{.alpha = 0.9};
  return {
      {"paper", response_norm({}), {batch_of({2, 16, 5, 4}, uniform(-20, 20))}},
      {"strong", response_norm(strong), {batch_of({2, 9, 3, 4})}},
      {"divided", response_norm({.alpha = 2, .k = 1, .divide_alpha = true}), {batch_of({2, 17, 3, 2})}},
      {"fewer_channels_than_size", response_norm({.size = 9, .alpha = 0.7}), {batch_of({2, 3, 2, 2})}},
      {"each_alone", response_norm({.size = 1, .alpha = 0.7}), {batch_of({2, 4, 3})}},
      {"other_powers", response_norm({.size = 3, .alpha = 0.5, .beta = 1.3, .k = 0.4}), {batch_of({2, 6, 2, 2, 3})}},
      {"matrix", response_norm(strong), {batch_of({4, 7})}},
      {"four_spatial_dimensions", response_norm(strong), {batch_of({2, 4, 3, 2, 4, 3})}},
      {"after_conv", response_after_conv, {batch_of({2, 16, 6, 5}), fixed({48, 16, 3, 3})}},
  };
}

std::vector<OpCase> l2_cases() {
  return {
      {"image", l2(1e-10), {batch_of({2, 16, 5, 4}), fixed({16})}},
      {"odd_channels", l2(1e-10), {batch_of({2, 5, 3, 3}), fixed({5}, uniform(10, 20))}},
      {"large_epsilon", l2(0.5), {batch_of({2, 4, 7}), fixed({4})}},
      {"vectors", l2(1e-10), {batch_of({6, 8}), fixed({8})}},
      {"volume", l2(1e-3), {batch_of({2, 3, 2, 3, 2}), fixed({3})}},
      {"fixed_scale", l2(1e-10), {batch_of({2, 6, 2, 2}), still(fixed({6}))}},
  };
}

TensorType f32(Shape shape) { return {DType::f32, shape}; }

std::vector<Refused> response_refused() {
  return {
      {"even",
       response_norm({.size = 4}),
       {f32({1, 8, 2, 2})},
       "[local_response_norm] size 4 must be odd and at least 1"},
      {"below_0",
       response_norm({.size = -1}),
       {f32({1, 8})},
       "[local_response_norm] size -1 must be odd and at least 1"},
      {"k_0",
       response_norm({.k = 0}),
       {f32({1, 8})},
       "[local_response_norm] k 0 must be above 0, and alpha 0.0001 at least 0"},
      {"alpha_below_0",
       response_norm({.alpha = -1}),
       {f32({1, 8})},
       "[local_response_norm] k 2 must be above 0, and alpha -1 at least 0"},
      {"vector",
       response_norm({}),
       {f32({8})},
       "[local_response_norm] input must be [N,C] and any further dimensions, got [8]"},
      {"integers",
       response_norm({}),
       {{DType::u8, {1, 8}}},
       "[local_response_norm] input must be floating-point, got u8[1,8]"},
  };
}

std::vector<Refused> l2_refused() {
  return {
      {"channels",
       l2(1e-10),
       {f32({1, 8, 2, 2}), f32({4})},
       "[l2_normalize] scale [4] does not have the 8 channels of input [1,8,2,2]"},
      {"scale_of_rank_2",
       l2(1e-10),
       {f32({1, 8, 2, 2}), f32({1, 8})},
       "[l2_normalize] scale [1,8] does not have the 8 channels of input [1,8,2,2]"},
      {"vector",
       l2(1e-10),
       {f32({8}), f32({8})},
       "[l2_normalize] input must be [N,C] and any further dimensions, got [8]"},
      {"integers",
       l2(1e-10),
       {{DType::i32, {1, 8}}, f32({8})},
       "[l2_normalize] input must be floating-point, got i32[1,8]"},
      {"epsilon_0", l2(0), {f32({1, 8}), f32({8})}, "[l2_normalize] epsilon 0 must be above 0"},
  };
}

OP_CHECK(LocalResponseNorm, response_cases(), response_refused());
OP_CHECK(L2Normalize, l2_cases(), l2_refused());

// Channels 1, 2, 3 with size 3: the sums of squares are 5, 14 and 13.
TEST(LocalResponseNorm, DividesByTheNeighbours) {
  const Value x = real({1, 3}, {1, 2, 3});
  EXPECT_THAT(numbers(ops::local_response_norm(x, {.size = 3, .alpha = 0.5, .beta = 1, .k = 2})),
              near({1 / 4.5, 2 / 9.0, 3 / 8.5}));
  EXPECT_THAT(numbers(ops::local_response_norm(x, {.size = 3, .alpha = 1.5, .beta = 1, .k = 2, .divide_alpha = true})),
              near({1 / 4.5, 2 / 9.0, 3 / 8.5}));
  EXPECT_THAT(numbers(ops::local_response_norm(x, {.size = 3, .alpha = 1, .beta = 0.5, .k = 3})),
              near({1 / std::sqrt(8.0), 2 / std::sqrt(17.0), 3 / 4.0}));
  // The paper's own constants: 2 + 14 / 10000 for every channel.
  const double power = std::pow(2.0014, -0.75);
  EXPECT_THAT(numbers(ops::local_response_norm(x)), near({power, 2 * power, 3 * power}));
}

// y_0 = x_0 / s and y_1 = x_1 / s with s = 1 + x_0^2 + x_1^2 = 6 at (1, 2).
TEST(LocalResponseNorm, GradientCountsEveryWindow) {
  const Value x = real({1, 2}, {1, 2});
  const Value y = ops::local_response_norm(x, {.size = 3, .alpha = 1, .beta = 1, .k = 1});
  const auto gradient = gradient_of(ops::reduce_sum(ops::mul(y, real({1, 2}, {1, 10}))), x);
  // 1/6 - 2 * 1 * (1 + 20) / 36 and 10/6 - 2 * 2 * (1 + 20) / 36.
  EXPECT_THAT(gradient, near({-1, -2 / 3.0}));
}

// Two positions of two channels: (3, 4) and (0, 2), of lengths 5 and 2.
TEST(L2Normalize, GivesEachPositionItsScaleForALength) {
  const Value x = real({1, 2, 2}, {3, 0, 4, 2}), scale = real({2}, {20, 10});
  EXPECT_THAT(numbers(ops::l2_normalize(x, scale)), near({12, 0, 8, 10}));
  EXPECT_THAT(numbers(ops::l2_normalize(x, scale, 11)), near({60 / 6.0, 0, 40 / 6.0, 20 / std::sqrt(15.0)}));
  EXPECT_THAT(numbers(ops::l2_normalize(real({1, 2}, {0, 0}), scale)), near({0, 0}));
}

TEST(L2Normalize, GradientHasNoPartAlongX) {
  const Value x = real({1, 2, 2}, {3, 0, 4, 2}), scale = real({2}, {20, 10});
  const Value loss = ops::reduce_sum(ops::mul(ops::l2_normalize(x, scale), real({1, 2, 2}, {1, 2, 0, 3})));
  // First position: (20, 0) less its part 12 along (0.6, 0.8), over 5. Second: (40, 30) less (0, 30), over 2.
  EXPECT_THAT(gradient_of(loss, x), near({(20 - 12 * 0.6) / 5, 20, -12 * 0.8 / 5, 0}));
  // 1 * 0.6 + 2 * 0 and 0 * 0.8 + 3 * 1.
  EXPECT_THAT(gradient_of(loss, scale), near({0.6, 3}));
}

}  // namespace
}  // namespace ocellus

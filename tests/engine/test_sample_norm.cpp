#include <cmath>

#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/sample_norm.h>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;

/// Scale and shift from the inputs behind x: both, or as many as there are.
ops::SampleNormConfig with(const Values& in, double epsilon) {
  return {.scale = in.size() > 1 ? in[1] : Value(), .shift = in.size() > 2 ? in[2] : Value(), .epsilon = epsilon};
}
BuildFn groups(int64_t count, double epsilon = 1e-3) {
  return [=](const Values& in) { return Values{ops::group_norm(in[0], count, with(in, epsilon))}; };
}
BuildFn layer(int64_t dimensions, double epsilon = 1e-3) {
  return [=](const Values& in) { return Values{ops::layer_norm(in[0], dimensions, with(in, epsilon))}; };
}
Values instances(const Values& in) { return {ops::instance_norm(in[0], with(in, 1e-3))}; }
Values only_shift(const Values& in) { return {ops::group_norm(in[0], 2, {.shift = in[1], .epsilon = 1e-3})}; }
Values with_statistics(const Values& in) { return emit(std::make_shared<SampleNorm>(), in); }

std::vector<OpCase> group_cases() {
  const OpInput image = batch_of({2, 6, 4, 5}), c = fixed({6});
  return {
      {"group", groups(3), {image, c, c}},
      {"one_group", groups(1), {image, c, c}},
      {"instance", instances, {image, c, c}},
      {"instance_plain", instances, {image}},
      {"without_shift", groups(2), {image, c}},
      {"only_shift", only_shift, {image, c}},
      {"fixed_scale", groups(2), {image, still(c), c}},
      {"frozen", groups(2), {image, still(c), still(c)}},
      {"input_fixed", groups(2), {still(image), c, c}},
      {"matrix", groups(2), {batch_of({5, 38}), fixed({38}), fixed({38})}},
      {"signal", groups(4), {batch_of({3, 8, 21}), fixed({8}), fixed({8})}},
      {"volume", groups(2), {batch_of({2, 4, 2, 3, 5}), fixed({4}), fixed({4})}},
      {"large_epsilon", groups(2, 0.5), {image, c, c}},
      {"far_from_zero", groups(2), {batch_of({2, 6, 4, 5}, uniform(99, 101)), c, c}, {0}, 2e-4, 1e-6, 400},
      {"large", groups(2), {batch_of({2, 4, 41, 53}), fixed({4}), fixed({4})}, {0}, 5e-5},
      {"statistics", with_statistics, {image, c, c}},
  };
}

std::vector<OpCase> layer_cases() {
  const OpInput x = batch_of({3, 4, 35}), last = fixed({35}), two = fixed({4, 35});
  return {
      {"last", layer(1), {x, last, last}},
      {"last_two", layer(2), {x, two, two}},
      {"image", layer(3), {batch_of({2, 3, 4, 5}), fixed({3, 4, 5}), fixed({3, 4, 5})}},
      {"matrix", layer(1), {batch_of({7, 19}), fixed({19}), fixed({19})}},
      {"plain", layer(1), {x}},
      {"without_shift", layer(2), {x, two}},
      {"fixed_scale", layer(1), {x, still(last), last}},
      {"input_fixed", layer(1), {still(x), last, last}},
      {"many", layer(1), {batch_of({65, 300}), fixed({300}), fixed({300})}, {0}, 5e-5},
  };
}

TensorType f32(Shape shape) { return {DType::f32, shape}; }

std::vector<Refused> refused() {
  const TensorType x = f32({any_dim, 6, 4, 4}), c = f32({6});
  return {
      {"groups", groups(4), {x, c, c}, "[sample_norm] 4 groups do not divide the 6 channels of input [N,6,4,4]"},
      {"no_groups", groups(0), {x}, "[sample_norm] 0 groups do not divide the 6 channels of input [N,6,4,4]"},
      {"vector", instances, {f32({6})}, "[sample_norm] input must be [N,C] and any further dimensions, got [6]"},
      {"scale", groups(2), {x, f32({5}), c}, "[sample_norm] scale must be [6], got [5]"},
      {"shift", groups(2), {x, c, f32({6, 1})}, "[sample_norm] shift must be [6], got [6,1]"},
      {"integers", groups(2), {{DType::u8, {1, 6}}}, "[sample_norm] input must be floating-point, got u8[1,6]"},
      {"epsilon", groups(2, 0), {x}, "[sample_norm] epsilon 0 must be above 0"},
      {"the_batch",
       layer(4),
       {x},
       "[sample_norm] can't normalise over the last 4 dimensions of input [N,6,4,4], which begins with the batch"},
      {"no_dimensions",
       layer(0),
       {x},
       "[sample_norm] can't normalise over the last 0 dimensions of input [N,6,4,4], which begins with the batch"},
      {"layer_scale", layer(2), {x, f32({4})}, "[sample_norm] scale must be [4,4], got [4]"},
      {"missing", with_statistics, {x, c}, "[sample_norm] takes 3 inputs, got 2"},
  };
}

OP_CHECK(GroupNorm, group_cases(), refused());
OP_CHECK(LayerNorm, layer_cases(), std::vector<Refused>());

// Channels (1, 3), (5, 7) of two positions: each is off its own mean by 1, and both off 4 by 3, 1, 1, 3, of variance 5.
TEST(SampleNorm, NormalisesItsBlocks) {
  const Value x = real({1, 2, 2}, {1, 3, 5, 7}), scale = real({2}, {2, 10}), shift = real({2}, {0, 1});
  EXPECT_THAT(numbers(ops::instance_norm(x, {.epsilon = 3})), near({-0.5, 0.5, -0.5, 0.5}));
  EXPECT_THAT(numbers(ops::group_norm(x, 1, {.epsilon = 4})), near({-1, -1 / 3.0, 1 / 3.0, 1}));
  EXPECT_THAT(numbers(ops::group_norm(x, 1, {.scale = scale, .shift = shift, .epsilon = 4})),
              near({-2, -2 / 3.0, 1 + 10 / 3.0, 11}));
  EXPECT_THAT(numbers(ops::layer_norm(x, 1, {.scale = scale, .shift = shift, .epsilon = 3})), near({-1, 6, -1, 6}));
  EXPECT_THAT(numbers(ops::layer_norm(x, 2, {.epsilon = 4})), near({-1, -1 / 3.0, 1 / 3.0, 1}));
}

TEST(SampleNorm, GivesMeanAndFactor) {
  const auto op = std::make_shared<SampleNorm>();
  op->count = 2;
  op->epsilon = 3;
  op->scale = op->shift = false;
  const std::vector<Tensor> all = evaluated(emit(op, {real({1, 2, 2}, {1, 3, 5, 7})}));
  EXPECT_EQ(all[1].shape().to_string(), "[1,2]");
  EXPECT_THAT(numbers(all[1]), near({2, 6}));
  EXPECT_THAT(numbers(all[2]), near({0.5, 0.5}));
}

// Adding a constant to x, and without epsilon stretching it, change nothing: no gradient can point there.
TEST(SampleNorm, GradientHasNoPartAlongOnesAndX) {
  const Value x = real({1, 4}, {1, -2, 5, 3});
  const Value loss = ops::reduce_sum(ops::mul(ops::layer_norm(x, 1, {.epsilon = 1e-12}), real({1, 4}, {3, 1, -2, 5})));
  const std::vector<double> g = gradient_of(loss, x);
  EXPECT_NEAR(g[0] + g[1] + g[2] + g[3], 0, 1e-6);
  EXPECT_NEAR(g[0] * 1 + g[1] * -2 + g[2] * 5 + g[3] * 3, 0, 1e-6);
  EXPECT_GT(std::abs(g[0]), 0.1);
}

}  // namespace
}  // namespace ocellus

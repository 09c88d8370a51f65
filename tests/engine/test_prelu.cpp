#include <ocellus/ops/conv.h>
#include <ocellus/ops/prelu.h>
#include <ocellus/ops/reduce.h>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;

Values prelu(const Values& in) { return {ops::prelu(in[0], in[1])}; }

/// Behind a convolution, whose order of values it takes.
Values behind_conv(const Values& in) { return {ops::prelu(ops::conv(in[0], in[1], {}), in[2])}; }

std::vector<OpCase> cases() {
  const Fill x = off_zero();
  return {
      {"image", prelu, {batch_of({2, 3, 4, 5}, x), fixed({3})}},
      {"one_slope", prelu, {batch_of({2, 3, 4, 5}, x), fixed({})}},
      {"one_slope_large", prelu, {batch_of({2, 3, 64, 65}, x), fixed({})}, {0}, 1e-4},  // the loss sums 25 thousand
      {"one_slope_vector", prelu, {batch_of({7}, x), fixed({})}},
      {"matrix", prelu, {batch_of({4, 6}, x), fixed({6})}},
      {"signal", prelu, {batch_of({2, 17, 9}, x), fixed({17})}},
      {"volume", prelu, {batch_of({2, 3, 2, 3, 2}, x), fixed({3})}},
      {"fixed_slope", prelu, {batch_of({2, 3, 4}, x), still(fixed({3}))}},
      {"only_slope", prelu, {still(batch_of({2, 5, 4, 3}, x)), fixed({5})}},
      {"blocks", behind_conv, {batch_of({2, 16, 5, 5}), fixed({32, 16, 1, 1}), fixed({32})}, {0}, 2e-5, 1e-4, 8},
      {"one_slope_in_blocks",
       behind_conv,
       {batch_of({2, 16, 5, 5}), fixed({20, 16, 1, 1}), fixed({})},
       {0},
       2e-5,
       1e-4,
       8},
      {"partial_blocks",
       behind_conv,
       {batch_of({2, 16, 5, 5}), fixed({20, 16, 1, 1}), fixed({20})},
       {0},
       2e-5,
       1e-4,
       8},
  };
}

TensorType f32(Shape shape) { return {DType::f32, shape}; }

std::vector<Refused> refused() {
  return {
      {"channels",
       prelu,
       {f32({1, 8, 2, 2}), f32({4})},
       "[prelu] slope [4] is neither [] nor one number for each channel of input [1,8,2,2]"},
      {"no_channels",
       prelu,
       {f32({8}), f32({8})},
       "[prelu] slope [8] is neither [] nor one number for each channel of input [8]"},
      {"elements",
       prelu,
       {f32({2, 3}), f32({2, 3})},
       "[prelu] slope [2,3] is neither [] nor one number for each channel of input [2,3]"},
      {"integers", prelu, {{DType::i32, {1, 8}}, f32({8})}, "[prelu] input must be floating-point, got i32[1,8]"},
  };
}

OP_CHECK(Prelu, cases(), refused());

TEST(Prelu, LearnsFromWhatIsBelow0) {
  const Value x = real({1, 2, 2}, {-1, 2, -3, -4}), slope = real({2}, {0.5f, 0.25f}), one = real({}, {0.1f});
  EXPECT_THAT(numbers(ops::prelu(x, slope)), near({-0.5, 2, -0.75, -1}));
  EXPECT_THAT(numbers(ops::prelu(x, one)), near({-0.1, 2, -0.3, -0.4}));
  EXPECT_THAT(gradient_of(ops::reduce_sum(ops::prelu(x, slope)), slope), near({-1, -7}));
  EXPECT_THAT(gradient_of(ops::reduce_sum(ops::prelu(x, one)), one), near({-8}));
  EXPECT_THAT(gradient_of(ops::reduce_sum(ops::prelu(x, slope)), x), near({0.5, 1, 0.25, 0.25}));
}

}  // namespace
}  // namespace ocellus

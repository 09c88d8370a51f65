// The reference interpreter in bf16: what is rounded, what is not, and that op_check would notice.
#include <cmath>
#include <limits>

#include <ocellus/ops/dense.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/softmax.h>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

using op_check::bf16_roundoff;
using op_check::in_bf16;
using op_check::relative_error;
using op_check::same_bits;
using testing::Each;
using testing::ElementsAre;

/// `inputs` numbers of [-1, 1] through a dense layer of `units`.
Value some_dense(int64_t inputs, int64_t units) {
  Rng rng(3);
  Tensor x(DType::f32, {4, inputs}), w(DType::f32, {units, inputs});
  op_check::uniform(-1, 1)(x, rng);
  op_check::uniform(-1, 1)(w, rng);
  return ops::dense(constant(x), constant(w), {});
}

TEST(Bf16, RoundsToNearestEven) {
  const float u = bf16_roundoff;
  const Value x = real({5}, {1 + u / 2, 1 + u, 1 + 1.01f * u, 1 + 3 * u, -1 - 3 * u});
  EXPECT_THAT(numbers(ops::affine(x, 1), DType::bf16), ElementsAre(1, 1, 1 + 2 * u, 1 + 4 * u, -1 - 4 * u));
}

TEST(Bf16, KeepsWhatIsNotFinite) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const auto y = numbers(ops::affine(real({3}, {nan, infinity, -infinity}), 1), DType::bf16);
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(y[1], infinity);
  EXPECT_EQ(y[2], -infinity);
}

// Sixteen times half a step onto 1: a sum in bf16 would stay at 1.
TEST(Bf16, SumsInFloat) {
  std::vector<float> terms(17, static_cast<float>(bf16_roundoff));
  terms[0] = 1;
  EXPECT_THAT(numbers(ops::reduce_sum(real({17}, terms)), DType::bf16), ElementsAre(1 + 16 * bf16_roundoff));
}

TEST(Bf16, DenseDiffersFromFloatAndIsRepresentable) {
  const Value y = some_dense(33, 5);
  const Tensor narrow = evaluated({y}, DType::bf16)[0], f32 = evaluated({y})[0];
  EXPECT_EQ(narrow.dtype(), DType::f32);
  EXPECT_FALSE(same_bits(narrow, f32));
  EXPECT_TRUE(same_bits(narrow, in_bf16(narrow)));
  EXPECT_FALSE(same_bits(f32, in_bf16(f32)));
  EXPECT_FALSE(same_bits(narrow, in_bf16(f32))) << "only the output is rounded, not what is read";
}

TEST(Bf16, FullPrecisionRoundsNothing) {
  const Value x = real({2, 3}, {0.1f, 0.2f, 0.3f, 1.7f, -0.9f, 1.1f});
  EXPECT_TRUE(same_bits(evaluated({ops::softmax(x)}, DType::bf16)[0], evaluated({ops::softmax(x)})[0]));
}

TEST(Bf16, ParametersAreRoundedWhereTheyAreRead) {
  const float third = 1.0f / 3;
  const auto p = std::make_shared<Parameter>("p", Shape{1}, ParamRole::kernel, nullptr, nullptr);
  p->set_value(Tensor::of<float>({1}, std::vector<float>{third}));
  const Value v = parameter(p);
  const auto results = evaluated({v, ops::affine(v, 1)}, DType::bf16);
  EXPECT_EQ(results[0].at(0), third);
  EXPECT_EQ(results[1].at(0), 171.0 / 512);
}

// What op_check compares with double must fail for a value that is off by more than rounding explains.
TEST(Bf16, CheckNoticesAWrongValue) {
  const Value y = some_dense(33, 5);
  const Tensor wide = evaluated({y}, DType::f64)[0], narrow = evaluated({y}, DType::bf16)[0];
  const double allowed = op_check::OpCase{}.bf16_tolerance * bf16_roundoff;
  double largest = 0;
  for (const double v : numbers(wide)) largest = std::max(largest, std::abs(v));
  EXPECT_GT(relative_error(narrow, wide), 0);
  EXPECT_LE(relative_error(narrow, wide), allowed);
  for (const float wrong : {static_cast<float>(wide.at(7) + 1.1 * allowed * largest), std::nanf("")}) {
    Tensor off = narrow.clone();
    off.as<float>()[7] = wrong;
    EXPECT_GT(relative_error(off, wide), allowed) << wrong;
  }
}

TEST(Reference, RefusesOtherPrecisions) {
  EXPECT_MESSAGE(evaluated({real({1}, {1})}, DType::i32), UsageError,
                 "graphs are evaluated in f32, f64 or bf16, not in i32");
}

}  // namespace
}  // namespace ocellus

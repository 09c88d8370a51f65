#include <ocellus/ops/cast.h>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;

BuildFn to(DType dtype) {
  return [=](const Values& in) { return Values{ops::cast(in[0], dtype)}; };
}

std::vector<OpCase> cases() {
  return {
      {"to_f64_and_back",
       [](const Values& in) { return Values{ops::cast(ops::cast(in[0], DType::f64), DType::f32)}; },
       {batch_of({3, 5})}},
      {"to_itself", to(DType::f32), {batch_of({3, 5})}},
  };
}

OP_CHECK(Cast, cases(), std::vector<Refused>());

TEST(Cast, RoundsToBf16) {
  // 1 + 1/256 lies halfway between 1 and 1 + 1/128 and goes to the even one, 1 + 3/256 to 1 + 4/256.
  const Value x = real({3}, {1.0f, 1.00390625f, 1.01171875f});
  EXPECT_THAT(numbers(ops::cast(x, DType::bf16)), near({1, 1, 1.015625}));
}

TEST(Cast, IntegersLoseTheFraction) {
  EXPECT_THAT(numbers(ops::cast(real({3}, {1.9f, -1.9f, 0.0f}), DType::i32)), near({1, -1, 0}));
  EXPECT_THAT(numbers(ops::cast(real({2}, {0.0f, -0.5f}), DType::boolean)), near({0, 1}));
}

TEST(Cast, NoGradientThroughIntegers) {
  const Value x = input("x", {DType::f32, {}});
  const Value y = ops::cast(ops::cast(x, DType::i32), DType::f32);
  EXPECT_FALSE(gradients(y, std::vector<Value>{x}).front());
}

}  // namespace
}  // namespace ocellus

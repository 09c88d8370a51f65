#include <ocellus/ops/cast.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/select.h>

#include <cmath>
#include <limits>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;
using testing::ElementsAre;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

/// A few values, so that some are equal.
OpInput few(OpInput input) {
  input.fill = [](Tensor& t, Rng& rng) {
    for (float& v : t.as<float>()) v = static_cast<float>(rng.below(3));
  };
  return still(std::move(input));
}

/// The same, and numbers that are none.
OpInput some_nan(OpInput input) {
  input.fill = [](Tensor& t, Rng& rng) {
    for (float& v : t.as<float>()) v = rng.chance(0.3f) ? nan : static_cast<float>(rng.below(3));
  };
  return still(std::move(input));
}

OpInput condition(Shape shape, bool batch = true) {
  const auto coins = [](Tensor& t, Rng& rng) {
    for (bool& v : t.as<bool>()) v = rng.chance(0.5f);
  };
  return {.shape = shape, .fill = coins, .dtype = DType::boolean, .batch = batch};
}

/// As f32, by which backends are compared.
BuildFn compared(CompareKind kind) {
  return [=](const Values& in) { return Values{ops::cast(ops::compare(kind, in[0], in[1]), DType::f32)}; };
}

BuildFn chosen() {
  return [](const Values& in) { return Values{ops::where(in[0], in[1], in[2])}; };
}

std::vector<OpCase> cases() {
  std::vector<OpCase> cases, others;
  for (const std::string_view name : enum_names(CompareKind())) {
    const auto kind = static_cast<CompareKind>(cases.size());
    cases.push_back({std::string(name), compared(kind), {few(batch_of({3, 4, 5})), few(batch_of({3, 4, 5}))}});
    others.push_back({std::string(name) + "_nan", compared(kind), {some_nan(batch_of({3, 7})), few(batch_of({3, 7}))}});
    others.push_back({std::string(name) + "_scalar", compared(kind), {few(batch_of({3, 7})), few(fixed({}))}});
  }
  const OpInput a = batch_of({3, 4, 5}), b = batch_of({3, 4, 5});
  const std::vector<OpCase> more = {
      {"compare_broadcast", compared(CompareKind::less), {few(batch_of({3, 1, 5})), few(fixed({4, 1}))}},
      {"where", chosen(), {condition({3, 4, 5}), a, b}},
      {"where_mask_of_samples", chosen(), {condition({3, 1, 1}), a, b}},
      {"where_scalar", chosen(), {condition({3, 4, 5}), a, fixed({})}},
      {"where_all_broadcast", chosen(), {condition({4, 1}, false), batch_of({3, 1, 5}), fixed({5})}},
  };
  cases.insert(cases.end(), others.begin(), others.end());
  cases.insert(cases.end(), more.begin(), more.end());
  return cases;
}

TensorType f32(Shape shape) { return {DType::f32, shape}; }

std::vector<Refused> refused() {
  return {
      {"compare_dtypes",
       compared(CompareKind::less),
       {f32({2}), {DType::i32, {2}}},
       "[compare] inputs are of two dtypes: f32[2] and i32[2]"},
      {"compare_shapes",
       compared(CompareKind::less),
       {f32({2, 3}), f32({2})},
       "[compare] inputs [2,3] and [2] can't be broadcast: dimension 1 is 3 and 2"},
      {"where_condition",
       chosen(),
       {f32({2}), f32({2}), f32({2})},
       "[where] the condition must be boolean, got f32[2]"},
      {"where_dtypes",
       chosen(),
       {{DType::boolean, {2}}, f32({2}), {DType::i32, {2}}},
       "[where] a and b are of two dtypes: f32[2] and i32[2]"},
      {"where_shapes",
       chosen(),
       {{DType::boolean, {3}}, f32({2}), f32({2})},
       "[where] inputs [3] and [2] can't be broadcast: dimension 0 is 3 and 2"},
  };
}

OP_CHECK(Select, cases(), refused());

TEST(Compare, ComparesElementByElement) {
  const Value x = real({4}, {1, 2, 3, nan}), two = real({}, {2});
  EXPECT_THAT(numbers(ops::equal(x, two)), ElementsAre(0, 1, 0, 0));
  EXPECT_THAT(numbers(ops::not_equal(x, two)), ElementsAre(1, 0, 1, 1));
  EXPECT_THAT(numbers(ops::less(x, two)), ElementsAre(1, 0, 0, 0));
  EXPECT_THAT(numbers(ops::less_equal(x, two)), ElementsAre(1, 1, 0, 0));
  EXPECT_THAT(numbers(ops::greater(x, two)), ElementsAre(0, 0, 1, 0));
  EXPECT_THAT(numbers(ops::greater_equal(x, two)), ElementsAre(0, 1, 1, 0));
  EXPECT_EQ(ops::less(x, two).dtype(), DType::boolean);
  EXPECT_THAT(numbers(ops::greater(ints({3}, {1, 2, 3}), ints({1}, {1}))), ElementsAre(0, 1, 1));
}

TEST(Where, WhatIsNotChosenHasNoSayNorAGradient) {
  const Value x = real({3}, {4, 0, -1}), positive = ops::greater(x, real({}, {0}));
  const Value y = ops::where(positive, ops::div(real({}, {1}), x), real({}, {7}));
  EXPECT_THAT(numbers(y), ElementsAre(0.25, 7, 7));
  const Value a = real({2}, {1, 2}), b = real({2}, {infinity, nan});
  const Value loss = ops::reduce_sum(ops::where(ops::less(a, real({}, {5})), a, b));
  EXPECT_THAT(numbers(loss), ElementsAre(3));
  EXPECT_THAT(gradient_of(loss, a), ElementsAre(1, 1));
  EXPECT_THAT(gradient_of(loss, b), ElementsAre(0, 0));
  EXPECT_THAT(numbers(ops::where(positive, ints({}, {1}), ints({3}, {7, 8, 9}))), ElementsAre(1, 8, 9));
}

}  // namespace
}  // namespace ocellus

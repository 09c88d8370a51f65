#include <cmath>
#include <limits>

#include <ocellus/ops/unary.h>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;

BuildFn of(Function f) {
  return [=](const Values& in) { return Values{ops::unary(in[0], f)}; };
}

std::vector<OpCase> cases() {
  const OpInput x = batch_of({2, 3, 4, 5}, uniform(-4, 4)), away = batch_of({2, 3, 4, 5}, off_zero());
  const OpInput positive = batch_of({2, 3, 4, 5}, uniform(0.3, 3)), images = batch_of({2, 17, 3, 3}, uniform(-4, 4));
  // Between 0.05 and 0.95 modulo 1: away from the bounds, which are whole.
  const OpInput off_bounds = batch_of({2, 31}, [](Tensor& t, Rng& rng) {
    for (float& v : t.as<float>()) v = std::floor(rng.uniform(-8, 8)) + rng.uniform(0.05f, 0.95f);
  });
  return {
      {"exp", of({UnaryKind::exp}), {x}},
      {"log", of({UnaryKind::log}), {positive}},
      {"sqrt", of({UnaryKind::sqrt}), {positive}},
      {"abs", of({UnaryKind::abs}), {away}},
      {"square", of({UnaryKind::pow, 2}), {x}},
      {"cube", of({UnaryKind::pow, 3}), {images}},
      {"power", of({UnaryKind::pow, 1.7}), {positive}},
      {"inverse", of({UnaryKind::pow, -1}), {batch_of({2, 17, 3, 3}, uniform(0.3, 3))}},
      {"power_0", of({UnaryKind::pow, 0}), {x}},
      {"softplus", of(softplus), {images}},
      {"softplus_far_out", of(softplus), {batch_of({2, 9}, uniform(-200, 200))}},
      {"elu", of(elu()), {away}},
      {"elu_steep", of(elu(1.3)), {batch_of({2, 17, 3, 3}, off_zero())}},
      {"silu", of(silu), {images}},
      {"hard_swish", of(hard_swish), {off_bounds}},
      {"hard_sigmoid", of(hard_sigmoid()), {off_bounds}},
      {"hard_sigmoid_keras2", of(hard_sigmoid(0.2)), {batch_of({2, 9}, uniform(-2, 2))}},
      {"mish", of(mish), {x}},
      {"mish_far_out", of(mish), {batch_of({2, 9}, uniform(-200, 200))}},
      {"gelu", of(gelu), {images}},
      {"gelu_far_out", of(gelu), {batch_of({2, 9}, uniform(-200, 200))}},
      {"gelu_tanh", of(gelu_tanh), {x}},
      {"gelu_tanh_far_out", of(gelu_tanh), {batch_of({2, 9}, uniform(-200, 200))}},
      {"clip", of(clip(-2, 3)), {off_bounds}},
      {"clip_without_0", of(clip(1, 2)), {batch_of({2, 17, 3, 3}, uniform(1.1, 1.9))}},
      {"relu6", of(relu6), {off_bounds}},
      {"vector", of(silu), {batch_of({7})}},
      {"scalar", of(mish), {fixed({})}},
  };
}

std::vector<Refused> refused() {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  const std::vector<TensorType> x = {{DType::f32, {2, 3}}};
  return {
      {"integers", of(silu), {{DType::i32, {2, 3}}}, "[unary] input must be floating-point, got i32[2,3]"},
      {"crossed_bounds", of(clip(2, 1)), x, "[unary] clip's low bound 2 is above its high bound 1"},
      {"nan", of({UnaryKind::pow, nan}), x, "[unary] pow needs finite constants, got nan and 1"},
      {"infinite", of(clip(0, infinity)), x, "[unary] clip needs finite constants, got 0 and inf"},
      {"dy",
       [](const Values& in) { return emit(std::make_shared<UnaryBackward>(), in); },
       {{DType::f32, {2, 3}}, {DType::f32, {3, 2}}},
       "[unary_backward] x must be [2,3], got [3,2]"},
  };
}

OP_CHECK(Unary, cases(), refused());

TEST(UnaryValues, AreTheFunctions) {
  EXPECT_DOUBLE_EQ(value_at({UnaryKind::pow, 3}, -2), -8);
  EXPECT_DOUBLE_EQ(value_at(softplus, 0), std::log(2));
  EXPECT_DOUBLE_EQ(value_at(elu(2), -1), 2 * (std::exp(-1) - 1));
  EXPECT_DOUBLE_EQ(value_at(silu, 1), 1 / (1 + std::exp(-1)));
  EXPECT_DOUBLE_EQ(value_at(hard_swish, 1), 4.0 / 6);
  EXPECT_DOUBLE_EQ(value_at(hard_sigmoid(), 1), 4.0 / 6);
  EXPECT_DOUBLE_EQ(value_at(hard_sigmoid(0.2), 1), 0.7);
  EXPECT_DOUBLE_EQ(value_at(mish, 1), std::tanh(std::log(1 + std::exp(1))));
  EXPECT_DOUBLE_EQ(value_at(mish, -1), -std::tanh(std::log(1 + std::exp(-1))));
  EXPECT_NEAR(value_at(gelu, 1), 0.8413447460685429, 1e-15);  // Phi(1)
  EXPECT_DOUBLE_EQ(value_at(gelu_tanh, 2), 1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (2 + 0.044715 * 8)));
  for (const auto& [x, y] : {std::pair(-1.0, 0.0), {2.5, 2.5}, {7.0, 6.0}}) EXPECT_EQ(value_at(relu6, x), y);
}

// Beyond the last place of the sigmoid the slope's second term must be the small number that it is.
TEST(UnaryValues, SlopesKeepTheirDigits) {
  EXPECT_NEAR(slope_at(silu, 40) - 1, 0, 1e-15);
  EXPECT_DOUBLE_EQ(slope_at(softplus, -50), std::exp(-50));
  EXPECT_NEAR(slope_at(mish, -30) / (std::exp(-30) * (1 - 30)), 1, 1e-9);
  for (const Function& f : {softplus, silu, hard_swish, mish, gelu, gelu_tanh, elu()})
    for (const double x : {1e3, 1e30, 1e300, std::numeric_limits<double>::infinity()}) {
      EXPECT_EQ(slope_at(f, x), 1) << enum_names(f.kind)[static_cast<size_t>(f.kind)] << " at " << x;
      EXPECT_EQ(slope_at(f, -x), 0) << enum_names(f.kind)[static_cast<size_t>(f.kind)] << " at " << -x;
    }
}

TEST(UnaryValues, KinksBelongToTheFlatSide) {
  for (const double x : {0.0, 6.0}) EXPECT_EQ(slope_at(relu6, x), 0);
  for (const double x : {-3.0, 3.0}) EXPECT_EQ(slope_at(hard_sigmoid(), x), 0);
  EXPECT_EQ(slope_at({UnaryKind::abs}, 0), 0);
  EXPECT_EQ(slope_at({UnaryKind::pow, 0}, 0), 0);
}

TEST(UnaryValues, NanStaysNan) {
  for (size_t kind = 0; kind < enum_names(UnaryKind{}).size(); ++kind)
    EXPECT_TRUE(std::isnan(value_at({static_cast<UnaryKind>(kind), 2, 3}, std::nan(""))))
        << enum_names(UnaryKind{})[kind];
}

TEST(UnaryBuilders, AreNamedAsTheField) {
  const Value x = real({3}, {-2, 0.5f, 4});
  EXPECT_THAT(numbers(ops::relu6(x)), near({0, 0.5, 4}));
  EXPECT_THAT(numbers(ops::clip(x, -1, 3)), near({-1, 0.5, 3}));
  EXPECT_THAT(numbers(ops::pow(x, 2)), near({4, 0.25, 16}));
  EXPECT_THAT(numbers(ops::abs(x)), near({2, 0.5, 4}));
  EXPECT_THAT(numbers(ops::exp(ops::log(ops::abs(x)))), near({2, 0.5, 4}));
  EXPECT_THAT(numbers(ops::sqrt(ops::abs(x))), near({std::sqrt(2), std::sqrt(0.5), 2}));
  EXPECT_THAT(numbers(ops::hard_sigmoid(x)), near({1 / 6.0, 3.5 / 6, 1}));
  EXPECT_THAT(numbers(ops::elu(x, 3)), near({3 * (std::exp(-2) - 1), 0.5, 4}));
}

}  // namespace
}  // namespace ocellus

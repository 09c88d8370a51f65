// Element-wise functions to the last places, and where they end: what the relative tolerance of op_check lets through.
#include <cmath>
#include <limits>

#include <ocellus/backend/backends.h>
#include <ocellus/engine/reference.h>
#include <ocellus/ops/unary.h>

#include "backend/node_runner.h"
#include "backend/simd/loops/bf16.h"

namespace ocellus {
namespace {

std::vector<float> arguments() {
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> all = {std::nanf(""), infinity, -infinity, 0.0f, 1e-30f, -1e-30f, 1e30f, -1e30f,
                            88.5f,         90,       -87,       -104, -150,   1e-6f,   -1e-6f};
  for (int i = -3000; i <= 3000; ++i) all.push_back(static_cast<float>(i) * 0.00501f);
  return all;
}

/// Expects y[i] to be exact(x[i]) but for `tolerance` of it, and of 1e-35, which is near where f32 begins to lose
/// digits.
template <class F>
void expect_exact(const Tensor& y, const std::vector<float>& x, double tolerance, const F& exact, const char* what) {
  for (size_t i = 0; i < x.size(); ++i) {
    const double expected = exact(x[i]), got = y.at(static_cast<int64_t>(i));
    if (std::isnan(expected) ? std::isnan(got) : static_cast<float>(expected) == static_cast<float>(got)) continue;
    const double allowed = tolerance * std::max(std::abs(expected), 1e-35);
    EXPECT_LE(std::abs(got - expected), allowed) << what << " at " << x[i] << ": " << got << ", expected " << expected;
  }
}

class EveryFunction : public ::testing::TestWithParam<Function> {};

TEST_P(EveryFunction, IsExactToTheEnds) {
  const Function f = GetParam();
  const std::vector<float> xs = arguments();
  const Shape shape = {static_cast<int64_t>(xs.size())};
  const Value x = input("x", {DType::f32, shape}), dy = input("dy", {DType::f32, shape});
  UnaryBackward slope;
  slope.function = f;
  const Graph graph = {
      .inputs = {x, dy}, .outputs = {ops::unary(x, f), apply(std::move(slope), {dy, x})}, .updates = {}};
  const BackendPtr backend = make_backend("onednn");
  const RunResult result = run_on(*backend, graph, {Tensor::of<float>(shape, xs), Tensor::full(DType::f32, shape, 1)});
  // Rounding the argument of e^-80, in the tails of gelu, changes it by 80 units of its last place.
  expect_exact(
      result.outputs[0], xs, 2e-5, [&](double v) { return value_at(f, v); }, "value");
  // Slopes are sums of two terms that cancel, where they cross 0.
  for (size_t i = 0; i < xs.size(); ++i) {
    const double expected = slope_at(f, xs[i]), got = result.outputs[1].at(static_cast<int64_t>(i));
    if (std::isnan(expected) ? std::isnan(got) : static_cast<float>(expected) == static_cast<float>(got)) continue;
    EXPECT_LE(std::abs(got - expected), 1e-6 * std::max(1.0, std::abs(expected)))
        << "slope at " << xs[i] << ": " << got << ", expected " << expected;
  }
}

INSTANTIATE_TEST_SUITE_P(Unary, EveryFunction,
                         ::testing::Values(Function{UnaryKind::exp}, Function{UnaryKind::log},
                                           Function{UnaryKind::sqrt}, Function{UnaryKind::abs},
                                           Function{UnaryKind::pow, 3}, Function{UnaryKind::pow, 1.7},
                                           Function{UnaryKind::pow, -1}, softplus, elu(1.5), silu, hard_swish,
                                           hard_sigmoid(0.25), mish, gelu, gelu_tanh, clip(-1, 3), relu6),
                         [](const auto& info) {
                           return std::string(enum_names(UnaryKind{})[static_cast<size_t>(info.param.kind)]) + "_" +
                                  std::to_string(info.index);
                         });

// Values of bf16 are computed in f32 and rounded once, to the nearest.
TEST(NarrowFunctions, RoundOnce) {
  std::vector<float> xs = arguments();
  const Shape shape = {static_cast<int64_t>(xs.size())};
  const Tensor narrow = Tensor::of<float>(shape, xs).to(DType::bf16), wide = narrow.to(DType::f32);
  const Value x = input("x", {DType::bf16, shape});
  for (const Function& f : {silu, relu6, softplus}) {
    const Graph graph = {.inputs = {x}, .outputs = {ops::unary(x, f)}, .updates = {}};
    const BackendPtr backend = make_backend("onednn");
    const RunResult result = run_on(*backend, graph, {narrow});
    EXPECT_EQ(result.nodes.back().kernel, "simd");
    const Tensor y = result.outputs[0].to(DType::f32);
    int64_t others = 0;
    for (int64_t i = 0; i < shape[0]; ++i) {
      const float exact = static_cast<float>(value_at(f, wide.at(i)));
      const Tensor rounded = Tensor::of<float>({1}, {exact}).to(DType::bf16).to(DType::f32);
      if (std::isnan(exact) ? std::isnan(y.at(i)) : y.at(i) == rounded.at(0)) continue;
      ++others;  // f32 came out just on the other side of the middle
      EXPECT_LE(std::abs(y.at(i) - rounded.at(0)), std::abs(exact) / 128) << "at " << wide.at(i);
    }
    EXPECT_LE(others, 3);
  }
}

TEST(NarrowFunctions, TiesGoToEven) {
  // 1 + 1/256 and 1 + 3/256 lie in the middle of two numbers of bf16.
  const Tensor x = Tensor::of<float>({6}, {1.00390625f, 1.01171875f, 1.004f, -1.00390625f, std::nanf(""), 3.4e38f});
  uint16_t bits[6];
  simd::narrow(x.as<float>().data(), bits, 6);
  float y[6];
  simd::widen(bits, y, 6);
  EXPECT_EQ(y[0], 1.0f);
  EXPECT_EQ(y[1], 1.015625f);
  EXPECT_EQ(y[2], 1.0078125f);
  EXPECT_EQ(y[3], -1.0f);
  EXPECT_TRUE(std::isnan(y[4]));
  EXPECT_EQ(y[5], std::numeric_limits<float>::infinity());
}

}  // namespace
}  // namespace ocellus

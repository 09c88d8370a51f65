#include <ocellus/ops/activation.h>

#include <array>
#include <cmath>

#include <ocellus/ops/unary.h>

#include "ops/support/checks.h"

namespace ocellus {

using namespace detail;

std::span<const std::string_view> enum_names(ActivationKind) {
  static constexpr std::array<std::string_view, 13> names = {
      "none",         "relu", "leaky_relu", "sigmoid",  "tanh", "clip", "elu", "silu", "hard_swish",
      "hard_sigmoid", "mish", "gelu",       "gelu_tanh"};
  return names;
}

void visit_activation(AttrVisitor& v, const Activation& a) {
  v("activation", a.kind);
  v("alpha", a.alpha);
  v("beta", a.beta);
}

namespace {

void expect_from_output(const Activation& a) {
  if (!from_output(a))
    throw Unsupported("the slope of " + std::string(enum_names(a.kind)[static_cast<size_t>(a.kind)]) +
                      " can't be told from its output: learn with it as an operator of its own");
}

}  // namespace

bool from_output(const Activation& a) {
  constexpr int digits = 8;  // of a bf16's significand
  const auto in_bf16 = [](double v) {
    int exponent = 0;
    const double scaled = std::ldexp(std::frexp(v, &exponent), digits);
    return std::isfinite(v) && scaled == std::rint(scaled);
  };
  if (a.kind == ActivationKind::clip) return in_bf16(a.alpha) && in_bf16(a.beta);
  return a.kind < ActivationKind::clip;
}

double activate(const Activation& a, double x) {
  switch (a.kind) {
    case ActivationKind::relu: return x < 0 ? 0 : x;  // written so that NaN stays NaN
    case ActivationKind::leaky_relu: return x < 0 ? a.alpha * x : x;
    case ActivationKind::sigmoid: return 1 / (1 + std::exp(-x));
    case ActivationKind::tanh: return a.beta * std::tanh(a.alpha * x);
    case ActivationKind::none: return x;
    default: return value_at(*function_of(a), x);
  }
}

double activation_slope(const Activation& a, double y) {
  switch (a.kind) {
    case ActivationKind::relu: return y > 0 ? 1 : 0;
    case ActivationKind::leaky_relu: return y > 0 ? 1 : a.alpha;
    case ActivationKind::sigmoid: return y * (1 - y);
    case ActivationKind::tanh: return a.alpha * (a.beta - y * y / a.beta);
    case ActivationKind::clip: return y > a.alpha && y < a.beta ? 1 : 0;
    case ActivationKind::none: return 1;
    default: expect_from_output(a);
  }
  return 0;
}

Types ActivationOp::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 1);
  expect_floating(inputs[0], "input");
  return {inputs[0]};
}

Values ActivationOp::gradient(GradCtx& ctx) const {
  return {ops::activation_backward(ctx.dout(), ctx.out(), activation)};
}

void ActivationOp::eval(EvalCtx& ctx) const {
  with_real(ctx.in(0), [&]<class T>(T) {
    const auto x = ctx.in(0).as<T>();
    const auto y = ctx.out().as<T>();
    for (size_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(activate(activation, x[i]));
  });
}

Types ActivationBackward::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 2);
  expect_from_output(activation);
  expect_floating(inputs[0], "dy");
  expect_shape(inputs[1], inputs[0].shape, "y");
  return {inputs[0]};
}

void ActivationBackward::eval(EvalCtx& ctx) const {
  with_real(ctx.in(0), [&]<class T>(T) {
    const auto dy = ctx.in(0).as<T>(), y = ctx.in(1).as<T>();
    const auto dx = ctx.out().as<T>();
    for (size_t i = 0; i < dx.size(); ++i) dx[i] = static_cast<T>(dy[i] * activation_slope(activation, y[i]));
  });
}

namespace ops {

Value activation(const Value& x, Activation a) {
  if (!a) return x;
  if (const auto f = function_of(a)) return unary(x, *f);
  ActivationOp op;
  op.activation = a;
  return apply(std::move(op), {x});
}

Value activation_backward(const Value& dy, const Value& y, Activation a) {
  if (!a) return dy;
  ActivationBackward op;
  op.activation = a;
  return apply(std::move(op), {dy, y});
}

}  // namespace ops

std::span<const OpEntry> ops_in_activation() {
  static const OpEntry entries[] = {op_entry<ActivationOp>(), op_entry<ActivationBackward>()};
  return entries;
}

}  // namespace ocellus

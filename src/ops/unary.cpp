// Element-wise functions: one table says what each kind is and how steep it is.
//
// Whatever grows like e^x is computed from e^-|x|, which can't overflow. With s = sigmoid(x), s (1 - s) = e^-|x| / (1
// + e^-|x|)^2 keeps its digits where s is 1 to the last place; tanh(softplus(x)) is a fraction of polynomials in
// e^-|x|; and gelu_tanh is x sigmoid(2 u) with its slope in the same terms. A product with a factor that has reached 0
// is 0, also when x is infinite.
#include <ocellus/ops/unary.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "ops/support/checks.h"

namespace ocellus {

using namespace detail;

namespace {

double times(double x, double vanishing) { return vanishing == 0 ? 0 : x * vanishing; }

/// e^-|x|.
double decay(double x) { return std::exp(-std::abs(x)); }
double sigmoid_at(double x) { return (x < 0 ? decay(x) : 1) / (1 + decay(x)); }
/// sigmoid(x) (1 - sigmoid(x)).
double sigmoid_slope(double x) { return decay(x) / ((1 + decay(x)) * (1 + decay(x))); }
double softplus_at(double x) { return (x < 0 ? 0 : x) + std::log1p(decay(x)); }

/// t = tanh(softplus(x)), and 1 - t.
struct SoftplusTanh {
  explicit SoftplusTanh(double x) {
    const double e = decay(x), more = x < 0 ? e * (e + 2) : 1 + 2 * e, less = x < 0 ? 2 : 2 * e * e;
    t = more / (more + less);
    rest = less / (more + less);
  }
  double t, rest;
};

/// The normal distribution and its density.
double normal(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }
double normal_density(double x) {
  return std::exp(-0.5 * x * x) * 0.5 * std::numbers::inv_sqrtpi * std::numbers::sqrt2;
}

/// The argument of gelu_tanh's tanh, doubled, and its derivative: 1 + tanh(u) is 2 sigmoid(2 u).
constexpr double gelu_cubic = 0.044715;
constexpr double gelu_factor = 2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
double gelu_argument(double x) { return gelu_factor * x * (1 + gelu_cubic * x * x); }
double gelu_argument_slope(double x) { return gelu_factor * (1 + 3 * gelu_cubic * x * x); }

double between(double low, double high, double x) { return x < low ? low : x > high ? high : x; }
bool inside(double low, double high, double x) { return x > low && x < high; }

struct Row {
  UnaryKind kind;
  std::string_view name;
  double (*value)(const Function& f, double x);
  double (*slope)(const Function& f, double x);
};

using F = const Function&;
using enum UnaryKind;
constexpr Row table[] = {
    {exp, "exp", [](F, double x) { return std::exp(x); }, [](F, double x) { return std::exp(x); }},
    {log, "log", [](F, double x) { return std::log(x); }, [](F, double x) { return 1 / x; }},
    {sqrt, "sqrt", [](F, double x) { return std::sqrt(x); }, [](F, double x) { return 0.5 / std::sqrt(x); }},
    {abs, "abs", [](F, double x) { return std::abs(x); }, [](F, double x) { return double(x > 0) - double(x < 0); }},
    {pow, "pow", [](F f, double x) { return std::pow(x, f.alpha); },
     [](F f, double x) { return f.alpha == 0 ? 0 : f.alpha * std::pow(x, f.alpha - 1); }},
    {softplus, "softplus", [](F, double x) { return softplus_at(x); }, [](F, double x) { return sigmoid_at(x); }},
    {elu, "elu", [](F f, double x) { return x > 0 ? x : f.alpha * std::expm1(x); },
     [](F f, double x) { return x > 0 ? 1 : f.alpha * std::exp(x); }},
    {silu, "silu", [](F, double x) { return times(x, sigmoid_at(x)); },
     [](F, double x) { return sigmoid_at(x) + times(x, sigmoid_slope(x)); }},
    {hard_swish, "hard_swish", [](F, double x) { return times(x, between(0, 6, x + 3) / 6); },
     [](F, double x) { return inside(-3, 3, x) ? (2 * x + 3) / 6 : double(x >= 3); }},
    {hard_sigmoid, "hard_sigmoid", [](F f, double x) { return between(0, 1, f.alpha * x + f.beta); },
     [](F f, double x) { return inside(0, 1, f.alpha * x + f.beta) ? f.alpha : 0; }},
    {mish, "mish", [](F, double x) { return times(x, SoftplusTanh(x).t); },
     [](F, double x) {
       const SoftplusTanh s(x);
       return s.t + times(x, s.rest * (1 + s.t) * sigmoid_at(x));
     }},
    {gelu, "gelu", [](F, double x) { return times(x, normal(x)); },
     [](F, double x) { return normal(x) + times(x, normal_density(x)); }},
    {gelu_tanh, "gelu_tanh", [](F, double x) { return times(x, sigmoid_at(gelu_argument(x))); },
     [](F, double x) {
       const double u = gelu_argument(x);
       return sigmoid_at(u) + times(x * gelu_argument_slope(x), sigmoid_slope(u));
     }},
    {clip, "clip", [](F f, double x) { return between(f.alpha, f.beta, x); },
     [](F f, double x) { return double(inside(f.alpha, f.beta, x)); }},
};
static_assert(std::ranges::all_of(table, [](const Row& r) { return &r == table + static_cast<size_t>(r.kind); }));

const Row& row(const Function& f) { return table[static_cast<size_t>(f.kind)]; }

/// The functions that operators can apply to their output.
constexpr std::pair<UnaryKind, ActivationKind> applied[] = {
    {clip, ActivationKind::clip},
    {elu, ActivationKind::elu},
    {silu, ActivationKind::silu},
    {hard_swish, ActivationKind::hard_swish},
    {hard_sigmoid, ActivationKind::hard_sigmoid},
    {mish, ActivationKind::mish},
    {gelu, ActivationKind::gelu},
    {gelu_tanh, ActivationKind::gelu_tanh},
};

void visit(AttrVisitor& v, const Function& f) {
  v("function", f.kind);
  v("alpha", f.alpha);
  v("beta", f.beta);
}

void expect_sound(const Function& f) {
  if (!std::isfinite(f.alpha) || !std::isfinite(f.beta))
    throw ShapeError(fmt::format("{} needs finite constants, got {} and {}", row(f).name, f.alpha, f.beta));
  if (f.kind == clip && f.alpha > f.beta)
    throw ShapeError(fmt::format("clip's low bound {} is above its high bound {}", f.alpha, f.beta));
}

}  // namespace

std::span<const std::string_view> enum_names(UnaryKind) {
  static constexpr auto names = [] {
    std::array<std::string_view, std::size(table)> all;
    std::ranges::transform(table, all.begin(), &Row::name);
    return all;
  }();
  return names;
}

std::optional<Activation> activation_of(const Function& f) {
  for (const auto& [unary, activation] : applied)
    if (unary == f.kind) return Activation{activation, f.alpha, f.beta};
  return std::nullopt;
}

std::optional<Function> function_of(const Activation& a) {
  for (const auto& [unary, activation] : applied)
    if (activation == a.kind) return Function{unary, a.alpha, a.beta};
  return std::nullopt;
}

double value_at(const Function& f, double x) { return row(f).value(f, x); }
double slope_at(const Function& f, double x) { return row(f).slope(f, x); }

void Unary::attrs(AttrVisitor& v) const { visit(v, function); }

Types Unary::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 1);
  expect_sound(function);
  expect_floating(inputs[0], "input");
  return {inputs[0]};
}

Values Unary::gradient(GradCtx& ctx) const {
  UnaryBackward op;
  op.function = function;
  return {apply(std::move(op), {ctx.dout(), ctx.in(0)})};
}

void Unary::eval(EvalCtx& ctx) const {
  with_real(ctx.out(), [&]<class T>(T) {
    const auto x = ctx.in(0).as<T>();
    const auto y = ctx.out().as<T>();
    for (size_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(value_at(function, x[i]));
  });
}

void UnaryBackward::attrs(AttrVisitor& v) const { visit(v, function); }

Types UnaryBackward::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 2);
  expect_sound(function);
  expect_floating(inputs[0], "dy");
  expect_floating(inputs[1], "x");
  expect_shape(inputs[1], inputs[0].shape, "x");
  return {inputs[0]};
}

void UnaryBackward::eval(EvalCtx& ctx) const {
  with_real(ctx.out(), [&]<class T>(T) {
    const auto dy = ctx.in(0).as<T>(), x = ctx.in(1).as<T>();
    const auto dx = ctx.out().as<T>();
    for (size_t i = 0; i < dx.size(); ++i) dx[i] = static_cast<T>(dy[i] * slope_at(function, x[i]));
  });
}

Value ops::unary(const Value& x, const Function& f) {
  Unary op;
  op.function = f;
  return apply(std::move(op), {x});
}

std::span<const OpEntry> ops_in_unary() {
  static const std::array entries = {op_entry<Unary>(), op_entry<UnaryBackward>()};
  return entries;
}

}  // namespace ocellus

// Losses of single elements: each kind gives a value and a slope, and the rest is shared. Those of logits are written with
// log(1 + exp(-|x|)), so that no probability is rounded to 0 or 1 before its logarithm is taken.

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include <ocellus/ops/losses.h>

#include "ops/support/weights.h"

namespace ocellus {

using namespace detail;

namespace {

struct Term {
  double value, slope;
};

double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

Term smooth_l1(double d, double beta) {
  if (std::abs(d) < beta) return {d * d / (2 * beta), d / beta};
  return {std::abs(d) - beta / 2, sign(d)};
}

/// Of a logit x: the probabilities of a one and of a zero, each exact where it is small, and log(1 + exp(-|x|)).
struct Sigmoid {
  double p, q, tail;

  explicit Sigmoid(double x) {
    const double e = std::exp(-std::abs(x)), likely = 1 / (1 + e), unlikely = e * likely;
    p = x < 0 ? unlikely : likely;
    q = x < 0 ? likely : unlikely;
    tail = std::log1p(e);
  }
};

double cross_entropy(const Sigmoid& s, double x, double t) { return std::max(x, 0.0) - x * t + s.tail; }

/// base^gamma: the powers that people take do without the logarithm.
double power(double base, double gamma) {
  return gamma == 2 ? base * base : gamma == 1 ? base : gamma == 0 ? 1 : std::pow(base, gamma);
}

/// With m = 1 - p_t, dm/dx = (1 - 2t) p q, and m^(gamma-1) p q is taken as m^gamma (p q / m), which stays finite.
Term focal(double x, double t, double alpha, double gamma) {
  const Sigmoid s(x);
  const double entropy = cross_entropy(s, x, t), missing = t * s.q + (1 - t) * s.p;
  const double factor = (alpha < 0 ? 1 : alpha * t + (1 - alpha) * (1 - t)) * power(missing, gamma);
  const double share = missing > 0 ? s.p * s.q / missing : 0;
  return {factor * entropy, factor * (s.p - t + entropy * gamma * (1 - 2 * t) * share)};
}

Term contrastive(double x, double t, double margin) {
  const double short_of = std::max(0.0, margin - x);
  return {t * x * x + (1 - t) * short_of * short_of, 2 * t * x - 2 * (1 - t) * short_of};
}

/// Calls f with a function (prediction, target) -> Term of the kind: chosen once, so that its loop is a loop of its own.
template <class F>
void with_terms(const ElementLossConfig& c, F&& f) {
  const double threshold = c.threshold;
  switch (c.kind) {
    case ElementLossKind::squared_error:
      return f([](double x, double t) { return Term{(x - t) * (x - t), 2 * (x - t)}; });
    case ElementLossKind::absolute_error:
      return f([](double x, double t) { return Term{std::abs(x - t), sign(x - t)}; });
    case ElementLossKind::smooth_l1: return f([threshold](double x, double t) { return smooth_l1(x - t, threshold); });
    case ElementLossKind::huber:
      return f([threshold](double x, double t) {
        const Term scaled = smooth_l1(x - t, threshold);
        return Term{threshold * scaled.value, threshold * scaled.slope};
      });
    case ElementLossKind::sigmoid_cross_entropy:
      return f([](double x, double t) {
        const Sigmoid s(x);
        return Term{cross_entropy(s, x, t), s.p - t};
      });
    case ElementLossKind::focal: return f([&c](double x, double t) { return focal(x, t, c.alpha, c.gamma); });
    case ElementLossKind::contrastive:
      return f([threshold](double x, double t) { return contrastive(x, t, threshold); });
    case ElementLossKind::log_likelihood: return f([](double x, double t) { return Term{-t * x, -t}; });
  }
}

void visit(AttrVisitor& v, const ElementLossConfig& c) {
  v("kind", c.kind);
  v("threshold", c.threshold);
  v("alpha", c.alpha);
  v("gamma", c.gamma);
  v("reduction", c.reduction);
}

/// Checks prediction, target and weights, and the settings.
void expect_valid(const ElementLossConfig& c, std::span<const TensorType> inputs) {
  expect_count_or_weights(inputs, 2);
  expect_floating(inputs.first(2));
  expect_same_shape(inputs[0], "prediction", inputs[1], "target");
  expect_weights(inputs, 2, inputs[0].shape);
  const bool may_be_0 = c.kind == ElementLossKind::smooth_l1;
  if (!(may_be_0 ? c.threshold >= 0 : c.threshold > 0))
    throw TypeError(fmt::format("threshold {} must be {} 0", c.threshold, may_be_0 ? "at least" : "above"));
  if (!(c.gamma >= 0) || !(c.alpha <= 1))
    throw TypeError(fmt::format("alpha {} must be at most 1, and gamma {} at least 0", c.alpha, c.gamma));
}

}  // namespace

std::span<const std::string_view> enum_names(ElementLossKind) {
  static constexpr std::array<std::string_view, 8> names = {"squared_error", "absolute_error",        "smooth_l1",
                                                            "huber",         "sigmoid_cross_entropy", "focal",
                                                            "contrastive",   "log_likelihood"};
  return names;
}

void ElementLoss::attrs(AttrVisitor& v) const { visit(v, config); }

Types ElementLoss::infer(std::span<const TensorType> inputs) const {
  expect_valid(config, inputs);
  return reduced_types(inputs[0].dtype, config.reduction, inputs[0].shape);
}

Values ElementLoss::gradient(GradCtx& ctx) const { return loss_gradient<ElementLossBackward>(ctx, config); }

void ElementLoss::eval(EvalCtx& ctx) const {
  with_real(ctx.out(), [&]<class T>(T) {
    const T *x = ctx.in(0).as<T>().data(), *t = ctx.in(1).as<T>().data();
    const Weights<T> weights = weights_of<T>(ctx, 2, ctx.in(0).shape());
    with_terms(config, [&](auto term) {
      reduce_terms(config.reduction, weights, weights.total(), ctx.out().as<T>().data(),
                   [&](int64_t i) { return term(x[i], t[i]).value; });
    });
  });
}

void ElementLossBackward::attrs(AttrVisitor& v) const { visit(v, config); }

Types ElementLossBackward::infer(std::span<const TensorType> inputs) const {
  const auto of_loss = without_dloss(inputs);
  expect_valid(config, of_loss);
  expect_dloss(inputs[0], config.reduction, of_loss[0].shape);
  return {of_loss[0]};
}

void ElementLossBackward::eval(EvalCtx& ctx) const {
  with_real(ctx.out(), [&]<class T>(T) {
    const T *x = ctx.in(1).as<T>().data(), *t = ctx.in(2).as<T>().data();
    T* dx = ctx.out().as<T>().data();
    const Weights<T> weights = weights_of<T>(ctx, 3, ctx.out().shape());
    with_terms(config, [&](auto term) {
      each_term_gradient(config.reduction, weights, weights.total(), ctx.in(0).as<T>().data(),
                         [&](int64_t i, double factor) {
                           dx[i] = factor == 0 ? T{0} : static_cast<T>(factor * term(x[i], t[i]).slope);
                         });
    });
  });
}

Value ops::element_loss(const Value& prediction, const Value& target, const ElementLossConfig& config,
                        const Value& weights) {
  ElementLoss op;
  op.config = config;
  return apply(std::move(op), with_weights({prediction, target}, weights));
}

std::span<const OpEntry> ops_in_element_loss() {
  static const std::array entries = {op_entry<ElementLoss>(), op_entry<ElementLossBackward>()};
  return entries;
}

}  // namespace ocellus

// Soft Dice. A term has three sums over its elements, weighted: I of p t, P of p (or p^2) and T of t (or t^2); with s the
// smoothing it is 1 - (2 I + s) / (P + T + s). The gradient takes the sums again, and adds for each element
// weight * ((2 I + s) dP/dp - 2 t (P + T + s)) / (P + T + s)^2.

#include <array>

#include <fmt/format.h>

#include <ocellus/ops/losses.h>

#include "ops/support/weights.h"

namespace ocellus {

using namespace detail;

namespace {

void visit(AttrVisitor& v, const DiceConfig& c) {
  v("smooth", c.smooth);
  v("squared", c.squared);
  v("over_batch", c.over_batch);
  v("reduction", c.reduction);
}

/// Checks probabilities, targets and weights, and gives the shape of the terms.
Shape terms_of(const DiceConfig& c, std::span<const TensorType> inputs) {
  expect_count_or_weights(inputs, 2);
  expect_floating(inputs.first(2));
  const Shape& p = inputs[0].shape;
  if (p.rank() < 2) throw ShapeError("probabilities must be [N,C] and any further dimensions, got " + p.to_string());
  expect_same_shape(inputs[0], "probabilities", inputs[1], "target");
  expect_weights(inputs, 2, p);
  if (!(c.smooth >= 0)) throw TypeError(fmt::format("smooth {} must be at least 0", c.smooth));
  return c.over_batch ? Shape{p[1]} : Shape{p[0], p[1]};
}

/// The elements of each term, with their weights.
template <class T>
class Terms {
 public:
  Terms(const DiceConfig& c, const Shape& shape, const T* p, const T* t, const Tensor* weights)
      : c_(c), batch_(shape[0]), classes_(shape[1]), p_(p), t_(t), w_(weights ? weights->as<T>().data() : nullptr) {
    strides_ = weights ? broadcast_strides(weights->shape(), shape) : Strides{};
    const Shape own = shape.strides();
    plane_ = own[1];
    for (size_t i = 2; i < shape.rank(); ++i) loops_.add(shape[i], {own[i], strides_[i]});
  }

  int64_t count() const { return c_.over_batch ? classes_ : batch_ * classes_; }

  /// Calls f(element, its weight) for all elements of a term.
  template <class F>
  void each(int64_t term, F&& f) const {
    const int64_t begin = c_.over_batch ? 0 : term / classes_, end = c_.over_batch ? batch_ : begin + 1;
    const int64_t channel = term % classes_;
    for (int64_t n = begin; n < end; ++n) {
      const int64_t first = (n * classes_ + channel) * plane_, weight = n * strides_[0] + channel * strides_[1];
      loops_.run([&](const auto& at, int64_t size, const auto& strides) {
        for (int64_t i = 0; i < size; ++i)
          f(first + at[0] + i * strides[0], w_ ? double{w_[weight + at[1] + i * strides[1]]} : 1.0);
      });
    }
  }

  /// What stands above and below the line.
  struct Fraction {
    double above, below;
  };
  Fraction fraction(int64_t term) const {
    Fraction sums{c_.smooth, c_.smooth};
    each(term, [&](int64_t i, double weight) {
      if (!counts(weight)) return;
      const double p = p_[i], t = t_[i];
      sums.above += 2 * weight * p * t;
      sums.below += weight * (c_.squared ? p * p + t * t : p + t);
    });
    return sums;
  }

  /// The slope of a term with respect to one of its elements, for a weight of 1.
  double slope(const Fraction& f, int64_t i) const {
    if (f.below == 0) return 0;
    return (f.above * (c_.squared ? 2 * double{p_[i]} : 1.0) - 2 * double{t_[i]} * f.below) / (f.below * f.below);
  }

 private:
  const DiceConfig& c_;
  int64_t batch_, classes_, plane_;
  const T *p_, *t_, *w_;
  Strides strides_{};  ///< of the weights
  Loops<2> loops_;     ///< over a plane: element, weight
};

}  // namespace

void Dice::attrs(AttrVisitor& v) const { visit(v, config); }

Types Dice::infer(std::span<const TensorType> inputs) const {
  const Shape terms = terms_of(config, inputs);
  return reduced_types(inputs[0].dtype, config.reduction, terms);
}

Values Dice::gradient(GradCtx& ctx) const { return loss_gradient<DiceBackward>(ctx, config); }

void Dice::eval(EvalCtx& ctx) const {
  with_real(ctx.out(), [&]<class T>(T) {
    const Terms<T> terms(config, ctx.in(0).shape(), ctx.in(0).as<T>().data(), ctx.in(1).as<T>().data(),
                         ctx.inputs.size() > 2 ? &ctx.in(2) : nullptr);
    T* loss = ctx.out().as<T>().data();
    double sum = 0;
    for (int64_t i = 0; i < terms.count(); ++i) {
      const auto [above, below] = terms.fraction(i);
      const double term = below == 0 ? 0 : 1 - above / below;
      if (config.reduction == Reduction::none) loss[i] = static_cast<T>(term);
      sum += term;
    }
    if (config.reduction != Reduction::none)
      loss[0] = static_cast<T>(sum * term_weight(config.reduction, terms.count()));
  });
}

void DiceBackward::attrs(AttrVisitor& v) const { visit(v, config); }

Types DiceBackward::infer(std::span<const TensorType> inputs) const {
  const auto of_loss = without_dloss(inputs);
  const Shape terms = terms_of(config, of_loss);
  expect_dloss(inputs[0], config.reduction, terms);
  return {of_loss[0]};
}

void DiceBackward::eval(EvalCtx& ctx) const {
  with_real(ctx.out(), [&]<class T>(T) {
    const Terms<T> terms(config, ctx.out().shape(), ctx.in(1).as<T>().data(), ctx.in(2).as<T>().data(),
                         ctx.inputs.size() > 3 ? &ctx.in(3) : nullptr);
    const T* dloss = ctx.in(0).as<T>().data();
    T* dp = ctx.out().as<T>().data();
    const double scale = term_weight(config.reduction, terms.count());
    parallel_for(terms.count(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t term = begin; term < end; ++term) {
        const auto fraction = terms.fraction(term);
        const double factor = scale * dloss[config.reduction == Reduction::none ? term : 0];
        terms.each(term, [&](int64_t i, double weight) {
          dp[i] = counts(weight) ? static_cast<T>(factor * weight * terms.slope(fraction, i)) : T{0};
        });
      }
    });
  });
}

Value ops::dice(const Value& probabilities, const Value& targets, const DiceConfig& config, const Value& weights) {
  Dice op;
  op.config = config;
  return apply(std::move(op), with_weights({probabilities, targets}, weights));
}

std::span<const OpEntry> ops_in_dice() {
  static const std::array entries = {op_entry<Dice>(), op_entry<DiceBackward>()};
  return entries;
}

}  // namespace ocellus

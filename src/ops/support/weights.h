// What losses with weights share.
#pragma once

#include <utility>

#include "ops/support/broadcast.h"
#include "ops/support/checks.h"
#include "ops/support/loss.h"

namespace ocellus::detail {

/// The inputs of a loss with those of its gradient, which has dloss in front, left out.
inline std::span<const TensorType> without_dloss(std::span<const TensorType> inputs) {
  return inputs.empty() ? inputs : inputs.subspan(1);
}

/// Throws ShapeError unless there are `count` inputs, or one more: the weights, which must be broadcast to `terms`.
inline void expect_weights(std::span<const TensorType> inputs, size_t count, const Shape& terms) {
  if (inputs.size() == count) return;
  expect_floating(inputs[count], "weights");
  expect_broadcastable(inputs[count].shape, terms, "weights can't be broadcast to the terms");
}

/// Throws ShapeError unless there are `count` inputs or one more.
inline void expect_count_or_weights(std::span<const TensorType> inputs, size_t count) {
  if (inputs.size() != count + 1) expect_count(inputs, count);
}

/// Throws ShapeError unless dloss is a scalar, or has the shape of the terms where they are left alone.
inline void expect_dloss(const TensorType& dloss, Reduction reduction, const Shape& terms) {
  expect_floating(dloss, "dloss");
  if (reduction != Reduction::none) return expect_scalar_loss(dloss);
  expect_shape(dloss, terms, "dloss");
}

/// The type of a loss with these terms.
inline Types reduced_types(DType dtype, Reduction reduction, const Shape& terms) {
  return {{dtype, reduction == Reduction::none ? terms : Shape()}};
}

/// Weights of terms that lie in plain order: 1 each where none are given.
template <class T>
class Weights {
 public:
  Weights(const T* given, const Shape& shape, const Shape& terms) : given_(given) {
    const Shape own = terms.strides();
    const Strides from = given ? broadcast_strides(shape, terms) : Strides{};
    for (size_t i = 0; i < terms.rank(); ++i) loops_.add(terms[i], {own[i], from[i]});
  }

  /// Calls f(term, its weight) for all terms in order.
  template <class F>
  void each(F&& f) const {
    loops_.run([&](const auto& at, int64_t count, const auto& strides) {
      for (int64_t i = 0; i < count; ++i)
        f(at[0] + i * strides[0], given_ ? double{given_[at[1] + i * strides[1]]} : 1.0);
    });
  }

  double total() const {
    double sum = 0;
    each([&](int64_t, double weight) { sum += weight; });
    return sum;
  }

 private:
  const T* given_;
  Loops<2> loops_;
};

/// The weights among the inputs of a loss, or 1 each: input i of `ctx`, if there is one.
template <class T>
Weights<T> weights_of(const EvalCtx& ctx, size_t i, const Shape& terms) {
  if (i >= ctx.inputs.size()) return Weights<T>(nullptr, {}, terms);
  return Weights<T>(ctx.in(i).as<T>().data(), ctx.in(i).shape(), terms);
}

/// What a sum of weighted terms is multiplied by.
inline double reduction_scale(Reduction reduction, double total_weight) {
  if (reduction != Reduction::mean) return 1;
  return total_weight == 0 ? 0 : 1 / total_weight;
}

/// Whether a term counts: one that weighs nothing does not, not even if it is infinite or NaN.
inline bool counts(double weight) { return weight != 0; }

/// Writes the loss: the terms times their weights, reduced. f(i) gives term i.
template <class T, class F>
void reduce_terms(Reduction reduction, const Weights<T>& weights, T* loss, F&& f) {
  double sum = 0, total = 0;
  weights.each([&](int64_t i, double weight) {
    const double term = counts(weight) ? weight * f(i) : 0;
    if (reduction == Reduction::none) loss[i] = static_cast<T>(term);
    sum += term;
    total += weight;
  });
  if (reduction != Reduction::none) loss[0] = static_cast<T>(sum * reduction_scale(reduction, total));
}

/// Calls f(i, what term i's slope is multiplied by) for the gradient of `reduce_terms`.
template <class T, class F>
void each_term_gradient(Reduction reduction, const Weights<T>& weights, const T* dloss, F&& f) {
  const double scale = reduction == Reduction::mean ? reduction_scale(reduction, weights.total()) : 1;
  weights.each([&](int64_t i, double weight) { f(i, weight * scale * dloss[reduction == Reduction::none ? i : 0]); });
}

/// The inputs of a loss, weights included if there are any.
inline Values with_weights(Values inputs, const Value& weights) {
  if (weights) inputs.push_back(weights);
  return inputs;
}

/// The inputs of a loss's gradient.
inline Values with_dloss(GradCtx& ctx) {
  Values inputs = {ctx.dout()};
  for (size_t i = 0; i < ctx.inputs(); ++i) inputs.push_back(ctx.in(i));
  return inputs;
}

/// The gradient of a loss by `op`: with respect to the prediction, and to nothing else.
template <class Backward, class Config>
Values loss_gradient(GradCtx& ctx, const Config& config) {
  Values gradients(ctx.inputs());
  Backward op;
  op.config = config;
  if (ctx.needs(0)) gradients[0] = apply(std::move(op), with_dloss(ctx));
  return gradients;
}

}  // namespace ocellus::detail

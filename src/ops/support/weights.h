// What losses with weights share.
#pragma once

#include <array>
#include <numeric>
#include <utility>

#include <ocellus/base/threads.h>

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

/// Weights of terms that lie in plain order: 1 each where none are given. The terms are cut into parts, always the same
/// ones, which threads take: so a sum over the parts has the same bits for any number of threads.
template <class T>
class Weights {
 public:
  static constexpr int64_t parts = 32;

  Weights(const T* given, const Shape& shape, const Shape& terms) : given_(given), count_(terms.numel()) {
    const Shape own = terms.strides();
    const Strides from = given ? broadcast_strides(shape, terms) : Strides{};
    size_t i = 0;
    while (i + 1 < terms.rank() && terms[i] == 1) ++i;  // the first dimension that there is something to cut of
    if (i < terms.rank()) {
      rows_ = terms[i];
      row_ = {own[i], from[i]};
    }
    for (++i; i < terms.rank(); ++i) loops_.add(terms[i], {own[i], from[i]});
  }

  /// Calls f(part) for all parts, in parallel where that pays.
  template <class F>
  void each_part(F&& f) const {
    constexpr int64_t worth_a_thread = 4096;
    parallel_for(parts, count_ < worth_a_thread ? parts : 1, [&f](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part) f(part);
    });
  }

  /// Calls f(term, its weight) for all terms of a part, in order.
  template <class F>
  void each(int64_t part, F&& f) const {
    for (int64_t row = rows_ * part / parts; row < rows_ * (part + 1) / parts; ++row)
      loops_.run([&](const auto& at, int64_t count, const auto& strides) {
        const int64_t term = row * row_[0] + at[0], weight = row * row_[1] + at[1];
        for (int64_t i = 0; i < count; ++i)
          f(term + i * strides[0], given_ ? double{given_[weight + i * strides[1]]} : 1.0);
      });
  }

  /// The sum of f(term, its weight) over all terms.
  template <class F>
  double sum(F&& f) const {
    std::array<double, parts> sums{};
    each_part([&](int64_t part) {
      double sum = 0;
      each(part, [&](int64_t i, double weight) { sum += f(i, weight); });
      sums[static_cast<size_t>(part)] = sum;
    });
    return std::accumulate(sums.begin(), sums.end(), 0.0);
  }

  double total() const {
    if (given_ == nullptr) return static_cast<double>(count_);
    return sum([](int64_t, double weight) { return weight; });
  }

 private:
  const T* given_;
  int64_t count_, rows_ = 1;
  Loops<2>::Offsets row_{};  ///< from row to row: term, weight
  Loops<2> loops_;           ///< within a row
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

/// Writes the loss: the terms times their weights, reduced. f(i) gives term i; `total` is the sum of the weights.
template <class T, class F>
void reduce_terms(Reduction reduction, const Weights<T>& weights, double total, T* loss, F&& f) {
  const bool keep = reduction == Reduction::none;
  const double sum = weights.sum([&](int64_t i, double weight) {
    const double term = counts(weight) ? weight * f(i) : 0;
    if (keep) loss[i] = static_cast<T>(term);
    return term;
  });
  if (!keep) loss[0] = static_cast<T>(sum * reduction_scale(reduction, total));
}

/// Calls f(i, what term i's slope is multiplied by) for the gradient of `reduce_terms`.
template <class T, class F>
void each_term_gradient(Reduction reduction, const Weights<T>& weights, double total, const T* dloss, F&& f) {
  const double scale = reduction_scale(reduction, total);
  weights.each_part([&](int64_t part) {
    weights.each(part,
                 [&](int64_t i, double weight) { f(i, weight * scale * dloss[reduction == Reduction::none ? i : 0]); });
  });
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

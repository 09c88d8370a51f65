// What recurrences share: their shapes, states of the step before, and gradients of weights.
#pragma once

#include <fmt/format.h>

#include <ocellus/base/threads.h>
#include <ocellus/ops/dense.h>
#include <ocellus/ops/shape.h>

#include "ops/support/checks.h"

namespace ocellus::detail {

/// Sizes of a recurrence: sequences, steps, units.
struct Steps {
  int64_t batch, steps, units;

  /// Of values [N,T,units].
  explicit Steps(const Shape& h) : batch(h[0]), steps(h[1]), units(h[2]) {}

  Shape each(int64_t values) const { return {batch, steps, values * units}; }
  Shape state() const { return {batch, units}; }

  /// Calls f(n) for all sequences, in parallel.
  template <class F>
  void for_each(F&& f) const {
    parallel_for(batch, 1, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) f(n);
    });
  }
};

/// The sizes that gates [N,T,count*H] and weights [count*H,H] agree on; throws ShapeError where they don't.
inline Steps steps_of(const TensorType& gates, const TensorType& weights, int64_t count) {
  expect_floating(gates, "gates");
  expect_floating(weights, "weights");
  const Shape &g = gates.shape, &w = weights.shape;
  if (g.rank() != 3 || g[1] < 1 || g[2] < count || g[2] % count != 0)
    throw ShapeError(fmt::format("gates must be [N,T,{}*H] with at least one step, got {}", count, g.to_string()));
  expect_shape(weights, {g[2], g[2] / count}, "weights");
  if (!w.known()) throw ShapeError(fmt::format("weights must not have a batch, got {}", w.to_string()));
  return Steps({g[0], g[1], w[1]});
}

/// Row t of sequence n, of values [N,T,width].
template <class T, class Tensors>
auto* row(Tensors& t, int64_t n, int64_t step) {
  const Shape& shape = t.shape();
  return t.template as<T>().data() + (n * shape[1] + step) * shape[2];
}

/// The state of the step before: row t - 1, or the initial state's row, or null for zeros.
template <class T>
const T* row_before(const Tensor& states, const Tensor* initial, int64_t n, int64_t step) {
  if (step > 0) return row<T>(states, n, step - 1);
  return initial ? initial->as<T>().data() + n * states.shape()[2] : nullptr;
}

/// sum_j a[j] b[j], 0 where b is null.
template <class T>
double product(const T* a, const T* b, int64_t n) {
  double sum = 0;
  for (int64_t j = 0; b && j < n; ++j) sum += double(a[j]) * double(b[j]);
  return sum;
}

/// y[j] += sum_k x[k] w[k,j].
template <class T>
void add_products(const T* x, int64_t rows, const T* w, T* y, int64_t n) {
  for (int64_t k = 0; k < rows; ++k)
    for (int64_t j = 0; j < n; ++j) y[j] += x[k] * w[k * n + j];
}

/// The states [N,T,H] that each step started from: those of the step before, at first the initial ones or zeros.
inline Value states_before(const Value& states, const Value& initial) {
  const Shape& shape = states.shape();
  const Value longer = initial ? ops::concat({ops::reshape(initial, {0, 1, shape[2]}), states}, 1)
                               : ops::pad(states, {.before = {0, 1, 0}, .after = {0, 0, 0}});
  return ops::slice(longer, {.axis = 1, .begin = 0, .end = shape[1]});
}

/// [N,T,...] as rows.
inline Value rows_of(const Value& x) { return ops::reshape(x, {-1, x.shape()[2]}); }

/// Gradients of weights and bias that made y [N,T,out] of x [N,T,in]: [out,in] and [out].
inline Values weight_gradients(const Value& x, const Value& dy) {
  const auto op = std::make_shared<DenseBackwardWeights>();
  op->bias = true;
  return emit(op, {rows_of(x), rows_of(dy)});
}

}  // namespace ocellus::detail

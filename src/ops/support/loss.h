// What the losses and softmax share.
#pragma once

#include <cmath>
#include <cstdint>

#include <ocellus/ops/softmax.h>

#include "ops/support/axis.h"

namespace ocellus::detail {

/// A tensor [N,C,...] as N x C x inner: how softmax walks the classes. From class to class of a position it is `inner`.
struct ClassView : AxisView {
  int64_t batch, classes;

  explicit ClassView(const Shape& shape) : AxisView(shape, 1), batch(outer), classes(size) {}
  int64_t positions() const { return lines(); }
};

/// log(sum exp(x)) of `classes` values at a stride, computed after subtracting the maximum.
template <class T>
double log_sum_exp(const T* x, int64_t classes, int64_t stride) {
  double most = x[0];
  for (int64_t c = 1; c < classes; ++c) most = x[c * stride] > most ? double{x[c * stride]} : most;
  double sum = 0;
  for (int64_t c = 0; c < classes; ++c) sum += std::exp(x[c * stride] - most);
  return most + std::log(sum);
}

/// What each of `count` terms of a loss weighs.
inline double term_weight(Reduction reduction, int64_t count) {
  return reduction == Reduction::mean && count > 0 ? 1.0 / static_cast<double>(count) : 1.0;
}

/// Types of an element-wise loss of (prediction, target): the loss, a scalar. Throws where they differ.
Types elementwise_loss_types(std::span<const TensorType> inputs, std::string_view prediction, Reduction reduction);
/// Types of its gradient, inputs (dloss, prediction, target): the prediction's.
Types elementwise_loss_backward_types(std::span<const TensorType> inputs, std::string_view prediction);

/// Throws TypeError for a reduction that leaves the terms as they are.
void expect_scalar_reduction(Reduction reduction);

/// Throws ShapeError unless `dloss` is a scalar.
void expect_scalar_loss(const TensorType& dloss);

}  // namespace ocellus::detail

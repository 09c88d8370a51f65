// What the losses and softmax share.
#pragma once

#include <cmath>
#include <cstdint>

#include <ocellus/ops/softmax.h>

namespace ocellus::detail {

/// A tensor [N,C,...] as N x C x inner: how softmax walks the classes.
struct ClassView {
  int64_t batch = 1, classes = 1, inner = 1;

  explicit ClassView(const Shape& shape) : batch(shape[0]), classes(shape[1]) {
    for (size_t i = 2; i < shape.rank(); ++i) inner *= shape[i];
  }
  int64_t positions() const { return batch * inner; }
  /// Where class 0 of a position lies; its other classes follow at a stride of `inner`.
  int64_t base(int64_t position) const { return position / inner * classes * inner + position % inner; }
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

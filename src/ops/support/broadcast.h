// NumPy's broadcasting: shapes are aligned at the last dimension, and a dimension of 1 is repeated.
#pragma once

#include <vector>

#include <ocellus/tensor/shape.h>

#include "ops/support/loops.h"

namespace ocellus::detail {

/// The shape that both broadcast to; throws ShapeError naming the first dimension that does not fit. An unknown batch
/// fits another one and 1.
Shape broadcast(const Shape& a, const Shape& b);

/// Throws ShapeError starting with `sentence` unless `small` can be broadcast to `large`.
void expect_broadcastable(const Shape& small, const Shape& large, const char* sentence);

/// Strides of a plain tensor of shape `x` walked as if it had the shape `large` that it broadcasts to.
Strides broadcast_strides(const Shape& x, const Shape& large);

/// `dims` as a shape whose unknown batch is that of `x`; throws ShapeError where x does not tell it.
Shape with_batch_of(const std::vector<int64_t>& dims, const Shape& x);

}  // namespace ocellus::detail

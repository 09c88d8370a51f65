// Checks of single inputs, some of whose batches may not be known yet.
#pragma once

#include <string>
#include <string_view>

#include <ocellus/graph/op.h>

#include "ops/support/arguments.h"

namespace ocellus::detail {

/// Throws TypeError unless `type` holds floating-point numbers; `what` names it: "input".
inline void expect_floating(const TensorType& type, std::string_view what) {
  if (!is_floating(type.dtype)) throw TypeError(std::string(what) + " must be floating-point, got " + to_string(type));
}

/// Whether two dimensions can be equal: one of them may not be known yet.
inline bool agree(int64_t a, int64_t b) { return a == b || a == any_dim || b == any_dim; }

/// Whether two shapes can be equal, batches not known yet included.
inline bool agree(const Shape& a, const Shape& b) {
  if (a.rank() != b.rank()) return false;
  for (size_t i = 0; i < a.rank(); ++i)
    if (!agree(a[i], b[i])) return false;
  return true;
}

/// Throws ShapeError unless `type` can have the shape `wanted`; `what` names it: "bias".
inline void expect_shape(const TensorType& type, const Shape& wanted, std::string_view what) {
  if (!agree(type.shape, wanted))
    throw ShapeError(std::string(what) + " must be " + wanted.to_string() + ", got " + type.shape.to_string());
}

}  // namespace ocellus::detail

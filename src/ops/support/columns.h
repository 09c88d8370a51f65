// A tensor [N,C,...] as columns: the channels of one position.
#pragma once

#include <fmt/format.h>

#include "ops/support/axis.h"
#include "ops/support/checks.h"

namespace ocellus::detail {

/// Throws unless `t` is floating and has channels.
inline void expect_channels(const TensorType& t, std::string_view what) {
  expect_floating(t, what);
  if (t.shape.rank() < 2)
    throw ShapeError(fmt::format("{} must be [N,C] and any further dimensions, got {}", what, t.shape.to_string()));
}

/// From channel to channel of a column it is `inner` elements.
struct Columns : AxisView {
  int64_t batch, channels;

  explicit Columns(const Shape& shape) : AxisView(shape, 1), batch(outer), channels(size) {}

  /// Calls f(the column's number, its first element) for all columns, in parallel.
  template <class F>
  void for_each(F&& f) const {
    for_each_line(f);
  }
};

}  // namespace ocellus::detail

// A tensor [N,C,...] as columns: the channels of one position.
#pragma once

#include <fmt/format.h>

#include <ocellus/base/threads.h>

#include "ops/support/checks.h"

namespace ocellus::detail {

/// Throws unless `t` is floating and has channels.
inline void expect_channels(const TensorType& t, std::string_view what) {
  expect_floating(t, what);
  if (t.shape.rank() < 2)
    throw ShapeError(fmt::format("{} must be [N,C] and any further dimensions, got {}", what, t.shape.to_string()));
}

struct Columns {
  explicit Columns(const Shape& shape) : batch(shape[0]), channels(shape[1]) {
    for (size_t i = 2; i < shape.rank(); ++i) inner *= shape[i];
  }

  /// Calls f(the column's number, its first element) for all columns, in parallel; from channel to channel it is
  /// `inner` elements further.
  template <class F>
  void for_each(F&& f) const {
    parallel_for(batch * inner, 64, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) f(i, i / inner * channels * inner + i % inner);
    });
  }

  int64_t batch, channels, inner = 1;
};

}  // namespace ocellus::detail

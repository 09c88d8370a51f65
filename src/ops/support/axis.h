// A tensor as lines along one of its axes.
#pragma once

#include <cstdint>

#include <ocellus/base/threads.h>
#include <ocellus/tensor/shape.h>

namespace ocellus::detail {

/// outer x size x inner, of which the middle one is the axis.
struct AxisView {
  int64_t outer = 1, size = 1, inner = 1;

  AxisView(const Shape& shape, int64_t axis) : size(shape[static_cast<size_t>(axis)]) {
    for (size_t i = 0; i < shape.rank(); ++i) {
      if (static_cast<int64_t>(i) < axis) outer *= shape[i];
      if (static_cast<int64_t>(i) > axis) inner *= shape[i];
    }
  }

  int64_t lines() const { return outer * inner; }
  /// Where a line begins; from element to element it is `inner` further.
  int64_t base(int64_t line) const { return line / inner * size * inner + line % inner; }

  /// Calls f(the line's number, where it begins) for all lines, in parallel.
  template <class F>
  void for_each_line(F&& f) const {
    parallel_for(lines(), 64, [&](int64_t begin, int64_t end) {
      for (int64_t line = begin; line < end; ++line) f(line, base(line));
    });
  }
};

}  // namespace ocellus::detail

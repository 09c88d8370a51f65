// Extent: a height and a width, or one number for both.
#pragma once

#include <cstdint>
#include <vector>

namespace ocellus::nn {

/// Size in elements of a window or a step: `.kernel = 3` or `.kernel = {3, 5}`.
struct Extent {
  int64_t height = 1, width = 1;

  constexpr Extent(int64_t side) : height(side), width(side) {}  // NOLINT: `.kernel = 5` is the point
  constexpr Extent(int64_t height, int64_t width) : height(height), width(width) {}

  std::vector<int64_t> dims() const { return {height, width}; }
  friend bool operator==(const Extent&, const Extent&) = default;
};

}  // namespace ocellus::nn

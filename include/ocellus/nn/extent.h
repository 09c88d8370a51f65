// Extents: sizes in elements of a window or a step, one a dimension, or one number for all. They are exported because the
// layers that are templates of them would otherwise be hidden in the shared library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <ocellus/base/export.h>

namespace ocellus::nn {

/// Along one dimension: `.kernel = 3`.
struct OCELLUS_API Extent1D {
  static constexpr size_t rank = 1;
  int64_t length = 1;

  constexpr Extent1D(int64_t length) : length(length) {}  // NOLINT: `.kernel = 5` is the point

  std::vector<int64_t> dims() const { return {length}; }
  friend bool operator==(const Extent1D&, const Extent1D&) = default;
};

/// In a plane: `.kernel = 3` or `.kernel = {3, 5}`.
struct OCELLUS_API Extent {
  static constexpr size_t rank = 2;
  int64_t height = 1, width = 1;

  constexpr Extent(int64_t side) : height(side), width(side) {}  // NOLINT: `.kernel = 5` is the point
  constexpr Extent(int64_t height, int64_t width) : height(height), width(width) {}

  std::vector<int64_t> dims() const { return {height, width}; }
  friend bool operator==(const Extent&, const Extent&) = default;
};

/// In a volume: `.kernel = 3` or `.kernel = {1, 3, 3}`.
struct OCELLUS_API Extent3D {
  static constexpr size_t rank = 3;
  int64_t depth = 1, height = 1, width = 1;

  constexpr Extent3D(int64_t side) : depth(side), height(side), width(side) {}  // NOLINT: `.kernel = 5` is the point
  constexpr Extent3D(int64_t depth, int64_t height, int64_t width) : depth(depth), height(height), width(width) {}

  std::vector<int64_t> dims() const { return {depth, height, width}; }
  friend bool operator==(const Extent3D&, const Extent3D&) = default;
};

}  // namespace ocellus::nn

// Shapes: up to eight dimensions, no allocation.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include <ocellus/base/export.h>

namespace ocellus {

/// A dimension that is not known yet. Only dimension 0, the batch, may be unknown; it prints as N.
inline constexpr int64_t any_dim = -1;

/// The dimensions of a tensor, outermost first (images: N, C, H, W).
class OCELLUS_API Shape {
 public:
  static constexpr size_t max_rank = 8;

  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) : Shape(std::span<const int64_t>(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const int64_t> dims);  ///< throws ShapeError over eight dimensions or for negative ones

  size_t rank() const { return rank_; }
  int64_t operator[](size_t i) const { return dims_[i]; }
  std::span<const int64_t> dims() const { return {dims_.data(), rank_}; }
  auto begin() const { return dims().begin(); }
  auto end() const { return dims().end(); }

  bool known() const;      ///< no dimension is any_dim
  int64_t numel() const;   ///< product of the dimensions (1 for a scalar); throws ShapeError when unknown or over 2^62
  Shape with(size_t axis, int64_t dim) const;  ///< a copy with one dimension replaced
  Shape strides() const;   ///< row-major strides in elements
  std::string to_string() const;  ///< "[N,3,224,224]"

  friend OCELLUS_API bool operator==(const Shape& a, const Shape& b);

 private:
  std::array<int64_t, max_rank> dims_{};
  uint8_t rank_ = 0;
};

}  // namespace ocellus

// Checks and wordings that operators share when they look at their inputs.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ocellus/graph/op.h>

namespace ocellus::detail {

/// A dimension as shapes print it: N when unknown.
std::string dim_text(int64_t dim);

/// Throws ShapeError unless there are exactly `count` inputs.
void expect_count(std::span<const TensorType> inputs, size_t count);

/// Throws TypeError unless all inputs are floating and of one dtype.
void expect_floating(std::span<const TensorType> inputs);

/// Throws ShapeError unless both have the same shape; the names say what they are.
void expect_same_shape(const TensorType& a, std::string_view a_name, const TensorType& b, std::string_view b_name);

/// Throws ShapeError unless an attribute's list has one element per dimension of x.
void expect_per_dimension(std::string_view what, const std::vector<int64_t>& list, const Shape& x);

inline Shape shape_of(const std::vector<int64_t>& dims) { return Shape(std::span<const int64_t>(dims)); }
inline std::vector<int64_t> dims_of(const Shape& shape) { return {shape.begin(), shape.end()}; }

/// An axis that may count from the end, counted from the beginning (unchecked: inference checks it).
inline int64_t from_front(int64_t axis, const Shape& shape) {
  return axis < 0 ? axis + static_cast<int64_t>(shape.rank()) : axis;
}

/// Throws ShapeError unless 0 <= axis < rank.
void expect_axis(int64_t axis, const Shape& x);

}  // namespace ocellus::detail

// What readers and writers of foreign files do with tensors: other orders of dimensions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <ocellus/tensor/tensor.h>

namespace ocellus::io {

/// A copy whose dimension i is dimension perm[i] of `t`, f32.
Tensor transposed(const Tensor& t, const std::vector<size_t>& perm);
/// A copy with the order of elements along some dimensions turned round, f32.
Tensor reversed(const Tensor& t, const std::vector<size_t>& axes);
/// A vector as a shape.
inline Shape shape_of(const std::vector<int64_t>& dims) { return Shape(std::span<const int64_t>(dims)); }

}  // namespace ocellus::io

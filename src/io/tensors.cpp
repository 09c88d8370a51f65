#include "io/tensors.h"

#include <algorithm>
#include <cstdlib>

namespace ocellus::io {
namespace {

/// Reads `t` from element `start` on along strides of its own, one for each dimension of the copy.
Tensor gathered(const Tensor& t, const Shape& shape, const std::vector<int64_t>& strides, int64_t start) {
  Tensor result(DType::f32, shape);
  if (result.numel() == 0) return result;
  const float* from = t.as<float>().data() + start;
  float* to = result.as<float>().data();
  const size_t rank = shape.rank();
  const int64_t inner = rank ? shape[rank - 1] : 1, step = rank ? strides[rank - 1] : 0;
  std::vector<int64_t> index(rank, 0);
  for (int64_t done = 0; done < result.numel(); done += inner) {
    for (int64_t i = 0; i < inner; ++i) to[done + i] = from[i * step];
    for (size_t d = rank; d-- > 1;) {  // the next row: dimensions before the last one, odometer-like
      const size_t axis = d - 1;
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return result;
}

}  // namespace

Tensor transposed(const Tensor& t, const std::vector<size_t>& perm) {
  const Shape strides = t.shape().strides();
  std::vector<int64_t> dims, steps;
  for (const size_t axis : perm) {
    dims.push_back(t.shape()[axis]);
    steps.push_back(strides[axis]);
  }
  return gathered(t, shape_of(dims), steps, 0);
}

Tensor reversed(const Tensor& t, const std::vector<size_t>& axes) {
  const Shape strides = t.shape().strides();
  std::vector<int64_t> steps(strides.begin(), strides.end());
  int64_t start = 0;
  for (const size_t axis : axes) {
    start += (t.shape()[axis] - 1) * steps[axis];
    steps[axis] = -steps[axis];
  }
  return gathered(t, t.shape(), steps, t.numel() ? start : 0);
}

}  // namespace ocellus::io

#include <ocellus/tensor/shape.h>

#include <algorithm>

#include <ocellus/base/error.h>

namespace ocellus {

Shape::Shape(std::span<const int64_t> dims) {
  if (dims.size() > max_rank)
    throw ShapeError("a shape has at most 8 dimensions, got " + std::to_string(dims.size()));
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] < 0 && !(i == 0 && dims[i] == any_dim))
      throw ShapeError("dimension " + std::to_string(i) + " is negative: " + std::to_string(dims[i]));
    dims_[i] = dims[i];
  }
  rank_ = static_cast<uint8_t>(dims.size());
}

bool Shape::known() const { return rank_ == 0 || dims_[0] != any_dim; }

int64_t Shape::numel() const {
  if (!known()) throw ShapeError("the number of elements of " + to_string() + " is not known before the batch is");
  int64_t n = 1;
  for (int64_t d : dims())
    if (__builtin_mul_overflow(n, d, &n) || n > (int64_t{1} << 62))
      throw ShapeError("shape " + to_string() + " has more than 2^62 elements");
  return n;
}

Shape Shape::with(size_t axis, int64_t dim) const {
  Shape copy = *this;
  copy.dims_[axis] = dim;
  return copy;
}

Shape Shape::strides() const {
  Shape s = *this;
  int64_t step = 1;
  for (size_t i = rank_; i-- > 0;) {
    s.dims_[i] = step;
    step *= dims_[i];
  }
  return s;
}

std::string Shape::to_string() const {
  std::string s = "[";
  for (size_t i = 0; i < rank_; ++i) {
    if (i > 0) s += ',';
    s += dims_[i] == any_dim ? std::string("N") : std::to_string(dims_[i]);
  }
  return s + "]";
}

bool operator==(const Shape& a, const Shape& b) { return std::ranges::equal(a.dims(), b.dims()); }

}  // namespace ocellus

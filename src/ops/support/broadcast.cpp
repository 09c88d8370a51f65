#include "ops/support/broadcast.h"

#include <algorithm>

#include <fmt/format.h>

#include "ops/support/arguments.h"

namespace ocellus::detail {
namespace {

/// Dimension i of x seen with `rank` dimensions.
int64_t aligned(const Shape& x, size_t rank, size_t i) {
  const size_t missing = rank - x.rank();
  return i < missing ? 1 : x[i - missing];
}

}  // namespace

Shape broadcast(const Shape& a, const Shape& b) {
  const size_t rank = std::max(a.rank(), b.rank());
  std::array<int64_t, Shape::max_rank> dims{};
  for (size_t i = 0; i < rank; ++i) {
    const int64_t p = aligned(a, rank, i), q = aligned(b, rank, i);
    dims[i] = p == 1 ? q : p;
    if ((p != q && p != 1 && q != 1) || (dims[i] == any_dim && i > 0))
      throw ShapeError(fmt::format("inputs {} and {} can't be broadcast: dimension {} is {} and {}", a.to_string(),
                                   b.to_string(), i, dim_text(p), dim_text(q)));
  }
  return Shape(std::span<const int64_t>(dims.data(), rank));
}

void expect_broadcastable(const Shape& small, const Shape& large, const char* sentence) {
  if (small.rank() > large.rank())
    throw ShapeError(fmt::format("{}: {} has more dimensions than {}", sentence, small.to_string(), large.to_string()));
  for (size_t i = 0; i < large.rank(); ++i) {
    const int64_t p = aligned(small, large.rank(), i);
    if (p != large[i] && p != 1)
      throw ShapeError(fmt::format("{}: dimension {} of {} is {} and of {} is {}", sentence, i, small.to_string(),
                                   dim_text(p), large.to_string(), dim_text(large[i])));
  }
}

Strides broadcast_strides(const Shape& x, const Shape& large) {
  Strides strides{};
  const size_t missing = large.rank() - x.rank();
  const Shape own = x.strides();
  for (size_t i = 0; i < x.rank(); ++i) strides[missing + i] = x[i] == 1 ? 0 : own[i];
  return strides;
}

Shape with_batch_of(const std::vector<int64_t>& dims, const Shape& x) {
  const Shape shape = shape_of(dims);
  if (shape.known()) return shape;
  if (x.rank() != shape.rank())
    throw ShapeError(fmt::format("the batch of {} can't be told from input {}", shape.to_string(), x.to_string()));
  return shape.with(0, x[0]);
}

}  // namespace ocellus::detail

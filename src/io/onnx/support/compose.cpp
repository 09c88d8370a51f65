#include "io/onnx/support/compose.h"

#include <algorithm>

#include <ocellus/base/error.h>
#include <ocellus/ops/cast.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/select.h>
#include <ocellus/ops/shape.h>
#include <ocellus/ops/unary.h>

namespace ocellus::io::onnx_io {
namespace {

constexpr double all_whole = 1 << 23;  // from here on f32 has whole numbers only

}  // namespace

/// Integers cut the fraction off, towards 0.
Value floor(const Value& x) {
  const Value cut = ops::cast(ops::cast(x, DType::i32), x.dtype());
  const Value below = ops::sub(cut, ops::cast(ops::less(x, cut), x.dtype()));
  return ops::where(ops::less(ops::abs(x), ops::cast(number(all_whole), x.dtype())), below, x);
}

Value round_to_even(const Value& x) {
  const auto same = [&](double v) { return ops::cast(number(v), x.dtype()); };
  const Value low = floor(x), rest = ops::sub(x, low);
  const Value odd = ops::sub(low, ops::affine(floor(ops::affine(low, 0.5)), 2));
  const Value at_half = ops::where(ops::equal(rest, same(0.5)), odd, same(0));
  return ops::add(low, ops::where(ops::greater(rest, same(0.5)), same(1), at_half));
}

Value reshaped(const Value& x, std::vector<int64_t> dims) {
  if (std::count(dims.begin() + !dims.empty(), dims.end(), any_dim) > 0)
    throw Unsupported("a batch that is not the first dimension");
  if (!dims.empty() && dims[0] == any_dim && x.shape()[0] == any_dim) dims[0] = 0;
  // In `dims` of the operator 0 means the input's dimension, which of an empty one is 0 as well.
  return ops::reshape(x, std::move(dims));
}

}  // namespace ocellus::io::onnx_io

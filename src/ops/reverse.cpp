#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ocellus/ops/shape.h>

#include "ops/support/arguments.h"
#include "ops/support/loops.h"

namespace ocellus {

Types Reverse::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 1);
  for (const int64_t axis : axes) {
    detail::expect_axis(axis, inputs[0].shape);
    if (std::ranges::count(axes, axis) > 1)
      throw ShapeError(fmt::format("axes [{}] name dimension {} twice", fmt::join(axes, ","), axis));
  }
  return {inputs[0]};
}

Values Reverse::gradient(GradCtx& ctx) const { return {ops::reverse(ctx.dout(), axes)}; }

void Reverse::eval(EvalCtx& ctx) const {
  const Tensor& x = ctx.in(0);
  const Shape& shape = x.shape();
  const Shape strides = shape.strides();
  int64_t start = 0;
  detail::Loops<2> loops;
  for (size_t i = 0; i < shape.rank(); ++i) {
    const bool reversed = std::ranges::find(axes, static_cast<int64_t>(i)) != axes.end();
    if (reversed) start += (shape[i] - 1) * strides[i];
    loops.add(shape[i], {strides[i], reversed ? -strides[i] : strides[i]});
  }
  const size_t bytes = size_of(x.dtype());
  if (x.numel() == 0) return;
  detail::copy(loops, bytes, ctx.out().data(), static_cast<const std::byte*>(x.data()) + start * bytes);
}

Value ops::reverse(const Value& x, std::vector<int64_t> axes) {
  for (int64_t& axis : axes) axis = detail::from_front(axis, x.shape());
  Reverse op;
  op.axes = std::move(axes);
  return apply(std::move(op), {x});
}

std::span<const OpEntry> ops_in_reverse() {
  static const std::array entries = {op_entry<Reverse>()};
  return entries;
}

}  // namespace ocellus

#include <array>

#include <ocellus/ops/indexing.h>

#include "ops/support/axis.h"
#include "ops/support/indices.h"
#include "ops/support/loops.h"

namespace ocellus {

using namespace detail;

namespace {

void expect_lines(const TensorType& x, std::string_view what, const TensorType& indices, int64_t axis) {
  expect_axis(axis, x.shape);
  expect_indices(indices);
  const auto at = static_cast<size_t>(axis);
  if (indices.shape.rank() != x.shape.rank() || !agree(indices.shape.with(at, 0), x.shape.with(at, 0)))
    throw ShapeError(fmt::format("indices {} must have the shape of {} {} but for axis {}", indices.shape.to_string(),
                                 what, x.shape.to_string(), axis));
}

/// Calls f(where in the indices, where in x) for every index.
template <class F>
void each_index(const AxisView& x, const AxisView& indices, const int32_t* values, std::string_view op, F&& f) {
  indices.for_each_line([&](int64_t line, int64_t base) {
    for (int64_t i = 0; i < indices.size; ++i) {
      const int64_t at = base + i * indices.inner;
      f(at, x.base(line) + checked_index(values, at, x.size, op) * x.inner);
    }
  });
}

}  // namespace

Types GatherAlong::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 2);
  expect_lines(inputs[0], "x", inputs[1], axis);
  return {{inputs[0].dtype, inputs[1].shape}};
}

Values GatherAlong::gradient(GradCtx& ctx) const {
  const Shape& x = ctx.in(0).shape();
  if (axis == 0 && !x.known())
    throw ShapeError("gather_along", "",
                     "what is taken from the batch of " + x.to_string() + " has no gradient before its size is known");
  GatherAlongBackward op;
  op.axis = axis;
  op.size = x[static_cast<size_t>(axis)];
  return {apply(std::move(op), {ctx.dout(), ctx.in(1)}), {}};
}

void GatherAlong::eval(EvalCtx& ctx) const {
  const AxisView x(ctx.in(0).shape(), axis), y(ctx.out().shape(), axis);
  with_word(size_of(ctx.out().dtype()), [&]<class T>(T) {
    const T* from = static_cast<const T*>(ctx.in(0).data());
    T* to = static_cast<T*>(ctx.out().data());
    each_index(x, y, ctx.in(1).as<int32_t>().data(), name(), [&](int64_t i, int64_t at) { to[i] = from[at]; });
  });
}

void GatherAlongBackward::attrs(AttrVisitor& v) const {
  v("axis", axis);
  v("size", size);
}

Types GatherAlongBackward::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 2);
  expect_floating(inputs[0], "dy");
  expect_lines(inputs[0], "dy", inputs[1], axis);
  expect_shape(inputs[0], inputs[1].shape, "dy");
  return {{inputs[0].dtype, inputs[0].shape.with(static_cast<size_t>(axis), size)}};
}

Values GatherAlongBackward::gradient(GradCtx& ctx) const {
  return {ops::gather_along(ctx.dout(), ctx.in(1), axis), {}};
}

void GatherAlongBackward::eval(EvalCtx& ctx) const {
  const AxisView x(ctx.out().shape(), axis), y(ctx.in(0).shape(), axis);
  ctx.out().fill(0);
  with_real(ctx.out(), [&]<class T>(T) {
    const T* dy = ctx.in(0).as<T>().data();
    T* dx = ctx.out().as<T>().data();
    each_index(x, y, ctx.in(1).as<int32_t>().data(), name(), [&](int64_t i, int64_t at) { dx[at] += dy[i]; });
  });
}

Value ops::gather_along(const Value& x, const Value& indices, int64_t axis) {
  GatherAlong op;
  op.axis = from_front(axis, x.shape());
  return apply(std::move(op), {x, indices});
}

std::span<const OpEntry> ops_in_gather_along() {
  static const std::array entries = {op_entry<GatherAlong>(), op_entry<GatherAlongBackward>()};
  return entries;
}

}  // namespace ocellus

#include <array>

#include <fmt/format.h>

#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>

#include "ops/support/arguments.h"
#include "ops/support/broadcast.h"

namespace ocellus {

void BroadcastTo::attrs(AttrVisitor& v) const {
  v("dims", dims);
  v("scale", scale);
}

Types BroadcastTo::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 1);
  detail::expect_floating(inputs);
  const Shape target = detail::with_batch_of(dims, inputs[0].shape);
  detail::expect_broadcastable(inputs[0].shape, target, "the input can't be broadcast to the target");
  return {{inputs[0].dtype, target}};
}

Values BroadcastTo::gradient(GradCtx& ctx) const {
  const Value dx = ops::sum_to(ctx.dout(), ctx.in(0).shape());
  return {scale == 1 ? dx : ops::affine(dx, scale)};
}

void BroadcastTo::eval(EvalCtx& ctx) const {
  const Shape& shape = ctx.out().shape();
  const Shape strides = shape.strides();
  const detail::Strides from = detail::broadcast_strides(ctx.in(0).shape(), shape);
  detail::Loops<2> loops;
  for (size_t i = 0; i < shape.rank(); ++i) loops.add(shape[i], {strides[i], from[i]});
  with_real(ctx.out(), [&]<class T>(T) {
    const T factor = static_cast<T>(scale);
    T* y = ctx.out().as<T>().data();
    const T* x = ctx.in(0).as<T>().data();
    loops.run([&](const auto& at, int64_t count, const auto& step) {
      for (int64_t i = 0; i < count; ++i) y[at[0] + i * step[0]] = factor * x[at[1] + i * step[1]];
    });
  });
}

Value ops::broadcast_to(const Value& x, const Shape& shape, double scale) {
  if (x.shape() == shape) return scale == 1 ? x : affine(x, scale);
  if (!shape.known() && (x.shape().rank() != shape.rank() || x.shape()[0] == 1))
    throw ShapeError("broadcast_to", "",
                     fmt::format("{} can't be repeated to {} before the size of the batch is known",
                                 x.shape().to_string(), shape.to_string()));
  BroadcastTo op;
  op.dims = detail::dims_of(shape);
  op.scale = scale;
  return apply(std::move(op), {x});
}

std::span<const OpEntry> ops_in_broadcast_to() {
  static const std::array entries = {op_entry<BroadcastTo>()};
  return entries;
}

}  // namespace ocellus

#include <ocellus/ops/cast.h>

#include <algorithm>

#include "ops/support/arguments.h"

namespace ocellus {

using namespace detail;

Types Cast::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 1);
  return {{dtype, inputs[0].shape}};
}

Values Cast::gradient(GradCtx& ctx) const {
  const DType from = ctx.in(0).dtype();
  if (!ctx.dout() || !is_floating(from) || !is_floating(dtype)) return Values(1);
  return {ops::cast(ctx.dout(), from)};
}

/// The reference holds every floating value in the precision that it computes in: of a cast to f32 or f64 nothing is left, and
/// of one to a narrower type its rounding.
void Cast::eval(EvalCtx& ctx) const {
  const bool rounds = dtype != DType::f32 && dtype != DType::f64;
  const Tensor cast = (rounds ? ctx.in(0).to(dtype) : ctx.in(0)).to(ctx.out().dtype());
  std::copy_n(static_cast<const std::byte*>(cast.data()), cast.bytes(), static_cast<std::byte*>(ctx.out().data()));
}

namespace ops {

Value cast(const Value& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  Cast op;
  op.dtype = dtype;
  return apply(std::move(op), {x});
}

}  // namespace ops

std::span<const OpEntry> ops_in_cast() {
  static const OpEntry entries[] = {op_entry<Cast>()};
  return entries;
}

}  // namespace ocellus

#include <array>

#include <ocellus/ops/elementwise.h>

#include "ops/support/arguments.h"

namespace ocellus {

void Affine::attrs(AttrVisitor& v) const {
  v("scale", scale);
  v("shift", shift);
}

Types Affine::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 1);
  detail::expect_floating(inputs);
  return {inputs[0]};
}

Values Affine::gradient(GradCtx& ctx) const { return {ops::affine(ctx.dout(), scale)}; }

void Affine::eval(EvalCtx& ctx) const {
  with_real(ctx.out(), [&]<class T>(T) {
    const auto y = ctx.out().as<T>();
    const auto x = ctx.in(0).as<T>();
    const T a = static_cast<T>(scale), b = static_cast<T>(shift);
    for (size_t i = 0; i < y.size(); ++i) y[i] = a * x[i] + b;
  });
}

Value ops::affine(const Value& x, double scale, double shift) {
  Affine op;
  op.scale = scale;
  op.shift = shift;
  return apply(std::move(op), {x});
}

std::span<const OpEntry> ops_in_affine() {
  static const std::array entries = {op_entry<Affine>()};
  return entries;
}

}  // namespace ocellus

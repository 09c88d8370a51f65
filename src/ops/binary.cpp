#include <algorithm>
#include <array>

#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>

#include "ops/support/arguments.h"
#include "ops/support/broadcast.h"

namespace ocellus {
namespace {

using detail::Loops;

/// z = f(x, y) over broadcast operands.
template <class T, class F>
void combine(const Loops<3>& loops, T* z, const T* x, const T* y, F f) {
  loops.run([&](const auto& at, int64_t count, const auto& strides) {
    T* zs = z + at[0];
    const T *xs = x + at[1], *ys = y + at[2];
    if (strides[1] == 1 && strides[2] == 1)
      for (int64_t i = 0; i < count; ++i) zs[i] = f(xs[i], ys[i]);
    else
      for (int64_t i = 0; i < count; ++i) zs[i] = f(xs[i * strides[1]], ys[i * strides[2]]);
  });
}

template <class T>
void combine(BinaryKind kind, const Loops<3>& loops, T* z, const T* x, const T* y) {
  switch (kind) {
    case BinaryKind::add: return combine(loops, z, x, y, [](T a, T b) { return a + b; });
    case BinaryKind::sub: return combine(loops, z, x, y, [](T a, T b) { return a - b; });
    case BinaryKind::mul: return combine(loops, z, x, y, [](T a, T b) { return a * b; });
    case BinaryKind::div: return combine(loops, z, x, y, [](T a, T b) { return a / b; });
    // The comparisons are written so that a NaN on either side comes through.
    case BinaryKind::max: return combine(loops, z, x, y, [](T a, T b) { return a > b || a != a ? a : b; });
    case BinaryKind::min: return combine(loops, z, x, y, [](T a, T b) { return a < b || a != a ? a : b; });
  }
}

/// Gradient of max and min for one side, before it is summed to that side's shape.
Value extremum_gradient(BinaryKind kind, const Value& dz, const Value& mine, const Value& other) {
  ExtremumBackward op;
  op.kind = kind;
  return apply(std::move(op), {dz, ops::broadcast_to(mine, dz.shape()), ops::broadcast_to(other, dz.shape())});
}

}  // namespace

std::span<const std::string_view> enum_names(BinaryKind) {
  static constexpr std::array<std::string_view, 6> names = {"add", "sub", "mul", "div", "max", "min"};
  return names;
}

void Binary::attrs(AttrVisitor& v) const {
  v("kind", kind);
  visit_activation(v, activation);
}

Types Binary::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 2);
  detail::expect_floating(inputs);
  return {{inputs[0].dtype, detail::broadcast(inputs[0].shape, inputs[1].shape)}};
}

Values Binary::gradient(GradCtx& ctx) const {
  const Value &a = ctx.in(0), &b = ctx.in(1);
  const Value dz = ops::activation_backward(ctx.dout(), ctx.out(), activation);
  Value da, db;
  switch (kind) {
    case BinaryKind::add: da = db = dz; break;
    case BinaryKind::sub:
      da = dz;
      if (ctx.needs(1)) db = ops::affine(dz, -1);
      break;
    case BinaryKind::mul:
      if (ctx.needs(0)) da = ops::mul(dz, b);
      if (ctx.needs(1)) db = ops::mul(dz, a);
      break;
    case BinaryKind::div: {
      da = ops::div(dz, b);
      if (ctx.needs(1)) db = ops::affine(ops::mul(da, activation ? ops::div(a, b) : ctx.out()), -1);
      break;
    }
    case BinaryKind::max:
    case BinaryKind::min:
      if (ctx.needs(0)) da = extremum_gradient(kind, dz, a, b);
      if (ctx.needs(1)) db = extremum_gradient(kind, dz, b, a);
      break;
  }
  return {ctx.needs(0) ? ops::sum_to(da, a.shape()) : Value(), ctx.needs(1) ? ops::sum_to(db, b.shape()) : Value()};
}

void Binary::eval(EvalCtx& ctx) const {
  const Shape& shape = ctx.out().shape();
  const detail::Strides z = detail::broadcast_strides(shape, shape);
  const detail::Strides x = detail::broadcast_strides(ctx.in(0).shape(), shape);
  const detail::Strides y = detail::broadcast_strides(ctx.in(1).shape(), shape);
  Loops<3> loops;
  for (size_t i = 0; i < shape.rank(); ++i) loops.add(shape[i], {z[i], x[i], y[i]});
  with_real(ctx.out(), [&]<class T>(T) {
    const auto out = ctx.out().as<T>();
    combine(kind, loops, out.data(), ctx.in(0).as<T>().data(), ctx.in(1).as<T>().data());
    if (activation)
      for (T& v : out) v = static_cast<T>(activate(activation, v));
  });
}

void ExtremumBackward::attrs(AttrVisitor& v) const { v("kind", kind); }

Types ExtremumBackward::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 3);
  detail::expect_floating(inputs);
  detail::expect_same_shape(inputs[0], "gradient", inputs[1], "operand");
  detail::expect_same_shape(inputs[0], "gradient", inputs[2], "operand");
  if (kind != BinaryKind::max && kind != BinaryKind::min)
    throw TypeError("is for max and min, not for " + std::string(enum_names(kind)[static_cast<size_t>(kind)]));
  return {inputs[0]};
}

void ExtremumBackward::eval(EvalCtx& ctx) const {
  const bool larger = kind == BinaryKind::max;
  with_real(ctx.out(), [&]<class T>(T) {
    const auto dx = ctx.out().as<T>();
    const auto dz = ctx.in(0).as<T>(), mine = ctx.in(1).as<T>(), other = ctx.in(2).as<T>();
    for (size_t i = 0; i < dx.size(); ++i) {
      const bool taken = larger ? mine[i] > other[i] : mine[i] < other[i];
      dx[i] = mine[i] == other[i] ? dz[i] / 2 : taken ? dz[i] : T{0};
    }
  });
}

Value ops::binary(BinaryKind kind, const Value& a, const Value& b) {
  Binary op;
  op.kind = kind;
  return apply(std::move(op), {a, b});
}

std::span<const OpEntry> ops_in_binary() {
  static const std::array entries = {op_entry<Binary>(), op_entry<ExtremumBackward>()};
  return entries;
}

}  // namespace ocellus

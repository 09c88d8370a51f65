#include <array>

#include <fmt/format.h>

#include <ocellus/ops/select.h>

#include "ops/support/arguments.h"
#include "ops/support/broadcast.h"
#include "ops/support/numbers.h"

namespace ocellus {
namespace {

template <class T, class F>
void compare(const detail::Loops<3>& loops, bool* z, const T* x, const T* y, F f) {
  loops.run([&](const auto& at, int64_t count, const auto& strides) {
    for (int64_t i = 0; i < count; ++i)
      z[at[0] + i * strides[0]] = f(x[at[1] + i * strides[1]], y[at[2] + i * strides[2]]);
  });
}

template <class T>
void compare(CompareKind kind, const detail::Loops<3>& loops, bool* z, const T* x, const T* y) {
  switch (kind) {
    case CompareKind::equal: return compare(loops, z, x, y, [](T a, T b) { return a == b; });
    case CompareKind::not_equal: return compare(loops, z, x, y, [](T a, T b) { return a != b; });
    case CompareKind::less: return compare(loops, z, x, y, [](T a, T b) { return a < b; });
    case CompareKind::less_equal: return compare(loops, z, x, y, [](T a, T b) { return a <= b; });
    case CompareKind::greater: return compare(loops, z, x, y, [](T a, T b) { return a > b; });
    case CompareKind::greater_equal: return compare(loops, z, x, y, [](T a, T b) { return a >= b; });
  }
}

}  // namespace

std::span<const std::string_view> enum_names(CompareKind) {
  static constexpr std::array<std::string_view, 6> names = {"equal",      "not_equal", "less",
                                                            "less_equal", "greater",   "greater_equal"};
  return names;
}

Types Compare::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 2);
  if (inputs[0].dtype != inputs[1].dtype)
    throw TypeError(fmt::format("inputs are of two dtypes: {} and {}", to_string(inputs[0]), to_string(inputs[1])));
  return {{DType::boolean, detail::broadcast(inputs[0].shape, inputs[1].shape)}};
}

void Compare::eval(EvalCtx& ctx) const {
  const Shape& shape = ctx.out().shape();
  const Shape z = shape.strides();
  const detail::Strides x = detail::broadcast_strides(ctx.in(0).shape(), shape);
  const detail::Strides y = detail::broadcast_strides(ctx.in(1).shape(), shape);
  detail::Loops<3> loops;
  for (size_t i = 0; i < shape.rank(); ++i) loops.add(shape[i], {z[i], x[i], y[i]});
  detail::with_number(ctx.in(0).dtype(), [&]<class T>(T) {
    compare(kind, loops, ctx.out().as<bool>().data(), ctx.in(0).as<T>().data(), ctx.in(1).as<T>().data());
  });
}

Value ops::compare(CompareKind kind, const Value& a, const Value& b) {
  Compare op;
  op.kind = kind;
  return apply(std::move(op), {a, b});
}

std::span<const OpEntry> ops_in_compare() {
  static const std::array entries = {op_entry<Compare>()};
  return entries;
}

}  // namespace ocellus

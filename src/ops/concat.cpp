#include <array>
#include <cstring>

#include <fmt/format.h>

#include <ocellus/ops/shape.h>

#include "ops/support/arguments.h"

namespace ocellus {
namespace {

void expect_joinable(const TensorType& first, const TensorType& next, size_t axis) {
  if (first.dtype != next.dtype)
    throw TypeError(fmt::format("inputs are of two dtypes: {} and {}", to_string(first), to_string(next)));
  const Shape &a = first.shape, &b = next.shape;
  if (a.rank() != b.rank())
    throw ShapeError(fmt::format("inputs {} and {} can't be joined: they have {} and {} dimensions", a.to_string(),
                                 b.to_string(), a.rank(), b.rank()));
  for (size_t i = 0; i < a.rank(); ++i)
    if (i != axis && a[i] != b[i])
      throw ShapeError(fmt::format("inputs {} and {} can't be joined along dimension {}: dimension {} is {} and {}",
                                   a.to_string(), b.to_string(), axis, i, detail::dim_text(a[i]),
                                   detail::dim_text(b[i])));
}

}  // namespace

Types Concat::infer(std::span<const TensorType> inputs) const {
  if (inputs.empty()) throw ShapeError("needs at least one input");
  const Shape& first = inputs[0].shape;
  detail::expect_axis(axis, first);
  const auto along = static_cast<size_t>(axis);
  int64_t sum = 0;
  bool unknown = false;
  for (const TensorType& t : inputs) {
    expect_joinable(inputs[0], t, along);
    unknown = unknown || t.shape[along] == any_dim;
    sum += t.shape[along];
  }
  return {{inputs[0].dtype, first.with(along, unknown ? any_dim : sum)}};
}

Values Concat::gradient(GradCtx& ctx) const {
  Values din;
  int64_t begin = 0;
  for (size_t i = 0; i < ctx.inputs(); ++i) {
    const int64_t size = ctx.in(i).shape()[static_cast<size_t>(axis)];
    if (size == any_dim)
      throw ShapeError("concat", "", "values joined along the batch have no gradient before its size is known");
    const bool wanted = ctx.needs(i) && size > 0;
    din.push_back(wanted ? ops::slice(ctx.dout(), {.axis = axis, .begin = begin, .end = begin + size}) : Value());
    begin += size;
  }
  return din;
}

void Concat::eval(EvalCtx& ctx) const {
  const auto along = static_cast<size_t>(axis);
  const Shape& shape = ctx.out().shape();
  size_t outer = 1, inner = size_of(ctx.out().dtype());
  for (size_t i = 0; i < along; ++i) outer *= static_cast<size_t>(shape[i]);
  for (size_t i = along + 1; i < shape.rank(); ++i) inner *= static_cast<size_t>(shape[i]);
  const size_t row = static_cast<size_t>(shape[along]) * inner;
  auto* to = static_cast<std::byte*>(ctx.out().data());
  for (const Tensor& x : ctx.inputs) {
    const size_t part = static_cast<size_t>(x.shape()[along]) * inner;
    const auto* from = static_cast<const std::byte*>(x.data());
    for (size_t i = 0; i < outer; ++i) std::memcpy(to + i * row, from + i * part, part);
    to += part;
  }
}

Value ops::concat(const Values& values, int64_t axis) {
  Concat op;
  op.axis = values.empty() || !values[0] ? axis : detail::from_front(axis, values[0].shape());
  return apply(std::move(op), values);
}

std::span<const OpEntry> ops_in_concat() {
  static const std::array entries = {op_entry<Concat>()};
  return entries;
}

}  // namespace ocellus

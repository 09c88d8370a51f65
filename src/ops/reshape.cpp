#include <array>
#include <optional>

#include <fmt/format.h>

#include <ocellus/ops/shape.h>

#include "ops/support/arguments.h"

namespace ocellus {
namespace {

[[noreturn]] void refuse(const Shape& x, const std::vector<int64_t>& dims) {
  throw ShapeError(fmt::format("{} can't be reshaped to [{}]", x.to_string(), fmt::join(dims, ",")));
}

/// Elements of x; of one sample when the batch is unknown.
int64_t elements(const Shape& x) { return x.known() ? x.numel() : x.with(0, 1).numel(); }

/// `dims` with its zeros replaced by x's dimensions, and the place of its -1.
std::optional<size_t> copy_zeros(const Shape& x, std::vector<int64_t>& dims) {
  const std::vector<int64_t> given = dims;
  std::optional<size_t> open;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (given[i] < -1 || (given[i] == 0 && i >= x.rank())) refuse(x, given);
    if (given[i] == -1) {
      if (open) throw ShapeError(fmt::format("dims [{}] have more than one -1", fmt::join(given, ",")));
      open = i;
    } else if (given[i] == 0) {
      dims[i] = x[i];
    }
  }
  return open;
}

}  // namespace

Types Reshape::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 1);
  const Shape& x = inputs[0].shape;
  std::vector<int64_t> out = dims;
  const std::optional<size_t> open = copy_zeros(x, out);
  const bool batch_stays = !x.known() && !dims.empty() && dims[0] == 0;  // the unknown batch is copied
  int64_t rest = 1;
  for (size_t i = 0; i < out.size(); ++i)
    if (i != open && !(i == 0 && batch_stays) && __builtin_mul_overflow(rest, out[i], &rest)) refuse(x, dims);
  const int64_t count = elements(x);
  if (!x.known() && !batch_stays) {
    // An unknown batch can only go where dimension 0 is left open; how many rows that makes is unknown as well. A sample
    // becomes several rows, or several samples one: whether their number allows it shows when it is known.
    if (open != 0 || rest == 0 || (count % rest != 0 && rest % count != 0)) refuse(x, dims);
  } else if (open) {
    if (rest == 0 || count % rest != 0) refuse(x, dims);
    out[*open] = count / rest;
  } else if (rest != count) {
    refuse(x, dims);
  }
  return {{inputs[0].dtype, detail::shape_of(out)}};
}

Values Reshape::gradient(GradCtx& ctx) const { return {ops::reshape(ctx.dout(), detail::dims_of(ctx.in(0).shape()))}; }

void Reshape::eval(EvalCtx& ctx) const {
  if (ctx.out().data() != ctx.in(0).data()) ctx.out().copy_from(ctx.in(0));
}

Value ops::reshape(const Value& x, std::vector<int64_t> dims) {
  Reshape op;
  op.dims = std::move(dims);
  return apply(std::move(op), {x});
}

Value ops::flatten(const Value& x) {
  const Shape& shape = x.shape();
  if (shape.rank() == 0) throw ShapeError("flatten", "", "a scalar has no batch to keep");
  int64_t rest = 1;
  for (size_t i = 1; i < shape.rank(); ++i) rest *= shape[i];
  return reshape(x, {0, rest});
}

std::span<const OpEntry> ops_in_reshape() {
  static const std::array entries = {op_entry<Reshape>()};
  return entries;
}

}  // namespace ocellus

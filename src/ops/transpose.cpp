#include <array>

#include <fmt/format.h>

#include <ocellus/ops/shape.h>

#include "ops/support/arguments.h"
#include "ops/support/loops.h"

namespace ocellus {

Types Transpose::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 1);
  const Shape& x = inputs[0].shape;
  detail::expect_per_dimension("perm", perm, x);
  std::array<bool, Shape::max_rank> seen{};
  std::vector<int64_t> dims;
  for (int64_t p : perm) {
    if (p < 0 || p >= static_cast<int64_t>(x.rank()) || seen[static_cast<size_t>(p)])
      throw ShapeError(fmt::format("perm [{}] is no permutation of the {} dimensions of {}", fmt::join(perm, ","),
                                   x.rank(), x.to_string()));
    seen[static_cast<size_t>(p)] = true;
    dims.push_back(x[static_cast<size_t>(p)]);
  }
  if (!x.known() && perm[0] != 0)
    throw ShapeError(
        fmt::format("perm [{}] moves the batch of {}, whose size is not known", fmt::join(perm, ","), x.to_string()));
  return {{inputs[0].dtype, detail::shape_of(dims)}};
}

Values Transpose::gradient(GradCtx& ctx) const {
  std::vector<int64_t> inverse(perm.size());
  for (size_t i = 0; i < perm.size(); ++i) inverse[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
  return {ops::transpose(ctx.dout(), std::move(inverse))};
}

void Transpose::eval(EvalCtx& ctx) const {
  const Tensor& x = ctx.in(0);
  const Shape from = x.shape().strides(), to = ctx.out().shape().strides();
  detail::Loops<2> loops;
  for (size_t i = 0; i < perm.size(); ++i) loops.add(ctx.out().shape()[i], {to[i], from[static_cast<size_t>(perm[i])]});
  detail::copy(loops, size_of(x.dtype()), ctx.out().data(), x.data());
}

Value ops::transpose(const Value& x, std::vector<int64_t> perm) {
  Transpose op;
  op.perm = std::move(perm);
  return apply(std::move(op), {x});
}

std::span<const OpEntry> ops_in_transpose() {
  static const std::array entries = {op_entry<Transpose>()};
  return entries;
}

}  // namespace ocellus

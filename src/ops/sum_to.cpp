#include <array>

#include <ocellus/ops/reduce.h>

#include "ops/support/arguments.h"
#include "ops/support/broadcast.h"

namespace ocellus {

Types SumTo::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 1);
  detail::expect_floating(inputs);
  const Shape target = detail::with_batch_of(dims, inputs[0].shape);
  detail::expect_broadcastable(target, inputs[0].shape, "the input can't be summed to the target");
  return {{inputs[0].dtype, target}};
}

Values SumTo::gradient(GradCtx& ctx) const { return {ops::broadcast_to(ctx.dout(), ctx.in(0).shape())}; }

void SumTo::eval(EvalCtx& ctx) const {
  const Shape& from = ctx.in(0).shape();
  const Shape strides = from.strides();
  const detail::Strides target = detail::broadcast_strides(ctx.out().shape(), from);
  detail::Loops<1> kept, summed;  // stride 0 in the target: its element takes them all
  for (size_t i = 0; i < from.rank(); ++i) (target[i] == 0 ? summed : kept).add(from[i], {strides[i]});
  with_real(ctx.out(), [&]<class T>(T) {
    const T* x = ctx.in(0).as<T>().data();
    T* y = ctx.out().as<T>().data();
    kept.run([&](const auto& at, int64_t count, const auto& step) {
      for (int64_t i = 0; i < count; ++i) {
        const T* first = x + at[0] + i * step[0];
        double sum = 0;
        summed.run([&](const auto& place, int64_t n, const auto& stride) {
          for (int64_t j = 0; j < n; ++j) sum += first[place[0] + j * stride[0]];
        });
        *y++ = static_cast<T>(sum);
      }
    });
  });
}

Value ops::sum_to(const Value& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  SumTo op;
  op.dims = detail::dims_of(shape);
  return apply(std::move(op), {x});
}

std::span<const OpEntry> ops_in_sum_to() {
  static const std::array entries = {op_entry<SumTo>()};
  return entries;
}

}  // namespace ocellus

#include <array>

#include <fmt/format.h>

#include <ocellus/graph/parameter.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/select.h>

#include "ops/support/arguments.h"
#include "ops/support/broadcast.h"

namespace ocellus {

Types Where::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 3);
  if (inputs[0].dtype != DType::boolean) throw TypeError("the condition must be boolean, got " + to_string(inputs[0]));
  if (inputs[1].dtype != inputs[2].dtype)
    throw TypeError(fmt::format("a and b are of two dtypes: {} and {}", to_string(inputs[1]), to_string(inputs[2])));
  const Shape sides = detail::broadcast(inputs[1].shape, inputs[2].shape);
  return {{inputs[1].dtype, detail::broadcast(inputs[0].shape, sides)}};
}

Values Where::gradient(GradCtx& ctx) const {
  const Value zero = constant(Tensor::scalar(0)), &dy = ctx.dout();
  Values gradients(3);
  if (ctx.needs(1)) gradients[1] = ops::sum_to(ops::where(ctx.in(0), dy, zero), ctx.in(1).shape());
  if (ctx.needs(2)) gradients[2] = ops::sum_to(ops::where(ctx.in(0), zero, dy), ctx.in(2).shape());
  return gradients;
}

void Where::eval(EvalCtx& ctx) const {
  const Shape& shape = ctx.out().shape();
  const Shape y = shape.strides();
  std::array<detail::Strides, 3> in;
  for (size_t k = 0; k < in.size(); ++k) in[k] = detail::broadcast_strides(ctx.in(k).shape(), shape);
  detail::Loops<4> loops;
  for (size_t i = 0; i < shape.rank(); ++i) loops.add(shape[i], {y[i], in[0][i], in[1][i], in[2][i]});
  const bool* condition = ctx.in(0).as<bool>().data();
  detail::with_word(size_of(ctx.out().dtype()), [&]<class T>(T) {
    T* to = static_cast<T*>(ctx.out().data());
    const T *a = static_cast<const T*>(ctx.in(1).data()), *b = static_cast<const T*>(ctx.in(2).data());
    loops.run([&](const auto& at, int64_t count, const auto& strides) {
      for (int64_t i = 0; i < count; ++i)
        to[at[0] + i * strides[0]] =
            condition[at[1] + i * strides[1]] ? a[at[2] + i * strides[2]] : b[at[3] + i * strides[3]];
    });
  });
}

Value ops::where(const Value& condition, const Value& a, const Value& b) { return apply(Where(), {condition, a, b}); }

std::span<const OpEntry> ops_in_where() {
  static const std::array entries = {op_entry<Where>()};
  return entries;
}

}  // namespace ocellus

#include <algorithm>

#include <ocellus/ops/pool.h>

#include "ops/support/pooling.h"

namespace ocellus {

using namespace detail;

namespace {

int64_t product(const std::vector<int64_t>& sizes) {
  int64_t n = 1;
  for (const int64_t size : sizes) n *= size;
  return n;
}

}  // namespace

Types GlobalAveragePool::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 1);
  expect_pool_input(inputs[0], "input");
  const Shape& x = inputs[0].shape;
  if (product(spatial(x)) == 0) throw ShapeError("input " + x.to_string() + " has no spatial positions");
  return {{inputs[0].dtype, with_spatial(x, std::vector<int64_t>(x.rank() - 2, 1))}};
}

Values GlobalAveragePool::gradient(GradCtx& ctx) const {
  GlobalAveragePoolBackward op;
  op.input = spatial(ctx.in(0).shape());
  return {apply(std::move(op), {ctx.dout()})};
}

void GlobalAveragePool::eval(EvalCtx& ctx) const {
  with_real(ctx.in(0), [&]<class T>(T) {
    const auto x = ctx.in(0).as<T>();
    const auto y = ctx.out().as<T>();
    const size_t size = static_cast<size_t>(product(spatial(ctx.in(0).shape())));
    for (size_t plane = 0; plane < y.size(); ++plane) {
      double sum = 0;
      for (const T v : x.subspan(plane * size, size)) sum += v;
      y[plane] = static_cast<T>(sum / static_cast<double>(size));
    }
  });
}

Types GlobalAveragePoolBackward::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 1);
  expect_pool_input(inputs[0], "dy");
  const Shape& dy = inputs[0].shape;
  expect_shape(inputs[0], with_spatial(dy, std::vector<int64_t>(input.size(), 1)), "dy");
  return {{inputs[0].dtype, with_spatial(dy, input)}};
}

void GlobalAveragePoolBackward::eval(EvalCtx& ctx) const {
  with_real(ctx.in(0), [&]<class T>(T) {
    const auto dy = ctx.in(0).as<T>();
    const auto dx = ctx.out().as<T>();
    const size_t size = static_cast<size_t>(product(input));
    for (size_t plane = 0; plane < dy.size(); ++plane)
      std::ranges::fill(dx.subspan(plane * size, size), static_cast<T>(dy[plane] / static_cast<double>(size)));
  });
}

namespace ops {

Value global_average_pool(const Value& x) { return apply(GlobalAveragePool(), {x}); }

}  // namespace ops

std::span<const OpEntry> ops_in_global_average_pool() {
  static const OpEntry entries[] = {op_entry<GlobalAveragePool>(), op_entry<GlobalAveragePoolBackward>()};
  return entries;
}

}  // namespace ocellus

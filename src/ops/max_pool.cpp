#include <algorithm>

#include <ocellus/ops/pool.h>

#include "ops/support/bytes.h"
#include "ops/support/pooling.h"
#include "ops/support/sliding.h"

namespace ocellus {

using namespace detail;

namespace {

/// The largest element under each window of one plane, NaN counting as larger than all, and where it was first met.
template <class T>
void largest(const Sliding& sliding, const T* x, T* y, int32_t* at) {
  std::fill_n(at, sliding.output_size(), -1);
  sliding.for_each_row([&](const SlidingRow& row) {
    for (int64_t i = 0; i < row.count; ++i) {
      const int64_t from = row.in + i * row.step, to = row.out + i;
      if (at[to] < 0 || exceeds(x[from], y[to])) {
        y[to] = x[from];
        at[to] = static_cast<int32_t>(from);
      }
    }
  });
}

}  // namespace

void MaxPool::attrs(AttrVisitor& v) const { visit_pool(v, *this); }

Types MaxPool::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 1);
  expect_pool_input({is_byte(inputs[0].dtype) ? DType::f32 : inputs[0].dtype, inputs[0].shape}, "input");
  const Shape& x = inputs[0].shape;
  const Shape y = with_spatial(x, place_pool(window, kernel, spatial(x), ceil_mode).output);
  return {{inputs[0].dtype, y}, {DType::i32, y}};
}

Values MaxPool::gradient(GradCtx& ctx) const {
  return {apply(backward_pool<MaxPoolBackward>(*this, ctx.in(0).shape()), {ctx.dout(), ctx.out(1)})};
}

void MaxPool::eval(EvalCtx& ctx) const {
  const Shape& shape = ctx.in(0).shape();
  const Sliding sliding(place_pool(window, kernel, spatial(shape), ceil_mode));
  const auto pool = [&]<class T>(T) {
    const T* x = ctx.in(0).as<T>().data();
    T* y = ctx.out(0).as<T>().data();
    int32_t* at = ctx.out(1).as<int32_t>().data();
    for_each_plane(shape, sliding.input_size(), sliding.output_size(),
                   [&](int64_t in, int64_t out) { largest(sliding, x + in, y + out, at + out); });
  };
  if (is_byte(ctx.in(0).dtype()))
    with_byte(ctx.in(0), pool);
  else
    with_real(ctx.in(0), pool);
}

void MaxPoolBackward::attrs(AttrVisitor& v) const { visit_pool(v, *this); }

Types MaxPoolBackward::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 2);
  expect_pool_input(inputs[0], "dy");
  const Shape& dy = inputs[0].shape;
  expect_shape(inputs[0], with_spatial(dy, place_pool(window, kernel, input, ceil_mode).output), "dy");
  expect_shape(inputs[1], dy, "positions");
  return {{inputs[0].dtype, with_spatial(dy, input)}};
}

void MaxPoolBackward::eval(EvalCtx& ctx) const {
  const Shape& shape = ctx.in(0).shape();
  const Sliding sliding(place_pool(window, kernel, input, ceil_mode));
  with_real(ctx.in(0), [&]<class T>(T) {
    const T* dy = ctx.in(0).as<T>().data();
    const int32_t* at = ctx.in(1).as<int32_t>().data();
    T* dx = ctx.out().as<T>().data();
    const int64_t inputs = sliding.input_size(), outputs = sliding.output_size();
    for_each_plane(shape, inputs, outputs,
                   [&](int64_t in, int64_t out) { scatter(dy + out, at + out, outputs, dx + in, inputs); });
  });
}

namespace ops {

Value max_pool(const Value& x, const PoolConfig& config) { return apply(pooling<MaxPool>(x, config), {x}); }

}  // namespace ops

std::span<const OpEntry> ops_in_max_pool() {
  static const OpEntry entries[] = {op_entry<MaxPool>(), op_entry<MaxPoolBackward>()};
  return entries;
}

}  // namespace ocellus

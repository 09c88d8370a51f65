#include <algorithm>
#include <cmath>

#include <ocellus/base/threads.h>
#include <ocellus/ops/pool.h>

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
      if (at[to] < 0 || x[from] > y[to] || (std::isnan(x[from]) && !std::isnan(y[to]))) {
        y[to] = x[from];
        at[to] = static_cast<int32_t>(from);
      }
    }
  });
}

}  // namespace

void MaxPool::attrs(AttrVisitor& v) const {
  visit_window(v, window);
  v("kernel", kernel);
  v("ceil_mode", ceil_mode);
}

Types MaxPool::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 1);
  expect_pool_input(inputs[0], "input");
  const Shape& x = inputs[0].shape;
  const Shape y = with_spatial(x, place_pool(window, kernel, spatial(x), ceil_mode).output);
  return {{inputs[0].dtype, y}, {DType::i32, y}};
}

Values MaxPool::gradient(GradCtx& ctx) const {
  MaxPoolBackward op;
  op.window = window;
  op.kernel = kernel;
  op.input = spatial(ctx.in(0).shape());
  op.ceil_mode = ceil_mode;
  return {apply(std::move(op), {ctx.dout(), ctx.out(1)})};
}

void MaxPool::eval(EvalCtx& ctx) const {
  const Shape& shape = ctx.in(0).shape();
  const Sliding sliding(place_pool(window, kernel, spatial(shape), ceil_mode));
  with_real(ctx.in(0), [&]<class T>(T) {
    const T* x = ctx.in(0).as<T>().data();
    T* y = ctx.out(0).as<T>().data();
    int32_t* at = ctx.out(1).as<int32_t>().data();
    parallel_for(shape[0] * shape[1], 16, [&](int64_t begin, int64_t end) {
      for (int64_t plane = begin; plane < end; ++plane) {
        const int64_t out = plane * sliding.output_size();
        largest(sliding, x + plane * sliding.input_size(), y + out, at + out);
      }
    });
  });
}

void MaxPoolBackward::attrs(AttrVisitor& v) const {
  visit_window(v, window);
  v("kernel", kernel);
  v("input", input);
  v("ceil_mode", ceil_mode);
}

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
    parallel_for(shape[0] * shape[1], 16, [&](int64_t begin, int64_t end) {
      for (int64_t plane = begin; plane < end; ++plane) {
        T* in = dx + plane * sliding.input_size();
        std::fill_n(in, sliding.input_size(), T(0));
        const int64_t out = plane * sliding.output_size();
        for (int64_t i = out; i < out + sliding.output_size(); ++i) in[at[i]] += dy[i];
      }
    });
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

#include <algorithm>

#include <ocellus/ops/pool.h>

#include "ops/support/pooling.h"
#include "ops/support/sliding.h"

namespace ocellus {

using namespace detail;

namespace {

/// For each output in one dimension, the window's elements that count: those inside the input, or with `padding` those
/// inside the padding that was asked for as well. What ceil mode adds beyond that never counts.
std::vector<int64_t> counts(const PlacedWindow& p, size_t dim, bool padding) {
  const int64_t first = padding ? -p.pad_begin[dim] : 0;
  const int64_t last = p.input[dim] + (padding ? p.asked_end[dim] : 0);
  std::vector<int64_t> result(p.output[dim]);
  for (int64_t out = 0; out < p.output[dim]; ++out)
    for (int64_t tap = 0; tap < p.kernel[dim]; ++tap) {
      const int64_t at = out * p.stride[dim] + tap * p.dilation[dim] - p.pad_begin[dim];
      result[out] += at >= first && at < last;
    }
  return result;
}

/// One over the number of elements of each window of a plane.
std::vector<double> weights(const PlacedWindow& p, bool padding) {
  std::vector<double> result = {1.0};
  for (size_t dim = 0; dim < p.input.size(); ++dim) {
    std::vector<double> longer;
    for (const double w : result)
      for (const int64_t count : counts(p, dim, padding)) longer.push_back(w / static_cast<double>(count));
    result = std::move(longer);
  }
  return result;
}

}  // namespace

void AveragePool::attrs(AttrVisitor& v) const { visit_pool(v, *this); }

Types AveragePool::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 1);
  expect_pool_input(inputs[0], "input");
  const Shape& x = inputs[0].shape;
  return {{inputs[0].dtype, with_spatial(x, place_pool(window, kernel, spatial(x), ceil_mode).output)}};
}

Values AveragePool::gradient(GradCtx& ctx) const {
  return {apply(backward_pool<AveragePoolBackward>(*this, ctx.in(0).shape()), {ctx.dout()})};
}

void AveragePool::eval(EvalCtx& ctx) const {
  const Shape& shape = ctx.in(0).shape();
  const PlacedWindow placed = place_pool(window, kernel, spatial(shape), ceil_mode);
  const Sliding sliding(placed);
  const std::vector<double> scale = weights(placed, count_include_pad);
  with_real(ctx.in(0), [&]<class T>(T) {
    const T* x = ctx.in(0).as<T>().data();
    T* y = ctx.out().as<T>().data();
    const int64_t size = sliding.output_size();
    for_each_plane(shape, sliding.input_size(), size, [&](int64_t from, int64_t to) {
      const T* in = x + from;
      T* out = y + to;
      std::fill_n(out, size, T(0));
      sliding.for_each_row([&](const SlidingRow& row) {
        for (int64_t i = 0; i < row.count; ++i) out[row.out + i] += in[row.in + i * row.step];
      });
      for (int64_t i = 0; i < size; ++i) out[i] = static_cast<T>(out[i] * scale[i]);
    });
  });
}

void AveragePoolBackward::attrs(AttrVisitor& v) const { visit_pool(v, *this); }

Types AveragePoolBackward::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 1);
  expect_pool_input(inputs[0], "dy");
  const Shape& dy = inputs[0].shape;
  expect_shape(inputs[0], with_spatial(dy, place_pool(window, kernel, input, ceil_mode).output), "dy");
  return {{inputs[0].dtype, with_spatial(dy, input)}};
}

void AveragePoolBackward::eval(EvalCtx& ctx) const {
  const Shape& shape = ctx.in(0).shape();
  const PlacedWindow placed = place_pool(window, kernel, input, ceil_mode);
  const Sliding sliding(placed);
  const std::vector<double> scale = weights(placed, count_include_pad);
  with_real(ctx.in(0), [&]<class T>(T) {
    const T* dy = ctx.in(0).as<T>().data();
    T* dx = ctx.out().as<T>().data();
    for_each_plane(shape, sliding.input_size(), sliding.output_size(), [&](int64_t to, int64_t from) {
      const T* out = dy + from;
      T* in = dx + to;
      std::fill_n(in, sliding.input_size(), T(0));
      sliding.for_each_row([&](const SlidingRow& row) {
        for (int64_t i = 0; i < row.count; ++i)
          in[row.in + i * row.step] += static_cast<T>(out[row.out + i] * scale[row.out + i]);
      });
    });
  });
}

namespace ops {

Value average_pool(const Value& x, const PoolConfig& config) {
  AveragePool op = pooling<AveragePool>(x, config);
  op.count_include_pad = config.count_include_pad;
  return apply(std::move(op), {x});
}

}  // namespace ops

std::span<const OpEntry> ops_in_average_pool() {
  static const OpEntry entries[] = {op_entry<AveragePool>(), op_entry<AveragePoolBackward>()};
  return entries;
}

}  // namespace ocellus

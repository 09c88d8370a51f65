#include <algorithm>

#include <ocellus/ops/pool.h>

#include "ops/support/bins.h"
#include "ops/support/pooling.h"

namespace ocellus {

using namespace detail;

namespace {

/// [N, C] of a shape followed by `sizes`; throws ShapeError for sizes that don't fit it or are below 1.
Shape sized(const Shape& shape, const std::vector<int64_t>& sizes, std::string_view what) {
  if (sizes.size() != shape.rank() - 2)
    throw ShapeError(fmt::format("{} [{}] has {} elements for {} spatial dimensions", what, fmt::join(sizes, ","),
                                 sizes.size(), shape.rank() - 2));
  if (std::ranges::any_of(sizes, [](int64_t size) { return size < 1; }))
    throw ShapeError(fmt::format("{} [{}] must be at least 1", what, fmt::join(sizes, ",")));
  return with_spatial(shape, sizes);
}

Shape binned(std::span<const TensorType> inputs, const std::vector<int64_t>& output) {
  expect_count(inputs, 1);
  expect_pool_input(inputs[0], "input");
  const Shape& x = inputs[0].shape;
  if (std::ranges::any_of(spatial(x), [](int64_t size) { return size == 0; }))
    throw ShapeError("input " + x.to_string() + " has no spatial positions");
  return sized(x, output, "size");
}

/// One size for each spatial dimension of x, from one for all.
std::vector<int64_t> for_each_dimension(const Value& x, std::vector<int64_t> size) {
  if (size.size() == 1 && x.shape().rank() > 3) size.resize(x.shape().rank() - 2, size[0]);
  return size;
}

}  // namespace

Types AdaptiveAveragePool::infer(std::span<const TensorType> inputs) const {
  const Shape y = binned(inputs, output);
  return {{inputs[0].dtype, y}};
}

Values AdaptiveAveragePool::gradient(GradCtx& ctx) const {
  AdaptiveAveragePoolBackward op;
  op.input = spatial(ctx.in(0).shape());
  return {apply(std::move(op), {ctx.dout()})};
}

void AdaptiveAveragePool::eval(EvalCtx& ctx) const {
  const Shape& shape = ctx.in(0).shape();
  const Bins bins(shape.dims().subspan(2), output);
  with_real(ctx.in(0), [&]<class T>(T) {
    const T* x = ctx.in(0).as<T>().data();
    T* y = ctx.out().as<T>().data();
    for_each_plane(shape, bins.input_size(), bins.output_size(), [&](int64_t from, int64_t to) {
      std::fill_n(y + to, bins.output_size(), T(0));
      bins.each([&](int64_t i, int64_t j, int64_t count) { y[to + i] += x[from + j] / static_cast<T>(count); });
    });
  });
}

Types AdaptiveAveragePoolBackward::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 1);
  expect_pool_input(inputs[0], "dy");
  return {{inputs[0].dtype, sized(inputs[0].shape, input, "input")}};
}

void AdaptiveAveragePoolBackward::eval(EvalCtx& ctx) const {
  const Shape& shape = ctx.in(0).shape();
  const Bins bins(input, shape.dims().subspan(2));
  with_real(ctx.in(0), [&]<class T>(T) {
    const T* dy = ctx.in(0).as<T>().data();
    T* dx = ctx.out().as<T>().data();
    for_each_plane(shape, bins.input_size(), bins.output_size(), [&](int64_t to, int64_t from) {
      std::fill_n(dx + to, bins.input_size(), T(0));
      bins.each([&](int64_t i, int64_t j, int64_t count) { dx[to + j] += dy[from + i] / static_cast<T>(count); });
    });
  });
}

Types AdaptiveMaxPool::infer(std::span<const TensorType> inputs) const {
  const Shape y = binned(inputs, output);
  return {{inputs[0].dtype, y}, {DType::i32, y}};
}

Values AdaptiveMaxPool::gradient(GradCtx& ctx) const {
  AdaptiveMaxPoolBackward op;
  op.input = spatial(ctx.in(0).shape());
  return {apply(std::move(op), {ctx.dout(), ctx.out(1)})};
}

void AdaptiveMaxPool::eval(EvalCtx& ctx) const {
  const Shape& shape = ctx.in(0).shape();
  const Bins bins(shape.dims().subspan(2), output);
  with_real(ctx.in(0), [&]<class T>(T) {
    const T* x = ctx.in(0).as<T>().data();
    T* y = ctx.out(0).as<T>().data();
    int32_t* at = ctx.out(1).as<int32_t>().data();
    for_each_plane(shape, bins.input_size(), bins.output_size(), [&](int64_t from, int64_t to) {
      std::fill_n(at + to, bins.output_size(), -1);
      bins.each([&](int64_t i, int64_t j, int64_t) {
        if (at[to + i] >= 0 && !exceeds(x[from + j], y[to + i])) return;
        y[to + i] = x[from + j];
        at[to + i] = static_cast<int32_t>(j);
      });
    });
  });
}

Types AdaptiveMaxPoolBackward::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 2);
  expect_pool_input(inputs[0], "dy");
  expect_shape(inputs[1], inputs[0].shape, "positions");
  return {{inputs[0].dtype, sized(inputs[0].shape, input, "input")}};
}

void AdaptiveMaxPoolBackward::eval(EvalCtx& ctx) const {
  const Shape& shape = ctx.in(0).shape();
  const Bins bins(input, shape.dims().subspan(2));
  with_real(ctx.in(0), [&]<class T>(T) {
    const T* dy = ctx.in(0).as<T>().data();
    const int32_t* at = ctx.in(1).as<int32_t>().data();
    T* dx = ctx.out().as<T>().data();
    const int64_t inputs = bins.input_size(), outputs = bins.output_size();
    for_each_plane(shape, inputs, outputs,
                   [&](int64_t to, int64_t from) { scatter(dy + from, at + from, outputs, dx + to, inputs); });
  });
}

namespace ops {

Value adaptive_average_pool(const Value& x, std::vector<int64_t> size) {
  AdaptiveAveragePool op;
  op.output = for_each_dimension(x, std::move(size));
  return apply(std::move(op), {x});
}

Value adaptive_max_pool(const Value& x, std::vector<int64_t> size) {
  AdaptiveMaxPool op;
  op.output = for_each_dimension(x, std::move(size));
  return apply(std::move(op), {x});
}

Value global_max_pool(const Value& x) { return adaptive_max_pool(x, {1}); }

}  // namespace ops

std::span<const OpEntry> ops_in_adaptive_pool() {
  static const OpEntry entries[] = {op_entry<AdaptiveAveragePool>(), op_entry<AdaptiveAveragePoolBackward>(),
                                    op_entry<AdaptiveMaxPool>(), op_entry<AdaptiveMaxPoolBackward>()};
  return entries;
}

}  // namespace ocellus

// L2 normalisation with a scale for each channel. With f = 1 / sqrt(sum x^2 + epsilon), y_c = scale_c x_c f;
// dx_c = f (scale_c dy_c - x_c f^2 sum of scale_j dy_j x_j), and dscale_c = sum of dy_c x_c f over all positions.

#include <array>
#include <cmath>

#include <ocellus/ops/channel_norm.h>

#include "ops/support/columns.h"

namespace ocellus {

using namespace detail;

namespace {

void expect_scale(const TensorType& scale, const Shape& x) {
  expect_floating(scale, "scale");
  if (scale.shape != Shape{x[1]})
    throw ShapeError(fmt::format("scale {} does not have the {} channels of input {}", scale.shape.to_string(), x[1],
                                 x.to_string()));
}

}  // namespace

Types L2Normalize::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 2);
  const TensorType& x = inputs[0];
  expect_channels(x, "input");
  expect_scale(inputs[1], x.shape);
  if (!(epsilon > 0)) throw ShapeError(fmt::format("epsilon {} must be above 0", epsilon));
  return {x, {x.dtype, x.shape.with(1, 1)}};
}

Values L2Normalize::gradient(GradCtx& ctx) const {
  if (!ctx.dout()) return Values(2);
  return emit(std::make_shared<L2NormalizeBackward>(), {ctx.dout(), ctx.in(0), ctx.in(1), ctx.out(1)});
}

void L2Normalize::eval(EvalCtx& ctx) const {
  const Columns columns(ctx.in(0).shape());
  with_real(ctx.out(), [&]<class T>(T) {
    const T *x = ctx.in(0).as<T>().data(), *scale = ctx.in(1).as<T>().data();
    T *y = ctx.out(0).as<T>().data(), *factors = ctx.out(1).as<T>().data();
    columns.for_each([&](int64_t column, int64_t first) {
      double squares = 0;
      for (int64_t c = 0; c < columns.channels; ++c) {
        const double v = x[first + c * columns.inner];
        squares += v * v;
      }
      const double factor = 1 / std::sqrt(squares + epsilon);
      factors[column] = static_cast<T>(factor);
      for (int64_t c = 0; c < columns.channels; ++c) {
        const int64_t i = first + c * columns.inner;
        y[i] = static_cast<T>(scale[c] * x[i] * factor);
      }
    });
  });
}

Types L2NormalizeBackward::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 4);
  const TensorType& x = inputs[1];
  expect_channels(x, "input");
  expect_floating(inputs[0], "dy");
  expect_shape(inputs[0], x.shape, "dy");
  expect_scale(inputs[2], x.shape);
  expect_floating(inputs[3], "factors");
  expect_shape(inputs[3], x.shape.with(1, 1), "factors");
  return {x, inputs[2]};
}

void L2NormalizeBackward::eval(EvalCtx& ctx) const {
  const Columns columns(ctx.in(1).shape());
  with_real(ctx.out(), [&]<class T>(T) {
    const T *dy = ctx.in(0).as<T>().data(), *x = ctx.in(1).as<T>().data();
    const T *scale = ctx.in(2).as<T>().data(), *factors = ctx.in(3).as<T>().data();
    T *dx = ctx.out(0).as<T>().data(), *dscale = ctx.out(1).as<T>().data();
    const int64_t inner = columns.inner;
    columns.for_each([&](int64_t column, int64_t first) {
      const double factor = factors[column];
      double along = 0;  // how far scale * dy points along the normalised x
      for (int64_t c = 0; c < columns.channels; ++c) {
        const int64_t i = first + c * inner;
        along += double(scale[c]) * dy[i] * x[i] * factor;
      }
      for (int64_t c = 0; c < columns.channels; ++c) {
        const int64_t i = first + c * inner;
        dx[i] = static_cast<T>(factor * (double(scale[c]) * dy[i] - x[i] * factor * along));
      }
    });
    parallel_for(columns.channels, 4, [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c) {
        double sum = 0;
        for (int64_t n = 0; n < columns.batch; ++n) {
          const int64_t plane = (n * columns.channels + c) * inner;
          for (int64_t i = 0; i < inner; ++i) sum += double(dy[plane + i]) * x[plane + i] * factors[n * inner + i];
        }
        dscale[c] = static_cast<T>(sum);
      }
    });
  });
}

Value ops::l2_normalize(const Value& x, const Value& scale, double epsilon) {
  L2Normalize op;
  op.epsilon = epsilon;
  return apply(std::move(op), {x, scale});
}

std::span<const OpEntry> ops_in_l2_normalize() {
  static const std::array entries = {op_entry<L2Normalize>(), op_entry<L2NormalizeBackward>()};
  return entries;
}

}  // namespace ocellus

#include <ocellus/ops/prelu.h>

#include <array>

#include <fmt/format.h>

#include "ops/support/checks.h"
#include "ops/support/planes.h"

namespace ocellus {

using namespace detail;

namespace {

void expect_slope(const TensorType& slope, const Shape& x) {
  expect_floating(slope, "slope");
  if (slope.shape.rank() == 0 || (x.rank() >= 2 && slope.shape == Shape{x[1]})) return;
  throw ShapeError(fmt::format("slope {} is neither [] nor one number for each channel of input {}",
                               slope.shape.to_string(), x.to_string()));
}

/// x as the planes that share a slope.
Planes sharing(const Tensor& x, const Tensor& slope) {
  return slope.shape().rank() == 0 ? Planes::flat(x.shape()) : Planes(x.shape());
}

}  // namespace

Types Prelu::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 2);
  expect_floating(inputs[0], "input");
  expect_slope(inputs[1], inputs[0].shape);
  return {inputs[0]};
}

Values Prelu::gradient(GradCtx& ctx) const {
  return emit(std::make_shared<PreluBackward>(), {ctx.dout(), ctx.in(0), ctx.in(1)});
}

void Prelu::eval(EvalCtx& ctx) const {
  const Planes planes = sharing(ctx.in(0), ctx.in(1));
  with_real(ctx.out(), [&]<class T>(T) {
    const T *x = ctx.in(0).as<T>().data(), *slope = ctx.in(1).as<T>().data();
    T* y = ctx.out().as<T>().data();
    for (int64_t p = 0; p < planes.count(); ++p)
      for (int64_t i = p * planes.size; i < (p + 1) * planes.size; ++i)
        y[i] = x[i] > 0 ? x[i] : slope[p % planes.channels] * x[i];
  });
}

Types PreluBackward::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 3);
  expect_floating(inputs[0], "dy");
  expect_floating(inputs[1], "input");
  expect_shape(inputs[0], inputs[1].shape, "dy");
  expect_slope(inputs[2], inputs[1].shape);
  return {inputs[1], inputs[2]};
}

void PreluBackward::eval(EvalCtx& ctx) const {
  const Planes planes = sharing(ctx.in(1), ctx.in(2));
  with_real(ctx.out(), [&]<class T>(T) {
    const T *dy = ctx.in(0).as<T>().data(), *x = ctx.in(1).as<T>().data(), *slope = ctx.in(2).as<T>().data();
    T *dx = ctx.out(0).as<T>().data(), *dslope = ctx.out(1).as<T>().data();
    for (int64_t c = 0; c < planes.channels; ++c) {
      double sum = 0;
      for (int64_t n = 0; n < planes.batch; ++n) {
        const int64_t begin = (n * planes.channels + c) * planes.size;
        for (int64_t i = begin; i < begin + planes.size; ++i) {
          dx[i] = x[i] > 0 ? dy[i] : slope[c] * dy[i];
          if (!(x[i] > 0)) sum += double(dy[i]) * x[i];
        }
      }
      dslope[c] = static_cast<T>(sum);
    }
  });
}

Value ops::prelu(const Value& x, const Value& slope) { return apply(Prelu(), {x, slope}); }

std::span<const OpEntry> ops_in_prelu() {
  static const std::array entries = {op_entry<Prelu>(), op_entry<PreluBackward>()};
  return entries;
}

}  // namespace ocellus

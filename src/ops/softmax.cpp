#include <ocellus/ops/softmax.h>

#include <array>
#include <cmath>

#include "ops/support/arguments.h"
#include "ops/support/loss.h"

namespace ocellus {
namespace {

void expect_classes(const Shape& x) {
  if (x.rank() < 2 || x[1] < 1) throw ShapeError("needs classes along dimension 1, got " + x.to_string());
}

Value softmax_of(const Value& x, bool log) {
  Softmax op;
  op.log = log;
  return apply(std::move(op), {x});
}

}  // namespace

Types Softmax::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 1);
  detail::expect_floating(inputs);
  expect_classes(inputs[0].shape);
  return {inputs[0]};
}

Values Softmax::gradient(GradCtx& ctx) const {
  SoftmaxBackward op;
  op.log = log;
  return {apply(std::move(op), {ctx.dout(), ctx.out()})};
}

void Softmax::eval(EvalCtx& ctx) const {
  const detail::ClassView view(ctx.in(0).shape());
  with_real(ctx.out(), [&]<class T>(T) {
    for (int64_t p = 0; p < view.positions(); ++p) {
      const T* x = ctx.in(0).as<T>().data() + view.base(p);
      T* y = ctx.out().as<T>().data() + view.base(p);
      const double total = detail::log_sum_exp(x, view.classes, view.inner);
      for (int64_t c = 0; c < view.classes; ++c) {
        const double log_p = x[c * view.inner] - total;
        y[c * view.inner] = static_cast<T>(log ? log_p : std::exp(log_p));
      }
    }
  });
}

Types SoftmaxBackward::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 2);
  detail::expect_floating(inputs);
  detail::expect_same_shape(inputs[0], "gradient", inputs[1], "output");
  expect_classes(inputs[0].shape);
  return {inputs[0]};
}

void SoftmaxBackward::eval(EvalCtx& ctx) const {
  const detail::ClassView view(ctx.out().shape());
  const int64_t step = view.inner;
  with_real(ctx.out(), [&]<class T>(T) {
    for (int64_t p = 0; p < view.positions(); ++p) {
      const T* dy = ctx.in(0).as<T>().data() + view.base(p);
      const T* y = ctx.in(1).as<T>().data() + view.base(p);
      T* dx = ctx.out().as<T>().data() + view.base(p);
      double sum = 0;
      for (int64_t c = 0; c < view.classes; ++c) sum += log ? double{dy[c * step]} : double{dy[c * step]} * y[c * step];
      for (int64_t c = 0; c < view.classes; ++c) {
        const double d = dy[c * step], out = y[c * step];
        dx[c * step] = static_cast<T>(log ? d - std::exp(out) * sum : out * (d - sum));
      }
    }
  });
}

Value ops::softmax(const Value& x) { return softmax_of(x, false); }
Value ops::log_softmax(const Value& x) { return softmax_of(x, true); }

std::span<const OpEntry> ops_in_softmax() {
  static const std::array entries = {op_entry<Softmax>(), op_entry<SoftmaxBackward>()};
  return entries;
}

}  // namespace ocellus

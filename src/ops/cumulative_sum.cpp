// Running sums along an axis. Element j goes into every sum from its own on, so the gradient is the running sum from the
// other end.

#include <array>

#include <ocellus/ops/reduce.h>

#include "ops/support/arguments.h"
#include "ops/support/axis.h"

namespace ocellus {

void CumulativeSum::attrs(AttrVisitor& v) const {
  v("axis", axis);
  v("exclusive", exclusive);
  v("reverse", reverse);
}

Types CumulativeSum::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 1);
  detail::expect_floating(inputs);
  detail::expect_axis(axis, inputs[0].shape);
  return {inputs[0]};
}

Values CumulativeSum::gradient(GradCtx& ctx) const {
  return {ops::cumulative_sum(ctx.dout(), {.axis = axis, .exclusive = exclusive, .reverse = !reverse})};
}

void CumulativeSum::eval(EvalCtx& ctx) const {
  const detail::AxisView view(ctx.out().shape(), axis);
  with_real(ctx.out(), [&]<class T>(T) {
    const T* x = ctx.in(0).as<T>().data();
    T* y = ctx.out().as<T>().data();
    view.for_each_line([&](int64_t, int64_t base) {
      double sum = 0;
      for (int64_t i = 0; i < view.size; ++i) {
        const int64_t at = base + (reverse ? view.size - 1 - i : i) * view.inner;
        const double with = sum + x[at];
        y[at] = static_cast<T>(exclusive ? sum : with);
        sum = with;
      }
    });
  });
}

Value ops::cumulative_sum(const Value& x, const CumulativeSumConfig& config) {
  CumulativeSum op;
  op.axis = detail::from_front(config.axis, x.shape());
  op.exclusive = config.exclusive;
  op.reverse = config.reverse;
  return apply(std::move(op), {x});
}

std::span<const OpEntry> ops_in_cumulative_sum() {
  static const std::array entries = {op_entry<CumulativeSum>()};
  return entries;
}

}  // namespace ocellus

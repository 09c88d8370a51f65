#include <array>

#include <ocellus/ops/softmax.h>

#include "ops/support/arguments.h"
#include "ops/support/loss.h"

namespace ocellus {

Types SquaredError::infer(std::span<const TensorType> inputs) const {
  return detail::elementwise_loss_types(inputs, "prediction", reduction);
}

Values SquaredError::gradient(GradCtx& ctx) const {
  SquaredErrorBackward op;
  op.reduction = reduction;
  return {ctx.needs(0) ? apply(std::move(op), {ctx.dout(), ctx.in(0), ctx.in(1)}) : Value(), {}};
}

void SquaredError::eval(EvalCtx& ctx) const {
  with_real(ctx.out(), [&]<class T>(T) {
    const auto x = ctx.in(0).as<T>(), t = ctx.in(1).as<T>();
    double loss = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double difference = double{x[i]} - t[i];
      loss += difference * difference;
    }
    ctx.out().as<T>()[0] = static_cast<T>(loss * detail::term_weight(reduction, ctx.in(0).numel()));
  });
}

Types SquaredErrorBackward::infer(std::span<const TensorType> inputs) const {
  return detail::elementwise_loss_backward_types(inputs, "prediction");
}

void SquaredErrorBackward::eval(EvalCtx& ctx) const {
  with_real(ctx.out(), [&]<class T>(T) {
    const double weight = 2 * ctx.in(0).as<T>()[0] * detail::term_weight(reduction, ctx.out().numel());
    const auto x = ctx.in(1).as<T>(), t = ctx.in(2).as<T>();
    const auto dx = ctx.out().as<T>();
    for (size_t i = 0; i < dx.size(); ++i) dx[i] = static_cast<T>((double{x[i]} - t[i]) * weight);
  });
}

Value ops::squared_error(const Value& prediction, const Value& target, Reduction reduction) {
  SquaredError op;
  op.reduction = reduction;
  return apply(std::move(op), {prediction, target});
}

std::span<const OpEntry> ops_in_squared_error() {
  static const std::array entries = {op_entry<SquaredError>(), op_entry<SquaredErrorBackward>()};
  return entries;
}

}  // namespace ocellus

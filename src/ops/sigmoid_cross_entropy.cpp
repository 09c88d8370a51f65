#include <algorithm>
#include <array>
#include <cmath>

#include <ocellus/ops/softmax.h>

#include "ops/support/arguments.h"
#include "ops/support/loss.h"

namespace ocellus {

Types SigmoidCrossEntropy::infer(std::span<const TensorType> inputs) const {
  return detail::elementwise_loss_types(inputs, "logits", reduction);
}

Values SigmoidCrossEntropy::gradient(GradCtx& ctx) const {
  SigmoidCrossEntropyBackward op;
  op.reduction = reduction;
  return {ctx.needs(0) ? apply(std::move(op), {ctx.dout(), ctx.in(0), ctx.in(1)}) : Value(), {}};
}

void SigmoidCrossEntropy::eval(EvalCtx& ctx) const {
  with_real(ctx.out(), [&]<class T>(T) {
    const auto x = ctx.in(0).as<T>(), t = ctx.in(1).as<T>();
    double loss = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double logit = x[i];
      loss += std::max(logit, 0.0) - logit * t[i] + std::log1p(std::exp(-std::abs(logit)));
    }
    ctx.out().as<T>()[0] = static_cast<T>(loss * detail::term_weight(reduction, ctx.in(0).numel()));
  });
}

Types SigmoidCrossEntropyBackward::infer(std::span<const TensorType> inputs) const {
  return detail::elementwise_loss_backward_types(inputs, "logits");
}

void SigmoidCrossEntropyBackward::eval(EvalCtx& ctx) const {
  with_real(ctx.out(), [&]<class T>(T) {
    const double weight = ctx.in(0).as<T>()[0] * detail::term_weight(reduction, ctx.out().numel());
    const auto x = ctx.in(1).as<T>(), t = ctx.in(2).as<T>();
    const auto dx = ctx.out().as<T>();
    for (size_t i = 0; i < dx.size(); ++i) dx[i] = static_cast<T>((1 / (1 + std::exp(-double{x[i]})) - t[i]) * weight);
  });
}

Value ops::sigmoid_cross_entropy(const Value& logits, const Value& targets, Reduction reduction) {
  SigmoidCrossEntropy op;
  op.reduction = reduction;
  return apply(std::move(op), {logits, targets});
}

std::span<const OpEntry> ops_in_sigmoid_cross_entropy() {
  static const std::array entries = {op_entry<SigmoidCrossEntropy>(), op_entry<SigmoidCrossEntropyBackward>()};
  return entries;
}

}  // namespace ocellus

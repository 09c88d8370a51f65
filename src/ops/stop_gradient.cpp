#include <array>

#include <ocellus/ops/elementwise.h>

#include "ops/support/arguments.h"

namespace ocellus {

Types StopGradient::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 1);
  return {inputs[0]};
}

Values StopGradient::gradient(GradCtx&) const { return {Value()}; }

void StopGradient::eval(EvalCtx& ctx) const {
  if (ctx.out().data() != ctx.in(0).data()) ctx.out().copy_from(ctx.in(0));
}

Value ops::stop_gradient(const Value& x) { return apply(StopGradient(), {x}); }

std::span<const OpEntry> ops_in_stop_gradient() {
  static const std::array entries = {op_entry<StopGradient>()};
  return entries;
}

}  // namespace ocellus

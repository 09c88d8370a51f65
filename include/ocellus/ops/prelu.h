// Leaky relu whose slope is learnt (He et al. 2015, "Delving deep into rectifiers").
#pragma once

#include <ocellus/graph/op.h>

namespace ocellus {

/// y = x for x > 0, slope x below. Inputs: x [N,C,...], slope [C], or [] for one slope and x of any shape.
class OCELLUS_API Prelu final : public Op {
 public:
  std::string_view name() const override { return "prelu"; }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.inplace = true, .wide_inputs = 0b10}; }
};

/// Inputs: dy, x, slope. Outputs: dx, dslope.
class OCELLUS_API PreluBackward final : public Op {
 public:
  std::string_view name() const override { return "prelu_backward"; }
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.wide_inputs = 0b100, .wide_outputs = 0b10}; }
};

namespace ops {
OCELLUS_API Value prelu(const Value& x, const Value& slope);
}  // namespace ops

}  // namespace ocellus

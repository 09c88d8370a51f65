// Folding a batch normalisation with fixed statistics into the layer before it.
#pragma once

#include <ocellus/graph/op.h>

namespace ocellus {

/// Weights and bias of a convolution or dense layer that also does the batch normalisation behind it:
/// w' = w s, b' = (b - mean) s + offset with s = scale / sqrt(variance + epsilon), per output channel.
/// Inputs: weights [K,...], scale, offset, mean, variance [K], then bias [K] if `bias`. Outputs: w', b'.
class OCELLUS_API FoldBatchNorm final : public Op {
 public:
  double epsilon = 1e-3;
  bool bias = false;

  std::string_view name() const override { return "fold_batch_norm"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
};

}  // namespace ocellus

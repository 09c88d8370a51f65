// Fully connected: y = f(x W^T + b).
#pragma once

#include <ocellus/ops/activation.h>

namespace ocellus {

/// Inputs: x [N,in], weights [out,in], then bias [out] if `bias`.
class OCELLUS_API Dense final : public Op {
 public:
  bool bias = false;
  Activation activation;

  std::string_view name() const override { return "dense"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  int64_t macs(std::span<const TensorType>, std::span<const TensorType>) const override;
  Traits traits() const override { return {.wide_inputs = bias ? 0b100u : 0u}; }
};

/// dx = dy W. Inputs: dy [N,out], weights [out,in].
class OCELLUS_API DenseBackwardData final : public Op {
 public:
  std::string_view name() const override { return "dense_backward_data"; }
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  int64_t macs(std::span<const TensorType>, std::span<const TensorType>) const override;
};

/// dW = dy^T x and, if `bias`, db. Inputs: x [N,in], dy [N,out]. Outputs: dw [out,in], then db [out], f32
/// if the inputs are bf16.
class OCELLUS_API DenseBackwardWeights final : public Op {
 public:
  bool bias = false;

  std::string_view name() const override { return "dense_backward_weights"; }
  void attrs(AttrVisitor& v) const override { v("bias", bias); }
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  int64_t macs(std::span<const TensorType>, std::span<const TensorType>) const override;
  Traits traits() const override { return {.wide_outputs = 0b11}; }
};

namespace ops {
/// x [N,in] by weights [out,in], with an optional bias (an empty Value for none).
OCELLUS_API Value dense(const Value& x, const Value& weights, const Value& bias, Activation activation = {});
}  // namespace ops

}  // namespace ocellus

// Batch normalisation (Ioffe & Szegedy 2015) over dimension 1, the channels.
#pragma once

#include <ocellus/ops/activation.h>

namespace ocellus {

/// The operator as layers emit it; specialising a program turns it into one of the two below.
/// Inputs: x [N,C,...], scale [C], offset [C], running mean [C], running variance [C]. Evaluates like inference.
class OCELLUS_API BatchNorm final : public Op {
 public:
  double epsilon = 1e-3;
  bool epsilon_outside = false;   ///< x is divided by sqrt(var) + epsilon instead of sqrt(var + epsilon)
  double momentum = 0.99;         ///< running = momentum * running + (1 - momentum) * batch
  bool unbiased_variance = true;  ///< the running variance takes n/(n-1) of the batch's (PyTorch), not n/n (Keras)
  Activation activation;

  std::string_view name() const override { return "batch_norm"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  std::optional<Values> for_mode(ModeCtx&) const override;
  Traits traits() const override { return {.wide_inputs = 0b11110}; }
};

/// y = f(scale (x - mean) / sqrt(var + epsilon) + offset) with given statistics. Inputs as BatchNorm's. No gradient flows to
/// the statistics.
class OCELLUS_API BatchNormInference final : public Op {
 public:
  double epsilon = 1e-3;
  Activation activation;

  std::string_view name() const override { return "batch_norm_inference"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.wide_inputs = 0b11110}; }
};

/// The same with the batch's own statistics. Inputs: x, scale, offset. Outputs: y, mean [C], biased variance [C], and only if
/// f is relu the mask of y > 0 (u8, x's shape; a backend may keep it in a form of its own). Gradients flow through y alone.
class OCELLUS_API BatchNormTrain final : public Op {
 public:
  double epsilon = 1e-3;
  bool epsilon_outside = false;
  Activation activation;  ///< linear or relu

  std::string_view name() const override { return "batch_norm_train"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.wide_inputs = 0b110, .wide_outputs = 0b110}; }
};

/// Inputs: x, dy, scale, mean, variance, and only if the activation is relu the mask. Outputs: dx, dscale, doffset.
class OCELLUS_API BatchNormBackward final : public Op {
 public:
  double epsilon = 1e-3;
  bool epsilon_outside = false;
  Activation activation;

  std::string_view name() const override { return "batch_norm_backward"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.wide_inputs = 0b11100, .wide_outputs = 0b110}; }
};

/// momentum * running + (1 - momentum) * factor * batch. Inputs: running, batch.
class OCELLUS_API RunningAverage final : public Op {
 public:
  double momentum = 0.99;
  double factor = 1;

  std::string_view name() const override { return "running_average"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.elementwise = true, .inplace = true, .full_precision = true}; }
};

namespace ops {
struct BatchNormConfig {
  double epsilon = 1e-3;
  bool epsilon_outside = false;
  double momentum = 0.99;
  bool unbiased_variance = true;
  Activation activation = {};
};
/// Arguments in the order scale, offset, running mean, running variance.
OCELLUS_API Value batch_norm(const Value& x, const Values& scale_offset_mean_variance, const BatchNormConfig& config = {});
}  // namespace ops

}  // namespace ocellus

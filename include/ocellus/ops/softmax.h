// Softmax and the plain losses, each of which gives a scalar. Those with weights are in losses.h.
#pragma once

#include <ocellus/graph/op.h>

namespace ocellus {

/// exp(x_k) / sum_j exp(x_j) along dimension 1, computed after subtracting the maximum.
class OCELLUS_API Softmax final : public Op {
 public:
  bool log = false;  ///< the logarithm of it

  std::string_view name() const override { return "softmax"; }
  void attrs(AttrVisitor& v) const override { v("log", log); }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
};

/// Inputs: dy, y.
class OCELLUS_API SoftmaxBackward final : public Op {
 public:
  bool log = false;

  std::string_view name() const override { return "softmax_backward"; }
  void attrs(AttrVisitor& v) const override { v("log", log); }
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
};

/// How the terms of a loss become one number; `none` leaves them as they are, which only the losses of losses.h can.
enum class Reduction : uint8_t { mean, sum, none };
OCELLUS_API std::span<const std::string_view> enum_names(Reduction);

/// Cross-entropy of softmax(logits) with the targets, in one operator for accuracy and speed.
/// Inputs: logits [N,C,...]; targets i32 [N,...] (a class each; `ignore_index` counts nothing) or f32 [N,C,...] (a distribution).
/// Outputs: the loss (mean over the positions that count, or sum) and the probabilities [N,C,...].
/// `smoothing` mixes the target with the uniform distribution (Szegedy et al. 2016). A class outside [0,C) is a UsageError.
/// No gradient flows to the targets.
class OCELLUS_API SoftmaxCrossEntropy final : public Op {
 public:
  double smoothing = 0;
  int64_t ignore_index = -100;
  Reduction reduction = Reduction::mean;

  std::string_view name() const override { return "softmax_cross_entropy"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
};

/// Inputs: dloss (scalar), probabilities, targets. Output: dlogits.
class OCELLUS_API SoftmaxCrossEntropyBackward final : public Op {
 public:
  double smoothing = 0;
  int64_t ignore_index = -100;
  Reduction reduction = Reduction::mean;

  std::string_view name() const override { return "softmax_cross_entropy_backward"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
};

/// Binary cross-entropy of sigmoid(logits) with targets in [0,1] of the same shape: max(x,0) - x t + log(1 + exp(-|x|)).
/// Inputs: logits, targets; no gradient flows to the targets.
class OCELLUS_API SigmoidCrossEntropy final : public Op {
 public:
  Reduction reduction = Reduction::mean;

  std::string_view name() const override { return "sigmoid_cross_entropy"; }
  void attrs(AttrVisitor& v) const override { v("reduction", reduction); }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
};

/// Inputs: dloss, logits, targets.
class OCELLUS_API SigmoidCrossEntropyBackward final : public Op {
 public:
  Reduction reduction = Reduction::mean;

  std::string_view name() const override { return "sigmoid_cross_entropy_backward"; }
  void attrs(AttrVisitor& v) const override { v("reduction", reduction); }
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
};

/// Mean (or sum) of squared differences. Inputs: prediction, target (same shape); no gradient flows to the target.
class OCELLUS_API SquaredError final : public Op {
 public:
  Reduction reduction = Reduction::mean;

  std::string_view name() const override { return "squared_error"; }
  void attrs(AttrVisitor& v) const override { v("reduction", reduction); }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
};

/// Inputs: dloss, prediction, target.
class OCELLUS_API SquaredErrorBackward final : public Op {
 public:
  Reduction reduction = Reduction::mean;

  std::string_view name() const override { return "squared_error_backward"; }
  void attrs(AttrVisitor& v) const override { v("reduction", reduction); }
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
};

namespace ops {
OCELLUS_API Value softmax(const Value& x);
OCELLUS_API Value log_softmax(const Value& x);
struct CrossEntropyConfig {
  double smoothing = 0;
  int64_t ignore_index = -100;
  Reduction reduction = Reduction::mean;
};
/// The loss, and the probabilities.
OCELLUS_API Values softmax_cross_entropy(const Value& logits, const Value& targets, const CrossEntropyConfig& config = {});
OCELLUS_API Value sigmoid_cross_entropy(const Value& logits, const Value& targets, Reduction reduction = Reduction::mean);
OCELLUS_API Value squared_error(const Value& prediction, const Value& target, Reduction reduction = Reduction::mean);
}  // namespace ops

}  // namespace ocellus

// Host operators: user code as part of a graph.
#pragma once

#include <functional>

#include <ocellus/graph/op.h>

namespace ocellus {

/// A function on plain tensors, its shape rule, and optionally its gradient.
struct HostSpec {
  std::string name;
  std::function<Types(std::span<const TensorType>)> infer;
  std::function<void(std::span<const Tensor> inputs, std::span<Tensor> outputs)> run;
  /// Gradient as values; without one the operator stops gradients.
  std::function<Values(GradCtx&)> gradient;
};

/// A HostSpec as an operator; it can't be saved.
class OCELLUS_API HostOp final : public Op {
 public:
  std::shared_ptr<const HostSpec> spec;

  std::string_view name() const override { return "host"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.host = true, .full_precision = true}; }
};

/// One named part of a loss, for the log.
struct LossPart {
  std::string name;
  double value;
  bool in_loss = true;  ///< false: it is logged and adds nothing to the loss, as a count of triplets
};

/// Fills `gradient` (prediction's shape, zero before the call) and gives the parts, whose values add up to the loss.
using HostLossFn = std::function<std::vector<LossPart>(const Tensor& prediction, std::span<const Tensor> aux, Tensor& gradient)>;

/// Value and gradient of a custom loss at once. Inputs: prediction f32, aux... Outputs: the loss (scalar), its gradient with
/// respect to the prediction, and the parts' values [parts].
class OCELLUS_API HostLoss final : public Op {
 public:
  std::string label;
  std::vector<std::string> parts;
  std::shared_ptr<const HostLossFn> fn;

  std::string_view name() const override { return "host_loss"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.host = true, .full_precision = true}; }
};

OCELLUS_API Values host_op(HostSpec spec, const Values& inputs);

struct HostLossConfig {
  std::string name;
  std::vector<std::string> parts = {"loss"};  ///< the names that `fn` gives, in order
  HostLossFn fn;
};
/// The loss, and the values of its parts [parts].
OCELLUS_API Values host_loss(const HostLossConfig& config, const Value& prediction, const Values& aux);

}  // namespace ocellus

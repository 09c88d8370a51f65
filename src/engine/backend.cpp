#include <ocellus/engine/backend.h>

#include "engine/kernel.h"

namespace ocellus {
namespace {

/// Runs `Op::eval` on views of the bound memory; outputs that nobody reads get memory of their own. Operators evaluate in
/// f32: bf16 and f16 go through copies.
class ReferenceKernel final : public Kernel {
 public:
  explicit ReferenceKernel(const Node& node) : node_(node.op_ptr(), node.inputs(), node.types(), node.scope()) {}

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    for (auto* list : {&inputs_, &outputs_, &narrow_inputs_, &narrow_outputs_}) list->clear();
    for (size_t i = 0; i < inputs.size(); ++i) {
      const TensorType& type = node_.inputs()[i].type();
      narrow_inputs_.push_back(Tensor::view(type.dtype, type.shape, inputs[i]));
      inputs_.push_back(widened(narrow_inputs_.back()));
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      const TensorType& type = node_.types()[i];
      narrow_outputs_.push_back(outputs[i] ? Tensor::view(type.dtype, type.shape, outputs[i])
                                           : Tensor(type.dtype, type.shape));
      outputs_.push_back(widened(narrow_outputs_.back()));
    }
  }

  void run() override {
    convert(narrow_inputs_, inputs_);
    EvalCtx ctx{node_, inputs_, outputs_};
    node_.op().eval(ctx);
    convert(outputs_, narrow_outputs_);
  }

 private:
  /// The tensor itself, or memory for its values in f32.
  static Tensor widened(const Tensor& t) {
    return wide(t.dtype()) == t.dtype() ? t : Tensor(wide(t.dtype()), t.shape());
  }
  static void convert(const std::vector<Tensor>& from, std::vector<Tensor>& to) {
    for (size_t i = 0; i < from.size(); ++i)
      if (from[i].dtype() != to[i].dtype()) to[i].copy_from(from[i].to(to[i].dtype()));
  }

  Node node_;
  std::vector<Tensor> inputs_, outputs_;                ///< what the operator sees
  std::vector<Tensor> narrow_inputs_, narrow_outputs_;  ///< what is bound
};

}  // namespace

Backend::~Backend() = default;

KernelPlan reference_kernel(const Node& node) {
  KernelPlan plan;
  plan.name = "reference";
  plan.inputs.resize(node.inputs().size());
  plan.outputs.resize(node.types().size());
  plan.kernel = std::make_unique<ReferenceKernel>(node);
  return plan;
}

}  // namespace ocellus

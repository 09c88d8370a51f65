#include <ocellus/engine/backend.h>

#include "engine/kernel.h"

namespace ocellus {
namespace {

/// Runs `Op::eval` on views of the bound memory; outputs that nobody reads get memory of their own.
class ReferenceKernel final : public Kernel {
 public:
  explicit ReferenceKernel(const Node& node) : node_(node.op_ptr(), node.inputs(), node.types(), node.scope()) {}

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    inputs_.clear();
    outputs_.clear();
    for (size_t i = 0; i < inputs.size(); ++i) {
      const TensorType& type = node_.inputs()[i].type();
      inputs_.push_back(Tensor::view(type.dtype, type.shape, inputs[i]));
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      const TensorType& type = node_.types()[i];
      outputs_.push_back(outputs[i] ? Tensor::view(type.dtype, type.shape, outputs[i]) : Tensor(type.dtype, type.shape));
    }
  }

  void run() override {
    EvalCtx ctx{node_, inputs_, outputs_};
    node_.op().eval(ctx);
  }

 private:
  Node node_;
  std::vector<Tensor> inputs_, outputs_;
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

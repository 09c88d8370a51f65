#include <ocellus/ops/norm.h>

#include <array>

#include "backend/onednn/attributes.h"
#include "backend/onednn/onednn_backend.h"

namespace ocellus {
namespace onednn {
namespace {

using Forward = dnnl::batch_normalization_forward;
using Backward = dnnl::batch_normalization_backward;
using Flags = dnnl::normalization_flags;
constexpr const char* outside = "has epsilon inside the root";

Flags flags_for(const Activation& activation) {
  Flags flags = Flags::use_scale | Flags::use_shift;
  if (activation.kind == ActivationKind::relu) flags |= Flags::fuse_norm_relu;
  return flags;
}

/// The order in which x arrives, but images that arrive in plain order are put into blocks of channels: sums over a strided
/// channel take the library ten times as long as that reorder.
Desc order_of(const Planner& plan, const Runtime& runtime, const KernelRequest& request) {
  const TensorType& type = request.node.inputs()[0].type();
  if (request.inputs[0] || type.shape.rank() == 2) return plan.incoming(0);
  return activation_order(runtime, {type.shape.begin(), type.shape.end()}, data_type(type.dtype));
}

Forward::primitive_desc training_desc(const Runtime& runtime, const Desc& x, double epsilon,
                                      const Activation& activation) {
  const Forward::desc desc(dnnl::prop_kind::forward_training, x, static_cast<float>(epsilon), flags_for(activation));
  return {desc, user_scratchpad(), runtime.engine()};
}

/// Other activations than relu are a second step, in place.
KernelAnswer make_inference(const KernelRequest& request, Backend& backend) {
  const auto& op = *request.node.as<BatchNormInference>();
  const RuntimePtr& runtime = runtime_of(backend);
  Planner plan(request, runtime);
  // Variance and epsilon of 0 both would make NaN of channels that only fill a block.
  const bool fills = plan.incoming(0).get_size() != bytes_of(request.node.inputs()[0].type());
  const Desc x = fills && op.epsilon == 0 ? plan.plain_input(0) : plan.incoming(0), channels = plan.plain_input(1);
  const Forward::desc desc(dnnl::prop_kind::forward_inference, x, static_cast<float>(op.epsilon),
                           flags_for(op.activation) | Flags::use_global_stats);
  const Forward::primitive_desc pd(desc, user_scratchpad(), runtime->engine());
  plan.step<Forward>(pd, {{DNNL_ARG_SRC, in(0), x},
                          {DNNL_ARG_SCALE, in(1), channels},
                          {DNNL_ARG_SHIFT, in(2), channels},
                          {DNNL_ARG_MEAN, in(3), channels},
                          {DNNL_ARG_VARIANCE, in(4), channels},
                          {DNNL_ARG_DST, out(0), x}});
  plan.in_place(0, 0);
  if (op.activation && op.activation.kind != ActivationKind::relu) {
    const auto eltwise = eltwise_of(op.activation);
    if (!eltwise) return "no activation with these constants";
    const dnnl::eltwise_forward::desc second(dnnl::prop_kind::forward_inference, eltwise->forward, x, eltwise->alpha);
    const dnnl::eltwise_forward::primitive_desc second_pd(second, user_scratchpad(), runtime->engine());
    plan.step<dnnl::eltwise_forward>(second_pd, {{DNNL_ARG_SRC, out(0), x}, {DNNL_ARG_DST, out(0), x}});
  }
  return plan.finish(pd.impl_info_str());
}

KernelAnswer make_train(const KernelRequest& request, Backend& backend) {
  const auto& op = *request.node.as<BatchNormTrain>();
  if (op.epsilon_outside) return outside;
  const RuntimePtr& runtime = runtime_of(backend);
  Planner plan(request, runtime);
  const Desc x = order_of(plan, *runtime, request), channels = plan.plain_input(1);
  const auto pd = training_desc(*runtime, x, op.epsilon, op.activation);
  std::vector<Arg> args = {{DNNL_ARG_SRC, in(0), x},          {DNNL_ARG_SCALE, in(1), channels},
                           {DNNL_ARG_SHIFT, in(2), channels}, {DNNL_ARG_DST, out(0), x},
                           {DNNL_ARG_MEAN, out(1), channels}, {DNNL_ARG_VARIANCE, out(2), channels}};
  if (op.activation) {
    const Desc mask = pd.workspace_desc();
    plan.workspace(3, std::make_shared<WorkspaceLayout>(mask, x, x));
    args.push_back({DNNL_ARG_WORKSPACE, out(3), mask});
  }
  plan.step<Forward>(pd, std::move(args));
  return plan.finish(pd.impl_info_str());
}

KernelAnswer make_backward(const KernelRequest& request, Backend& backend) {
  const auto& op = *request.node.as<BatchNormBackward>();
  if (op.epsilon_outside) return outside;
  const RuntimePtr& runtime = runtime_of(backend);
  Planner plan(request, runtime);
  Desc x = order_of(plan, *runtime, request);
  const Desc channels = plan.plain_input(2);
  if (op.activation) {
    const auto* mask = dynamic_cast<const WorkspaceLayout*>(request.inputs[5].get());
    if (!mask) return "the mask did not come from oneDNN's forward kernel";
    x = mask->source();
  }
  const auto hint = training_desc(*runtime, x, op.epsilon, op.activation);
  const Backward::desc desc(dnnl::prop_kind::backward, x, x, static_cast<float>(op.epsilon), flags_for(op.activation));
  const Backward::primitive_desc pd(desc, user_scratchpad(), runtime->engine(), hint);
  // The offset is not read, but the library counts it among its arguments.
  std::vector<Arg> args = {{DNNL_ARG_SRC, in(0), x},
                           {DNNL_ARG_DIFF_DST, in(1), x},
                           {DNNL_ARG_SCALE, in(2), channels},
                           {DNNL_ARG_SHIFT, in(2), channels},
                           {DNNL_ARG_MEAN, in(3), channels},
                           {DNNL_ARG_VARIANCE, in(4), channels},
                           {DNNL_ARG_DIFF_SRC, out(0), x},
                           {DNNL_ARG_DIFF_SCALE, out(1), channels},
                           {DNNL_ARG_DIFF_SHIFT, out(2), channels}};
  if (op.activation) args.push_back({DNNL_ARG_WORKSPACE, in(5), hint.workspace_desc()});
  plan.step<Backward>(pd, std::move(args));
  plan.in_place(0, 1);
  return plan.finish(pd.impl_info_str());
}

}  // namespace
}  // namespace onednn

std::span<const KernelEntry> onednn_kernels_in_batch_norm() {
  static constexpr std::array<KernelEntry, 3> table = {{
      {"batch_norm_inference", "onednn batch normalisation", 10, onednn::make_inference},
      {"batch_norm_train", "onednn batch normalisation", 10, onednn::make_train},
      {"batch_norm_backward", "onednn batch normalisation", 10, onednn::make_backward},
  }};
  return table;
}

}  // namespace ocellus

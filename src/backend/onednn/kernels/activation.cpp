#include <ocellus/ops/activation.h>

#include <array>

#include "backend/onednn/attributes.h"
#include "backend/onednn/onednn_backend.h"

namespace ocellus {
namespace onednn {
namespace {

using Forward = dnnl::eltwise_forward;
using Backward = dnnl::eltwise_backward;
constexpr const char* no_such_constants = "no activation with these constants";

Forward::primitive_desc forward_desc(const Runtime& runtime, dnnl::algorithm algorithm, float alpha, const Desc& x) {
  const Forward::desc desc(dnnl::prop_kind::forward_training, algorithm, x, alpha);
  return {desc, user_scratchpad(), runtime.engine()};
}

KernelAnswer make_activation(const KernelRequest& request, Backend& backend) {
  const auto eltwise = eltwise_of(request.node.as<ActivationOp>()->activation);
  if (!eltwise) return no_such_constants;
  const RuntimePtr& runtime = runtime_of(backend);
  Planner plan(request, runtime);
  const Desc x = plan.incoming(0);
  const auto pd = forward_desc(*runtime, eltwise->forward, eltwise->alpha, x);
  plan.step<Forward>(pd, {{DNNL_ARG_SRC, in(0), x}, {DNNL_ARG_DST, out(0), x}});
  plan.in_place(0, 0);
  return plan.finish(pd.impl_info_str());
}

KernelAnswer make_activation_backward(const KernelRequest& request, Backend& backend) {
  const auto eltwise = eltwise_of(request.node.as<ActivationBackward>()->activation);
  if (!eltwise) return no_such_constants;
  const RuntimePtr& runtime = runtime_of(backend);
  Planner plan(request, runtime);
  const Desc x = plan.incoming_order();
  const auto hint = forward_desc(*runtime, eltwise->backward, eltwise->alpha, x);
  const Backward::desc desc(eltwise->backward, x, x, eltwise->alpha);
  const Backward::primitive_desc pd(desc, user_scratchpad(), runtime->engine(), hint);
  plan.step<Backward>(pd, {{DNNL_ARG_DIFF_DST, in(0), x}, {DNNL_ARG_DST, in(1), x}, {DNNL_ARG_DIFF_SRC, out(0), x}});
  plan.in_place(0, 0);
  return plan.finish(pd.impl_info_str());
}

}  // namespace
}  // namespace onednn

std::span<const KernelEntry> onednn_kernels_in_activation() {
  static constexpr std::array<KernelEntry, 2> table = {{
      {"activation", "onednn eltwise", 10, onednn::make_activation},
      {"activation_backward", "onednn eltwise", 10, onednn::make_activation_backward},
  }};
  return table;
}

}  // namespace ocellus

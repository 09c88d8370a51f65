#include <ocellus/ops/softmax.h>

#include <array>

#include "backend/onednn/onednn_backend.h"

namespace ocellus {
namespace onednn {
namespace {

using Forward = dnnl::softmax_v2_forward;
using Backward = dnnl::softmax_v2_backward;
constexpr int channels = 1;

dnnl::algorithm algorithm_of(bool log) {
  return log ? dnnl::algorithm::softmax_log : dnnl::algorithm::softmax_accurate;
}

Forward::primitive_desc forward_desc(const Runtime& runtime, bool log, const Desc& x) {
  const Forward::desc desc(dnnl::prop_kind::forward_training, algorithm_of(log), x, x, channels);
  return {desc, user_scratchpad(), runtime.engine()};
}

KernelAnswer make_softmax(const KernelRequest& request, Backend& backend) {
  const RuntimePtr& runtime = runtime_of(backend);
  Planner plan(request, runtime);
  const Desc x = plan.incoming(0);
  const auto pd = forward_desc(*runtime, request.node.as<Softmax>()->log, x);
  plan.step<Forward>(pd, {{DNNL_ARG_SRC, in(0), x}, {DNNL_ARG_DST, out(0), x}});
  plan.in_place(0, 0);
  return plan.finish(pd.impl_info_str());
}

KernelAnswer make_softmax_backward(const KernelRequest& request, Backend& backend) {
  const bool log = request.node.as<SoftmaxBackward>()->log;
  const RuntimePtr& runtime = runtime_of(backend);
  Planner plan(request, runtime);
  const Desc x = plan.incoming_order();
  const Backward::desc desc(algorithm_of(log), x, x, x, channels);
  const Backward::primitive_desc pd(desc, user_scratchpad(), runtime->engine(), forward_desc(*runtime, log, x));
  plan.step<Backward>(pd, {{DNNL_ARG_DIFF_DST, in(0), x}, {DNNL_ARG_DST, in(1), x}, {DNNL_ARG_DIFF_SRC, out(0), x}});
  return plan.finish(pd.impl_info_str());
}

}  // namespace
}  // namespace onednn

std::span<const KernelEntry> onednn_kernels_in_softmax() {
  static constexpr std::array<KernelEntry, 2> table = {{
      {"softmax", "onednn softmax", 10, onednn::make_softmax},
      {"softmax_backward", "onednn softmax", 10, onednn::make_softmax_backward},
  }};
  return table;
}

}  // namespace ocellus

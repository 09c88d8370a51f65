#include <array>

#include <ocellus/ops/channel_norm.h>

#include "backend/onednn/onednn_backend.h"

namespace ocellus {
namespace onednn {
namespace {

using Forward = dnnl::lrn_forward;
using Backward = dnnl::lrn_backward;
constexpr auto across = dnnl::algorithm::lrn_across_channels;

/// The library always divides alpha by the size.
template <class Op>
float alpha_of(const Op& op) {
  return static_cast<float>(op.divide_alpha ? op.alpha : op.alpha * static_cast<double>(op.size));
}

template <class Op>
Forward::primitive_desc forward_desc(const Runtime& runtime, const Op& op, const Desc& x, dnnl::prop_kind kind) {
  const Forward::desc desc(kind, across, x, op.size, alpha_of(op), static_cast<float>(op.beta),
                           static_cast<float>(op.k));
  return {desc, user_scratchpad(), runtime.engine()};
}

/// The library accepts more dimensions, and then looks at some elements only (2.6.3).
bool has_too_many_dimensions(const KernelRequest& request) { return request.node.types()[0].shape.rank() > 5; }
constexpr const char* too_many_dimensions = "for at most three spatial dimensions";

KernelAnswer make_lrn(const KernelRequest& request, Backend& backend) {
  if (has_too_many_dimensions(request)) return too_many_dimensions;
  const RuntimePtr& runtime = runtime_of(backend);
  Planner plan(request, runtime);
  const Desc x = plan.incoming(0);
  const auto pd = forward_desc(*runtime, *request.node.as<LocalResponseNorm>(), x, dnnl::prop_kind::forward_inference);
  plan.step<Forward>(pd, {{DNNL_ARG_SRC, in(0), x}, {DNNL_ARG_DST, out(0), pd.dst_desc()}});
  return plan.finish(pd.impl_info_str());
}

/// The library's backward pass wants what its forward pass in training notes down. It is computed here once more: the forward
/// operator keeps nothing but x, and is cheap.
KernelAnswer make_lrn_backward(const KernelRequest& request, Backend& backend) {
  if (has_too_many_dimensions(request)) return too_many_dimensions;
  const auto& op = *request.node.as<LocalResponseNormBackward>();
  const RuntimePtr& runtime = runtime_of(backend);
  Planner plan(request, runtime);
  const Desc x = plan.incoming_order();
  const auto forward = forward_desc(*runtime, op, x, dnnl::prop_kind::forward_training);
  const Backward::desc desc(across, x, x, op.size, alpha_of(op), static_cast<float>(op.beta), static_cast<float>(op.k));
  const Backward::primitive_desc pd(desc, user_scratchpad(), runtime->engine(), forward);
  std::vector<Arg> args = {{DNNL_ARG_SRC, in(1), x}, {DNNL_ARG_DIFF_DST, in(0), x}, {DNNL_ARG_DIFF_SRC, out(0), x}};
  if (const Desc notes = forward.workspace_desc(); notes.get_size() > 0) {
    const Arg kept{DNNL_ARG_WORKSPACE, plan.temporary(notes), notes};
    const Desc y = forward.dst_desc();
    plan.step<Forward>(forward, {{DNNL_ARG_SRC, in(1), x}, {DNNL_ARG_DST, plan.temporary(y), y}, kept});
    args.push_back(kept);
  }
  plan.step<Backward>(pd, std::move(args));
  return plan.finish(pd.impl_info_str());
}

}  // namespace
}  // namespace onednn

std::span<const KernelEntry> onednn_kernels_in_local_response_norm() {
  static constexpr std::array<KernelEntry, 2> table = {{
      {"local_response_norm", "onednn lrn", 10, onednn::make_lrn},
      {"local_response_norm_backward", "onednn lrn", 10, onednn::make_lrn_backward},
  }};
  return table;
}

}  // namespace ocellus

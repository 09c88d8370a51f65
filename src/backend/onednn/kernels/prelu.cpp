// Leaky relu with a learned slope, where values lie in blocks of channels or channels last. The library is fast there
// if the slopes fill whole blocks, and has nothing but plain code elsewhere; in plain order our own loops
// (simd/prelu.cpp) serve.

#include <ocellus/ops/prelu.h>

#include <array>
#include <string_view>

#include "backend/onednn/onednn_backend.h"

namespace ocellus {
namespace onednn {
namespace {

using Forward = dnnl::prelu_forward;
using Backward = dnnl::prelu_backward;

/// The slopes of x's channels as the library broadcasts them, in the order that it prefers.
Desc slopes(const Desc& x) {
  Dims dims = x.dims();
  for (size_t i = 0; i < dims.size(); ++i)
    if (i != 1) dims[i] = 1;
  return {dims, dnnl::memory::data_type::f32, dnnl::memory::format_tag::any};
}

/// Why this is not for the library, or "". Input `i` is x, and the slopes follow it.
std::string refusal(const KernelRequest& request, size_t i) {
  if (request.node.inputs()[i + 1].shape().rank() == 0) return "one slope for all is slow in the library";
  if (!request.inputs[i] && request.node.inputs()[i].dtype() == DType::f32)
    return "values in plain order are for our own loop";
  return "";
}

/// Whether the library has compiled code, for slopes that lie as ours do.
template <class Pd>
bool is_fast(const Pd& pd) {
  const Desc weights = pd.weights_desc();
  return std::string_view(pd.impl_info_str()).starts_with("jit") &&
         weights.get_size() == static_cast<size_t>(weights.dims()[1]) * sizeof(float);
}
constexpr const char* slow = "no fast code for this order and number of channels";

Forward::primitive_desc forward_desc(const Runtime& runtime, const Desc& x) {
  const Forward::desc desc(dnnl::prop_kind::forward_training, x, slopes(x));
  return {desc, user_scratchpad(), runtime.engine()};
}

KernelAnswer make_prelu(const KernelRequest& request, Backend& backend) {
  if (auto why = refusal(request, 0); !why.empty()) return why;
  const RuntimePtr& runtime = runtime_of(backend);
  Planner plan(request, runtime);
  const Desc x = plan.incoming(0);
  const auto pd = forward_desc(*runtime, x);
  if (!is_fast(pd)) return slow;
  plan.step<Forward>(
      pd, {{DNNL_ARG_SRC, in(0), x}, {DNNL_ARG_WEIGHTS, in(1), pd.weights_desc()}, {DNNL_ARG_DST, out(0), x}});
  plan.in_place(0, 0);
  return plan.finish(pd.impl_info_str());
}

KernelAnswer make_prelu_backward(const KernelRequest& request, Backend& backend) {
  if (auto why = refusal(request, 1); !why.empty()) return why;
  const RuntimePtr& runtime = runtime_of(backend);
  Planner plan(request, runtime);
  const Desc x = plan.incoming(1);
  const auto hint = forward_desc(*runtime, x);
  const Backward::desc desc(x, hint.weights_desc(), x, hint.weights_desc());
  const Backward::primitive_desc pd(desc, user_scratchpad(), runtime->engine(), hint);
  if (!is_fast(pd)) return slow;
  plan.step<Backward>(pd, {{DNNL_ARG_DIFF_DST, in(0), x},
                           {DNNL_ARG_SRC, in(1), x},
                           {DNNL_ARG_WEIGHTS, in(2), pd.weights_desc()},
                           {DNNL_ARG_DIFF_SRC, out(0), x},
                           {DNNL_ARG_DIFF_WEIGHTS, out(1), pd.diff_weights_desc()}});
  return plan.finish(pd.impl_info_str());
}

}  // namespace
}  // namespace onednn

std::span<const KernelEntry> onednn_kernels_in_prelu() {
  // Asked before our own loops, which take any order by having values put into plain order.
  static constexpr std::array<KernelEntry, 2> table = {{
      {"prelu", "onednn prelu", -10, onednn::make_prelu},
      {"prelu_backward", "onednn prelu", -10, onednn::make_prelu_backward},
  }};
  return table;
}

}  // namespace ocellus

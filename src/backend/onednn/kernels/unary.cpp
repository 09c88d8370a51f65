// Powers, the one element-wise function that our own loops (simd/unary.cpp) leave to the library. The slope of x^p is
// p x^(p-1), a power with a factor, and a product with dy follows: the library's own backward algorithm divides x^p by
// x, which gives 0, infinity or NaN at the ends of the range.

#include <ocellus/ops/unary.h>

#include <array>

#include "backend/onednn/onednn_backend.h"

namespace ocellus {
namespace onednn {
namespace {

using Eltwise = dnnl::eltwise_forward;

/// factor * x^exponent.
Eltwise::primitive_desc power(const Runtime& runtime, double factor, double exponent, const Desc& x) {
  const Eltwise::desc desc(dnnl::prop_kind::forward_inference, dnnl::algorithm::eltwise_pow, x,
                           static_cast<float>(factor), static_cast<float>(exponent));
  return {desc, user_scratchpad(), runtime.engine()};
}

KernelAnswer make_unary(const KernelRequest& request, Backend& backend) {
  const Function& f = request.node.as<Unary>()->function;
  if (f.kind != UnaryKind::pow) return "only for powers";
  const RuntimePtr& runtime = runtime_of(backend);
  Planner plan(request, runtime);
  const Desc x = f.alpha > 0 ? plan.incoming(0) : plan.plain_input(0);  // 0^p is not 0, and padding must be
  const auto pd = power(*runtime, 1, f.alpha, x);
  plan.step<Eltwise>(pd, {{DNNL_ARG_SRC, in(0), x}, {DNNL_ARG_DST, out(0), x}});
  plan.in_place(0, 0);
  return plan.finish(pd.impl_info_str());
}

KernelAnswer make_unary_backward(const KernelRequest& request, Backend& backend) {
  const Function& f = request.node.as<UnaryBackward>()->function;
  if (f.kind != UnaryKind::pow) return "only for powers";
  if (f.alpha == 0) return "the slope of x^0 is 0 also where 1 / x is not finite";
  const RuntimePtr& runtime = runtime_of(backend);
  Planner plan(request, runtime);
  const Desc x = f.alpha > 1 ? plan.incoming_order() : plan.plain_input(1);
  const auto pd = power(*runtime, f.alpha, f.alpha - 1, x);
  plan.step<Eltwise>(pd, {{DNNL_ARG_SRC, in(1), x}, {DNNL_ARG_DST, out(0), x}});
  const dnnl::binary::desc product(dnnl::algorithm::binary_mul, x, x, x);
  const dnnl::binary::primitive_desc product_pd(product, user_scratchpad(), runtime->engine());
  plan.step<dnnl::binary>(product_pd,
                          {{DNNL_ARG_SRC_0, out(0), x}, {DNNL_ARG_SRC_1, in(0), x}, {DNNL_ARG_DST, out(0), x}});
  plan.in_place(0, 1);
  return plan.finish(pd.impl_info_str());
}

}  // namespace
}  // namespace onednn

std::span<const KernelEntry> onednn_kernels_in_unary() {
  static constexpr std::array<KernelEntry, 2> table = {{
      {"unary", "onednn eltwise", 10, onednn::make_unary},
      {"unary_backward", "onednn eltwise", 10, onednn::make_unary_backward},
  }};
  return table;
}

}  // namespace ocellus

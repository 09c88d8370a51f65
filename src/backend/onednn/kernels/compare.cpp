// Comparisons, whose results are bytes of 0 and 1. The library's "greater" is "not less or equal", which a NaN would pass;
// so a greater than b is asked as b less than a.
#include <ocellus/ops/select.h>

#include <algorithm>

#include "backend/onednn/onednn_backend.h"

namespace ocellus {
namespace onednn {
namespace {

struct Comparison {
  dnnl::algorithm algorithm;
  bool swapped;
};

Comparison comparison_of(CompareKind kind) {
  switch (kind) {
    case CompareKind::equal: return {dnnl::algorithm::binary_eq, false};
    case CompareKind::not_equal: return {dnnl::algorithm::binary_ne, false};
    case CompareKind::less: return {dnnl::algorithm::binary_lt, false};
    case CompareKind::less_equal: return {dnnl::algorithm::binary_le, false};
    case CompareKind::greater: return {dnnl::algorithm::binary_lt, true};
    case CompareKind::greater_equal: return {dnnl::algorithm::binary_le, true};
  }
  return {dnnl::algorithm::undef, false};
}

KernelAnswer make_compare(const KernelRequest& request, Backend& backend) {
  const auto& inputs = request.node.inputs();
  if (inputs[0].dtype() != DType::f32) return "compares f32";
  const RuntimePtr& runtime = runtime_of(backend);
  const Shape& shape = request.node.types()[0].shape;
  const size_t rank = std::max<size_t>(shape.rank(), 1);
  const auto [algorithm, swapped] = comparison_of(request.node.as<Compare>()->kind);
  const size_t first = swapped ? 1 : 0, second = 1 - first;
  const Desc a = row_major(inputs[first].type(), rank), b = row_major(inputs[second].type(), rank);
  const Desc z = row_major({DType::u8, shape}, rank);  // a boolean is a byte
  Planner plan(request, runtime);
  const dnnl::binary::primitive_desc pd(dnnl::binary::desc(algorithm, a, b, z), user_scratchpad(), runtime->engine());
  const std::string implementation = pd.impl_info_str();
  if (implementation.starts_with("ref")) return "the library has no fast kernel for these shapes";
  plan.step<dnnl::binary>(pd,
                          {{DNNL_ARG_SRC_0, in(first), a}, {DNNL_ARG_SRC_1, in(second), b}, {DNNL_ARG_DST, out(0), z}});
  return plan.finish(implementation);
}

}  // namespace
}  // namespace onednn

std::span<const KernelEntry> onednn_kernels_in_compare() {
  static const KernelEntry table[] = {{"compare", "onednn binary", 10, onednn::make_compare}};
  return table;
}

}  // namespace ocellus

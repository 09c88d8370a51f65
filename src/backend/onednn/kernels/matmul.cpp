// Matrix products. A transposed factor is described by its strides, so nothing is moved; factors with fewer dimensions
// in front get ones there, as the library wants equal ranks.
#include <ocellus/ops/matmul.h>

#include <utility>

#include "backend/onednn/onednn_backend.h"

namespace ocellus {
namespace onednn {
namespace {

/// A plain value of `rank` dimensions, the last two seen the other way round if `transposed`.
Desc factor(const TensorType& type, size_t rank, bool transposed) {
  const Desc plain = row_major(type, rank);
  if (!transposed) return plain;
  Dims dims(plain.data.dims, plain.data.dims + rank);
  Dims strides(plain.data.format_desc.blocking.strides, plain.data.format_desc.blocking.strides + rank);
  std::swap(dims[rank - 1], dims[rank - 2]);
  std::swap(strides[rank - 1], strides[rank - 2]);
  return {dims, plain.data_type(), strides};
}

KernelAnswer make_matmul(const KernelRequest& request, Backend& backend) {
  const auto& op = *request.node.as<MatMul>();
  const auto& inputs = request.node.inputs();
  const RuntimePtr& runtime = runtime_of(backend);
  const size_t rank = request.node.types()[0].shape.rank();
  const Desc a = factor(inputs[0].type(), rank, op.transpose_a), b = factor(inputs[1].type(), rank, op.transpose_b);
  Planner plan(request, runtime);
  const Desc y = plan.plain_output(0);
  const dnnl::matmul::primitive_desc pd(dnnl::matmul::desc(a, b, y), user_scratchpad(), runtime->engine());
  plan.step<dnnl::matmul>(pd, {{DNNL_ARG_SRC, in(0), a}, {DNNL_ARG_WEIGHTS, in(1), b}, {DNNL_ARG_DST, out(0), y}});
  KernelPlan result = plan.finish(pd.impl_info_str());
  result.inputs.assign(2, nullptr);  // plain: their descriptors are views of it
  return result;
}

}  // namespace
}  // namespace onednn

std::span<const KernelEntry> onednn_kernels_in_matmul() {
  static const KernelEntry table[] = {{"matmul", "onednn matmul", 10, onednn::make_matmul}};
  return table;
}

}  // namespace ocellus

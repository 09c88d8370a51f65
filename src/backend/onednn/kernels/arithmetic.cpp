// Sums, products and reductions. Shapes that broadcast get ones in front, as the library wants equal ranks.
#include <algorithm>
#include <array>

#include <ocellus/graph/parameter.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>

#include "backend/onednn/attributes.h"
#include "backend/onednn/onednn_backend.h"

namespace ocellus {
namespace onednn {
namespace {

dnnl::algorithm algorithm_of(BinaryKind kind) {
  switch (kind) {
    case BinaryKind::add: return dnnl::algorithm::binary_add;
    case BinaryKind::sub: return dnnl::algorithm::binary_sub;
    case BinaryKind::mul: return dnnl::algorithm::binary_mul;
    case BinaryKind::div: return dnnl::algorithm::binary_div;
    case BinaryKind::max: return dnnl::algorithm::binary_max;
    case BinaryKind::min: return dnnl::algorithm::binary_min;
  }
  return dnnl::algorithm::undef;
}

/// The library's name of a reduction, and the power of its norms.
std::pair<dnnl::algorithm, float> algorithm_of(ReduceKind kind) {
  switch (kind) {
    case ReduceKind::sum: return {dnnl::algorithm::reduction_sum, 0.0f};
    case ReduceKind::mean: return {dnnl::algorithm::reduction_mean, 0.0f};
    case ReduceKind::max: return {dnnl::algorithm::reduction_max, 0.0f};
    case ReduceKind::min: return {dnnl::algorithm::reduction_min, 0.0f};
    case ReduceKind::product: return {dnnl::algorithm::reduction_mul, 0.0f};
    case ReduceKind::l1: return {dnnl::algorithm::reduction_norm_lp_sum, 1.0f};
    case ReduceKind::l2: return {dnnl::algorithm::reduction_norm_lp_sum, 2.0f};
  }
  return {dnnl::algorithm::undef, 0.0f};
}

/// Whether a value has one number for each of several channels of `result`, and as many dimensions. A single number is not one:
/// in blocks of channels the library would add it to some positions only (2.6.3).
bool is_per_channel(const Shape& shape, const Shape& result) {
  return shape.rank() == result.rank() && shape.rank() > 2 && shape[1] == result[1] && shape[1] > 1 &&
         shape.numel() == shape[1];
}

/// A row-major descriptor with ones in front up to `rank` dimensions.
Desc with_ones(const TensorType& type, size_t rank) {
  Dims dims(std::max<size_t>(rank, 1) - type.shape.rank(), 1);
  dims.insert(dims.end(), type.shape.begin(), type.shape.end());
  return row_major(dims, data_type(type.dtype));
}

/// An activation of output 0 as a step of its own, if the library has it as one.
void activate(Planner& plan, const Runtime& runtime, const Eltwise& eltwise, const Desc& z) {
  const dnnl::eltwise_forward::desc desc(dnnl::prop_kind::forward_inference, eltwise.forward, z, eltwise.alpha, 0);
  const dnnl::eltwise_forward::primitive_desc pd(desc, user_scratchpad(), runtime.engine());
  plan.step<dnnl::eltwise_forward>(pd, {{DNNL_ARG_SRC, out(0), z}, {DNNL_ARG_DST, out(0), z}});
}

/// Whether values lie in blocks of fewer channels than the library's vectors have lanes. There its sums with an activation
/// write past the end (2.6.3).
bool in_small_blocks(const Desc& z) {
  const auto& blocking = z.data.format_desc.blocking;
  return blocking.inner_nblks > 0 && blocking.inner_blks[0] < 16;
}

/// Numbers per channel get the order of the other side: in plain order the library would take blocks of channels element
/// by element. On blocks that are not full it then forgets an activation (2.6.3), which becomes a step of its own.
KernelAnswer plan_binary(const KernelRequest& request, const RuntimePtr& runtime, BinaryKind kind,
                         const Activation& activation) {
  const TensorType& result = request.node.types()[0];
  Planner plan(request, runtime);
  const Desc z = plan.incoming_order();
  const bool apart = activation && (in_small_blocks(z) || z.get_size() != bytes_of(result));
  const auto eltwise = eltwise_of(activation);
  if (apart && !eltwise) return "blocks of channels that are small or not full take no activation made of several";
  std::array<Desc, 2> sides;
  for (size_t i = 0; i < 2; ++i) {
    const TensorType& type = request.node.inputs()[i].type();
    sides[i] = type.shape == result.shape                 ? z
               : is_per_channel(type.shape, result.shape) ? like(z, Dims(type.shape.begin(), type.shape.end()))
                                                          : with_ones(type, result.shape.rank());
  }
  const dnnl::binary::desc desc(algorithm_of(kind), sides[0], sides[1], z);
  const dnnl::binary::primitive_desc pd(desc, apart ? user_scratchpad() : followed_by(activation), runtime->engine());
  plan.step<dnnl::binary>(
      pd, {{DNNL_ARG_SRC_0, in(0), sides[0]}, {DNNL_ARG_SRC_1, in(1), sides[1]}, {DNNL_ARG_DST, out(0), z}});
  if (apart) activate(plan, *runtime, *eltwise, z);
  if (request.node.inputs()[0].type() == result) plan.in_place(0, 0);
  return plan.finish(pd.impl_info_str());
}

KernelAnswer make_binary(const KernelRequest& request, Backend& backend) {
  const auto& op = *request.node.as<Binary>();
  return plan_binary(request, runtime_of(backend), op.kind, op.activation);
}

KernelAnswer make_add_n(const KernelRequest& request, Backend& backend) {
  const RuntimePtr& runtime = runtime_of(backend);
  const size_t count = request.node.inputs().size();
  if (count == 2) return plan_binary(request, runtime, BinaryKind::add, {});
  Planner plan(request, runtime);
  const Desc y = plan.incoming_order();
  const dnnl::sum::primitive_desc pd(y, std::vector<float>(count, 1.0f), std::vector<Desc>(count, y), runtime->engine(),
                                     user_scratchpad());
  std::vector<Arg> args = {{DNNL_ARG_DST, out(0), y}};
  for (size_t i = 0; i < count; ++i) args.push_back({DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), in(i), y});
  plan.step<dnnl::sum>(pd, std::move(args));
  return plan.finish(pd.impl_info_str());
}

KernelAnswer make_reduce(const KernelRequest& request, Backend& backend) {
  const auto& op = *request.node.as<Reduce>();
  const RuntimePtr& runtime = runtime_of(backend);
  Planner plan(request, runtime);
  const Desc x = plan.incoming(0);
  Dims kept(x.data.dims, x.data.dims + x.data.ndims);
  for (size_t i = 0; i < kept.size(); ++i)
    if (op.axes.empty() || std::ranges::find(op.axes, static_cast<int64_t>(i)) != op.axes.end()) kept[i] = 1;
  const Desc y = row_major(kept, x.data_type());
  const auto [algorithm, power] = algorithm_of(op.kind);
  const dnnl::reduction::desc desc(algorithm, x, y, power, 0);
  const dnnl::reduction::primitive_desc pd(desc, user_scratchpad(), runtime->engine());
  plan.step<dnnl::reduction>(pd, {{DNNL_ARG_SRC, in(0), x}, {DNNL_ARG_DST, out(0), y}});
  return plan.finish(pd.impl_info_str());
}

}  // namespace
}  // namespace onednn

std::span<const KernelEntry> onednn_kernels_in_arithmetic() {
  static constexpr std::array<KernelEntry, 3> table = {{
      {"binary", "onednn binary", 10, onednn::make_binary},
      {"add_n", "onednn sum", 10, onednn::make_add_n},
      {"reduce", "onednn reduction", 10, onednn::make_reduce},
  }};
  return table;
}

}  // namespace ocellus

// Operators that only move elements: concatenation, and what is a reorder between differently described memory.
#include <ocellus/ops/cast.h>
#include <ocellus/ops/shape.h>

#include <algorithm>
#include <array>

#include "backend/onednn/onednn_backend.h"

namespace ocellus {
namespace onednn {
namespace {

Dims dims_of(const TensorType& type) { return {type.shape.begin(), type.shape.end()}; }

/// The order of the first input that is not plain, if the library can join values in it, or else plain order.
KernelAnswer make_concat(const KernelRequest& request, Backend& backend) {
  const auto& inputs = request.node.inputs();
  const auto axis = static_cast<int>(request.node.as<Concat>()->axis);
  const TensorType& result = request.node.types()[0];
  const RuntimePtr& runtime = runtime_of(backend);
  const auto ordered = std::ranges::find_if(request.inputs, [](const LayoutPtr& l) { return l != nullptr; });
  const auto in_order_of = [&](const Desc& order) {
    Planner plan(request, runtime);
    std::vector<Desc> parts;
    for (const Value& v : inputs) parts.push_back(like(order, dims_of(v.type())));
    const Desc y = like(order, dims_of(result));
    const dnnl::concat::primitive_desc pd(y, axis, parts, runtime->engine(), user_scratchpad());
    std::vector<Arg> args = {{DNNL_ARG_DST, out(0), y}};
    for (size_t i = 0; i < parts.size(); ++i)
      args.push_back({DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), in(i), parts[i]});
    plan.step<dnnl::concat>(pd, std::move(args));
    return plan.finish(pd.impl_info_str());
  };
  if (ordered != request.inputs.end()) {
    const size_t i = ordered - request.inputs.begin();
    try {
      return in_order_of(desc_of(*ordered, inputs[i].type()));
    } catch (const dnnl::error&) {  // the parts don't end at a block
    }
  }
  return in_order_of(row_major(inputs[0].type()));
}

KernelPlan plan_reorder(const KernelRequest& request, const RuntimePtr& runtime, const Desc& whole, const Desc& from,
                        const Desc& to) {
  Planner plan(request, runtime);
  const dnnl::reorder::primitive_desc pd(runtime->engine(), from, runtime->engine(), to, user_scratchpad());
  plan.step<dnnl::reorder>(pd, {{DNNL_ARG_FROM, in(0), from}, {DNNL_ARG_TO, out(0), to}});
  KernelPlan result = plan.finish(pd.impl_info_str());
  result.inputs[0] = layout_of(runtime, whole);
  return result;
}

KernelAnswer make_transpose(const KernelRequest& request, Backend& backend) {
  const auto& op = *request.node.as<Transpose>();
  const RuntimePtr& runtime = runtime_of(backend);
  const Desc x = desc_of(request.inputs[0], request.node.inputs()[0].type()), y = row_major(request.node.types()[0]);
  std::vector<int> place(op.perm.size());  // where each of the input's dimensions goes
  for (size_t i = 0; i < op.perm.size(); ++i) place[op.perm[i]] = static_cast<int>(i);
  return plan_reorder(request, runtime, x, x.permute_axes(place), y);
}

/// A part of the input that is made of whole blocks keeps the input's order; any other is cut from plain order.
KernelAnswer make_slice(const KernelRequest& request, Backend& backend) {
  const auto& op = *request.node.as<Slice>();
  if (std::ranges::any_of(op.step, [](int64_t s) { return s != 1; })) return "a step other than 1";
  const RuntimePtr& runtime = runtime_of(backend);
  const Dims dims = dims_of(request.node.types()[0]);
  const auto from_order = [&](const Desc& x) {
    return plan_reorder(request, runtime, x, x.submemory_desc(dims, op.begin), like(x, dims));
  };
  const TensorType& type = request.node.inputs()[0].type();
  try {
    return from_order(desc_of(request.inputs[0], type));
  } catch (const dnnl::error&) {
    return from_order(row_major(type));
  }
}

/// The order that arrives, with elements of the other type.
KernelAnswer make_cast(const KernelRequest& request, Backend& backend) {
  const DType from = request.node.inputs()[0].dtype(), to = request.node.types()[0].dtype;
  const auto real = [](DType d) { return d == DType::f32 || d == DType::bf16; };
  const bool widens = (from == DType::i8 || from == DType::u8) && to == DType::f32;
  if (!widens && (!real(from) || !real(to))) return "casts between f32 and bf16, and of bytes to f32";
  const Desc x = desc_of(request.inputs[0], request.node.inputs()[0].type());
  Desc y = x;
  y.data.data_type = static_cast<dnnl_data_type_t>(data_type(to));
  return plan_reorder(request, runtime_of(backend), x, x, y);
}

}  // namespace
}  // namespace onednn

std::span<const KernelEntry> onednn_kernels_in_movement() {
  static constexpr std::array<KernelEntry, 4> table = {{
      {"cast", "onednn reorder", 10, onednn::make_cast},
      {"concat", "onednn concat", 10, onednn::make_concat},
      {"transpose", "onednn reorder", 10, onednn::make_transpose},
      {"slice", "onednn reorder", 10, onednn::make_slice},
  }};
  return table;
}

}  // namespace ocellus

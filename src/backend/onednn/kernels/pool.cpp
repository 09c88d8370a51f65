#include <ocellus/ops/pool.h>

#include <array>

#include "backend/onednn/attributes.h"
#include "backend/onednn/onednn_backend.h"
#include "ops/support/bins.h"

namespace ocellus {
namespace onednn {
namespace {

using algorithm = dnnl::algorithm;
using Forward = dnnl::pooling_v2_forward;
using Backward = dnnl::pooling_v2_backward;

struct Pooling {
  algorithm kind;
  WindowDims window;
};

Forward::primitive_desc forward_desc(const Runtime& runtime, const Pooling& p, const Desc& src, const Desc& dst,
                                     bool training) {
  const auto prop = training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
  const auto& w = p.window;
  const Forward::desc desc(prop, p.kind, src, dst, w.stride, w.kernel, w.dilation, w.pad_begin, w.pad_end);
  return {desc, user_scratchpad(), runtime.engine()};
}

Desc any_order(const TensorType& type) {
  return {Dims(type.shape.begin(), type.shape.end()), data_type(type.dtype), dnnl::memory::format_tag::any};
}

Dims dims_of(const TensorType& type) { return {type.shape.begin(), type.shape.end()}; }

/// The forward primitive for the input as it lies; where the library has only plain loops for that order, for the one that
/// convolutions like, to which a reorder costs far less.
Forward::primitive_desc forward_desc(const KernelRequest& request, const Runtime& runtime, const Pooling& p,
                                     const Desc& incoming, bool training) {
  const TensorType& x = request.node.inputs()[0].type();
  const Desc dst = any_order(request.node.types()[0]);
  auto as_it_lies = forward_desc(runtime, p, incoming, dst, training);
  const std::string_view implementation = as_it_lies.impl_info_str();
  if (!implementation.starts_with("simple") && !implementation.starts_with("ref")) return as_it_lies;
  try {
    const auto ordered =
        forward_desc(runtime, p, activation_order(runtime, dims_of(x), data_type(x.dtype)), dst, training);
    return std::string_view(ordered.impl_info_str()).starts_with("jit") ? ordered : as_it_lies;
  } catch (const dnnl::error&) {
    return as_it_lies;
  }
}

Backward::primitive_desc backward_desc(const Runtime& runtime, const Pooling& p, const Desc& diff_src,
                                       const Desc& diff_dst, const Forward::primitive_desc& hint) {
  const auto& w = p.window;
  const Backward::desc desc(p.kind, diff_src, diff_dst, w.stride, w.kernel, w.dilation, w.pad_begin, w.pad_end);
  return {desc, user_scratchpad(), runtime.engine(), hint};
}

template <class Op>
Pooling max_pooling(const Op& op, std::span<const int64_t> input) {
  return {algorithm::pooling_max, window_dims(place(op.window, input, op.kernel, op.ceil_mode))};
}

/// Padding counts in the library's divisor or does not; it can't tell padding from what a ceiling adds beyond it.
template <class Op>
std::optional<Pooling> average_pooling(const Op& op, std::span<const int64_t> input) {
  const PlacedWindow placed = place(op.window, input, op.kernel, op.ceil_mode);
  if (op.count_include_pad && placed.pad_end != placed.asked_end) return std::nullopt;
  return Pooling{op.count_include_pad ? algorithm::pooling_avg_include_padding : algorithm::pooling_avg_exclude_padding,
                 window_dims(placed)};
}
constexpr const char* ceiling_with_padding = "windows beyond the padding would be counted in the divisor";

Pooling global_pooling(const std::vector<int64_t>& input) {
  const size_t rank = input.size();
  return {algorithm::pooling_avg_exclude_padding, {input, Dims(rank, 1), Dims(rank, 0), Dims(rank, 0), Dims(rank, 0)}};
}

/// Adaptive bins as a window that moves in equal steps, if they are one.
std::optional<WindowDims> equal_bins(const std::vector<int64_t>& input, const std::vector<int64_t>& bins) {
  WindowDims w;
  for (size_t d = 0; d < input.size(); ++d) {
    const detail::Bin first = detail::bin_of(0, input[d], bins[d]);
    const int64_t step = bins[d] > 1 ? detail::bin_of(1, input[d], bins[d]).begin : first.end;
    for (int64_t i = 0; i < bins[d]; ++i) {
      const detail::Bin bin = detail::bin_of(i, input[d], bins[d]);
      if (bin.begin != i * step || bin.end != bin.begin + first.end) return std::nullopt;
    }
    if (step == 0) return std::nullopt;  // more bins than elements
    w.kernel.push_back(first.end);
    w.stride.push_back(step);
  }
  w.dilation = w.pad_begin = w.pad_end = Dims(input.size(), 0);
  return w;
}
constexpr const char* unequal_bins = "for bins of one size in equal steps";

KernelAnswer plan_average(const KernelRequest& request, const RuntimePtr& runtime, const Pooling& pooling) {
  Planner plan(request, runtime);
  const auto pd = forward_desc(request, *runtime, pooling, plan.incoming(0), /*training=*/false);
  plan.step<Forward>(pd, {{DNNL_ARG_SRC, in(0), pd.src_desc()}, {DNNL_ARG_DST, out(0), pd.dst_desc()}});
  return plan.finish(pd.impl_info_str());
}

/// Gradients come back in the order in which they arrive. From a single element per channel that order can't be seen: then
/// it is the one that convolutions like.
KernelAnswer plan_average_backward(const KernelRequest& request, const RuntimePtr& runtime, const Pooling& pooling) {
  Planner plan(request, runtime);
  const TensorType &dy = request.node.inputs()[0].type(), &dx = request.node.types()[0];
  const bool one_element = dy.shape.numel() == dy.shape[0] * dy.shape[1];
  const Desc diff_dst = one_element && !request.inputs[0] ? activation_order(*runtime, dims_of(dy), data_type(dy.dtype))
                                                          : plan.incoming(0);
  const Desc diff_src = like(diff_dst, dims_of(dx));
  const auto hint = forward_desc(*runtime, pooling, diff_src, diff_dst, true);
  const auto pd = backward_desc(*runtime, pooling, diff_src, diff_dst, hint);
  plan.step<Backward>(pd, {{DNNL_ARG_DIFF_DST, in(0), diff_dst}, {DNNL_ARG_DIFF_SRC, out(0), diff_src}});
  return plan.finish(pd.impl_info_str());
}

KernelAnswer plan_max(const KernelRequest& request, const RuntimePtr& runtime, const Pooling& pooling) {
  Planner plan(request, runtime);
  const bool with_positions = request.used[1];
  // Beyond a byte's numbers the library's kernel loses positions in bf16 (2.6.3).
  int64_t elements = 1;
  for (const int64_t size : pooling.window.kernel) elements *= size;
  if (with_positions && elements > 255 && request.node.types()[0].dtype == DType::bf16)
    return "in bf16 positions are right in windows of up to 255 elements";
  const auto pd = forward_desc(request, *runtime, pooling, plan.incoming(0), with_positions);
  std::vector<Arg> args = {{DNNL_ARG_SRC, in(0), pd.src_desc()}, {DNNL_ARG_DST, out(0), pd.dst_desc()}};
  if (with_positions) {
    backward_desc(*runtime, pooling, pd.src_desc(), pd.dst_desc(),
                  pd);  // refuse here, rather than in the backward pass
    plan.workspace(1, std::make_shared<WorkspaceLayout>(pd.workspace_desc(), pd.src_desc(), pd.dst_desc()));
    args.push_back({DNNL_ARG_WORKSPACE, out(1), pd.workspace_desc()});
  }
  plan.step<Forward>(pd, std::move(args));
  return plan.finish(pd.impl_info_str());
}

KernelAnswer plan_max_backward(const KernelRequest& request, const RuntimePtr& runtime, const Pooling& pooling) {
  const auto* workspace = dynamic_cast<const WorkspaceLayout*>(request.inputs[1].get());
  if (!workspace) return "the positions did not come from oneDNN's forward kernel";
  const auto hint = forward_desc(*runtime, pooling, workspace->source(), workspace->result(), true);
  const auto pd = backward_desc(*runtime, pooling, workspace->source(), workspace->result(), hint);
  Planner plan(request, runtime);
  plan.step<Backward>(pd, {{DNNL_ARG_DIFF_DST, in(0), pd.diff_dst_desc()},
                           {DNNL_ARG_WORKSPACE, in(1), workspace->desc()},
                           {DNNL_ARG_DIFF_SRC, out(0), pd.diff_src_desc()}});
  return plan.finish(pd.impl_info_str());
}

KernelAnswer make_max_pool(const KernelRequest& request, Backend& backend) {
  const auto& op = *request.node.as<MaxPool>();
  return plan_max(request, runtime_of(backend), max_pooling(op, spatial(request.node.inputs()[0].shape())));
}

KernelAnswer make_max_pool_backward(const KernelRequest& request, Backend& backend) {
  const auto& op = *request.node.as<MaxPoolBackward>();
  return plan_max_backward(request, runtime_of(backend), max_pooling(op, op.input));
}

/// Adaptive pooling, forward or backward, by the plan for pooling of that kind.
template <algorithm kind, auto plan>
KernelAnswer make_adaptive(const KernelRequest& request, Backend& backend) {
  constexpr bool forward = plan == plan_average || plan == plan_max;
  std::vector<int64_t> x = spatial(request.node.inputs()[0].shape()), y = spatial(request.node.types()[0].shape);
  if (!forward) std::swap(x, y);
  const auto window = equal_bins(x, y);
  if (!window) return unequal_bins;
  return plan(request, runtime_of(backend), {kind, *window});
}

KernelAnswer make_average_pool(const KernelRequest& request, Backend& backend) {
  const auto pooling = average_pooling(*request.node.as<AveragePool>(), spatial(request.node.inputs()[0].shape()));
  if (!pooling) return ceiling_with_padding;
  return plan_average(request, runtime_of(backend), *pooling);
}

KernelAnswer make_average_pool_backward(const KernelRequest& request, Backend& backend) {
  const auto& op = *request.node.as<AveragePoolBackward>();
  const auto pooling = average_pooling(op, op.input);
  if (!pooling) return ceiling_with_padding;
  return plan_average_backward(request, runtime_of(backend), *pooling);
}

KernelAnswer make_global_average_pool(const KernelRequest& request, Backend& backend) {
  return plan_average(request, runtime_of(backend), global_pooling(spatial(request.node.inputs()[0].shape())));
}

KernelAnswer make_global_average_pool_backward(const KernelRequest& request, Backend& backend) {
  const auto& op = *request.node.as<GlobalAveragePoolBackward>();
  return plan_average_backward(request, runtime_of(backend), global_pooling(op.input));
}

}  // namespace
}  // namespace onednn

std::span<const KernelEntry> onednn_kernels_in_pool() {
  using onednn::make_adaptive;
  constexpr auto max = dnnl::algorithm::pooling_max, average = dnnl::algorithm::pooling_avg_exclude_padding;
  static constexpr std::array<KernelEntry, 10> table = {{
      {"max_pool", "onednn pooling", 10, onednn::make_max_pool},
      {"max_pool_backward", "onednn pooling", 10, onednn::make_max_pool_backward},
      {"average_pool", "onednn pooling", 10, onednn::make_average_pool},
      {"average_pool_backward", "onednn pooling", 10, onednn::make_average_pool_backward},
      {"adaptive_max_pool", "onednn pooling", 10, make_adaptive<max, onednn::plan_max>},
      {"adaptive_max_pool_backward", "onednn pooling", 10, make_adaptive<max, onednn::plan_max_backward>},
      {"adaptive_average_pool", "onednn pooling", 10, make_adaptive<average, onednn::plan_average>},
      {"adaptive_average_pool_backward", "onednn pooling", 10, make_adaptive<average, onednn::plan_average_backward>},
      {"global_average_pool", "onednn pooling", 10, onednn::make_global_average_pool},
      {"global_average_pool_backward", "onednn pooling", 10, onednn::make_global_average_pool_backward},
  }};
  return table;
}

}  // namespace ocellus

// Operators that only move elements: concatenation, and what is a reorder between differently described memory.
#include <ocellus/ops/cast.h>
#include <ocellus/ops/shape.h>

#include <algorithm>
#include <array>
#include <cstring>

#include <ocellus/base/threads.h>

#include "backend/onednn/onednn_backend.h"

namespace ocellus {
namespace onednn {
namespace {

Dims dims_of(const TensorType& type) { return {type.shape.begin(), type.shape.end()}; }

/// Where parts of y along an axis begin, in bytes, if each is one piece: nothing is outside of the axis, and parts end at blocks.
std::vector<size_t> pieces(const Desc& y, const std::vector<Desc>& parts, int axis) {
  const auto& blocking = y.data.format_desc.blocking;
  if (y.data.format_kind != dnnl_blocked) return {};
  Dims blocks(y.data.ndims, 1);
  for (int i = 0; i < blocking.inner_nblks; ++i) blocks[blocking.inner_idxs[i]] *= blocking.inner_blks[i];
  for (int d = 0; d < y.data.ndims; ++d)
    if (d != axis && y.data.padded_dims[d] > blocks[d] && blocking.strides[d] >= blocking.strides[axis]) return {};
  std::vector<size_t> offsets;
  int64_t begin = 0;
  for (const Desc& part : parts) {
    if (begin % blocks[axis] != 0) return {};
    const int64_t elements = begin / blocks[axis] * blocking.strides[axis];
    offsets.push_back(static_cast<size_t>(elements) * dnnl::memory::data_type_size(y.data_type()));
    begin += part.data.dims[axis];
  }
  return offsets;
}

/// Copies parts to where they belong, but for those that are there already.
class JoinKernel final : public Kernel {
 public:
  JoinKernel(std::vector<size_t> offsets, std::vector<size_t> bytes)
      : offsets_(std::move(offsets)), bytes_(std::move(bytes)) {}

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    copies_.clear();
    for (size_t i = 0; i < inputs.size(); ++i) {
      auto* to = static_cast<std::byte*>(outputs[0]) + offsets_[i];
      if (to != inputs[i]) copies_.push_back({static_cast<const std::byte*>(inputs[i]), to, bytes_[i]});
    }
  }
  void run() override {
    constexpr int64_t grain = 64 << 10;
    for (const Copy& c : copies_)
      parallel_for(static_cast<int64_t>(c.bytes), grain,
                   [&](int64_t begin, int64_t end) { std::memcpy(c.to + begin, c.from + begin, end - begin); });
  }

 private:
  struct Copy {
    const std::byte* from;
    std::byte* to;
    size_t bytes;
  };
  std::vector<size_t> offsets_, bytes_;
  std::vector<Copy> copies_;
};

KernelPlan plan_join(const RuntimePtr& runtime, const Desc& y, const std::vector<Desc>& parts,
                     std::vector<size_t> offsets) {
  KernelPlan plan;
  plan.name = "copy";
  plan.parts = offsets;
  std::vector<size_t> bytes;
  for (const Desc& part : parts) {
    plan.inputs.push_back(layout_of(runtime, part));
    bytes.push_back(part.get_size());
  }
  plan.outputs = {layout_of(runtime, y)};
  plan.kernel = std::make_unique<JoinKernel>(std::move(offsets), std::move(bytes));
  return plan;
}

/// The order of the first input that is not plain, if the library can join values in it, or else plain order.
KernelAnswer make_concat(const KernelRequest& request, Backend& backend) {
  const auto& inputs = request.node.inputs();
  const auto axis = static_cast<int>(request.node.as<Concat>()->axis);
  const TensorType& result = request.node.types()[0];
  const RuntimePtr& runtime = runtime_of(backend);
  const auto ordered = std::ranges::find_if(request.inputs, [](const LayoutPtr& l) { return l != nullptr; });
  const auto in_order_of = [&](const Desc& order) -> KernelPlan {
    Planner plan(request, runtime);
    std::vector<Desc> parts;
    for (const Value& v : inputs) parts.push_back(like(order, dims_of(v.type())));
    const Desc y = like(order, dims_of(result));
    if (auto offsets = pieces(y, parts, axis); !offsets.empty())
      return plan_join(runtime, y, parts, std::move(offsets));
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

// Max pooling of plain planes with windows of 2x2 and stride 2: behind convolutions of few channels, which are plain.

#include <algorithm>

#include <ocellus/base/threads.h>
#include <ocellus/ops/pool.h>

#include "backend/simd/flat_kernel.h"
#include "backend/simd/loops/max_pool.h"

namespace ocellus {
namespace {

/// The planes of one pooling, or why the loops don't take it. `x`: the forward operator's input.
template <class Op>
std::variant<simd::HalvedPlane, std::string> halved(const Op& op, std::span<const int64_t> x, const LayoutPtr& layout) {
  if (layout) return "for plain layout";
  if (x.size() != 2) return "for 2-D pooling";
  const PlacedWindow p = place(op.window, x, op.kernel, op.ceil_mode);
  const auto all = [](const std::vector<int64_t>& list, int64_t value) { return std::ranges::count(list, value) == 2; };
  if (!all(p.kernel, 2) || !all(p.stride, 2) || !all(p.dilation, 1) || !all(p.pad_begin, 0) || !all(p.pad_end, 0))
    return "for windows of 2x2 with stride 2 and no padding";
  if (p.input[0] % 2 != 0 || p.input[1] % 2 != 0) return "for even sides";
  if (p.input[0] * p.input[1] > INT32_MAX) return "for planes below 2^31 elements";
  return simd::HalvedPlane{p.output[0], p.output[1]};
}

/// Planes in parallel. In: x, or dy and positions. Out: y and positions, or dx.
class PlaneKernel final : public Kernel {
 public:
  PlaneKernel(const simd::HalvedPlane& p, int64_t planes, bool backward) : p_(p), planes_(planes), backward_(backward) {}

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    from_ = static_cast<const float*>(inputs[0]);
    to_ = static_cast<float*>(outputs[0]);
    positions_ = static_cast<int32_t*>(backward_ ? inputs[1] : outputs[1]);
  }

  void run() override {
    const int64_t out = p_.out_h * p_.out_w;
    parallel_for(planes_, std::max<int64_t>(1, simd::grain / out), [this](int64_t begin, int64_t end) { some(begin, end); });
  }

 private:
  void some(int64_t begin, int64_t end) const {
    const int64_t out = p_.out_h * p_.out_w;
    for (int64_t i = begin; i < end; ++i) {
      int32_t* positions = positions_ ? positions_ + i * out : nullptr;
      if (backward_)
        simd::max_pool_2x2_backward(p_, from_ + i * out, positions, to_ + i * 4 * out);
      else
        simd::max_pool_2x2(p_, from_ + i * 4 * out, to_ + i * out, positions);
    }
  }

  simd::HalvedPlane p_;
  int64_t planes_;
  bool backward_;
  const float* from_ = nullptr;
  float* to_ = nullptr;
  int32_t* positions_ = nullptr;
};

KernelPlan plain_plan(const Node& node, const simd::HalvedPlane& p, bool backward) {
  const Shape& shape = node.types()[0].shape;
  KernelPlan plan;
  plan.name = "simd:2x2";
  plan.inputs.resize(node.inputs().size());
  plan.outputs.resize(node.types().size());
  plan.kernel = std::make_unique<PlaneKernel>(p, shape[0] * shape[1], backward);
  return plan;
}

KernelAnswer make_forward(const KernelRequest& request, Backend&) {
  const TensorType& x = request.node.inputs()[0].type();
  if (x.dtype != DType::f32) return "works on f32";
  if (!request.used[0]) return "for maxima that somebody reads";
  const auto p = halved(*request.node.as<MaxPool>(), spatial(x.shape), request.inputs[0]);
  if (const auto* why = std::get_if<std::string>(&p)) return *why;
  return plain_plan(request.node, std::get<simd::HalvedPlane>(p), false);
}

/// The forward kernel has written plain positions exactly when this one takes over: they say so by their layout.
KernelAnswer make_backward(const KernelRequest& request, Backend&) {
  const TensorType& dx = request.node.types()[0];
  if (dx.dtype != DType::f32) return "works on f32";
  const auto p = halved(*request.node.as<MaxPoolBackward>(), spatial(dx.shape), request.inputs[1]);
  if (const auto* why = std::get_if<std::string>(&p)) return *why;
  return plain_plan(request.node, std::get<simd::HalvedPlane>(p), true);
}

}  // namespace

std::span<const KernelEntry> simd_kernels_in_max_pool() {
  static const KernelEntry entries[] = {
      {"max_pool", "simd 2x2", 0, make_forward},
      {"max_pool_backward", "simd 2x2", 0, make_backward},
  };
  return entries;
}

}  // namespace ocellus

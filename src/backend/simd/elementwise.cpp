// Element-wise operators on flat arrays.

#include <ocellus/graph/parameter.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/norm.h>

#include "backend/simd/flat_kernel.h"
#include "backend/simd/loops/elementwise.h"

namespace ocellus {
namespace {

using simd::flat_plan;
using simd::flat_refusal;
using simd::Slope;
template <size_t N>
using In = std::array<const float*, N>;

/// The slopes that the loops know, or nothing for other activations.
std::optional<Slope> slope_of(const Activation& a) {
  switch (a.kind) {
    case ActivationKind::none: return Slope{1};
    case ActivationKind::relu: return Slope{0};
    case ActivationKind::leaky_relu: return Slope{static_cast<float>(a.alpha)};
    default: return std::nullopt;
  }
}

KernelAnswer make_binary(const KernelRequest& request, Backend&) {
  const auto& op = *request.node.as<Binary>();
  const auto slope = slope_of(op.activation);
  if (!slope) return "no loop for this activation";
  // 0 / 0 is not 0.
  if (auto why = flat_refusal(request, op.kind != BinaryKind::div); !why.empty()) return why;
  return flat_plan<2>(request, [kind = op.kind, slope = *slope](const In<2>& in, float* out, size_t begin, size_t end) {
    simd::binary(kind, slope, in[0] + begin, in[1] + begin, out + begin, end - begin);
  });
}

KernelAnswer make_add_n(const KernelRequest& request, Backend&) {
  const size_t count = request.node.inputs().size();
  if (auto why = flat_refusal(request, true); !why.empty()) return why;
  const auto add = [](const float* x, const float* y, float* z, size_t n) {
    simd::binary(BinaryKind::add, Slope{}, x, y, z, n);
  };
  if (count == 2)
    return flat_plan<2>(request, [add](const In<2>& in, float* out, size_t begin, size_t end) {
      add(in[0] + begin, in[1] + begin, out + begin, end - begin);
    });
  if (count == 3) {
    KernelPlan plan = flat_plan<3>(request, [add](const In<3>& in, float* out, size_t begin, size_t end) {
      add(in[0] + begin, in[1] + begin, out + begin, end - begin);
      add(out + begin, in[2] + begin, out + begin, end - begin);
    });
    plan.in_place.pop_back();  // the third input is read after the output is first written
    return plan;
  }
  return "adds two or three values, not " + std::to_string(count);
}

KernelAnswer make_affine(const KernelRequest& request, Backend&) {
  const auto& op = *request.node.as<Affine>();
  if (auto why = flat_refusal(request, op.shift == 0); !why.empty()) return why;
  const float scale = static_cast<float>(op.scale), shift = static_cast<float>(op.shift);
  return flat_plan<1>(request, [=](const In<1>& in, float* out, size_t begin, size_t end) {
    simd::affine(scale, shift, in[0] + begin, out + begin, end - begin);
  });
}

KernelAnswer make_activation_backward(const KernelRequest& request, Backend&) {
  if (auto why = flat_refusal(request, true); !why.empty()) return why;
  return flat_plan<2>(request, [f = request.node.as<ActivationBackward>()->activation](const In<2>& in, float* out, size_t begin,
                                                                                       size_t end) {
    simd::activation_backward(f, in[0] + begin, in[1] + begin, out + begin, end - begin);
  });
}

KernelAnswer make_running_average(const KernelRequest& request, Backend&) {
  const auto& op = *request.node.as<RunningAverage>();
  if (auto why = flat_refusal(request, true); !why.empty()) return why;
  const float keep = static_cast<float>(op.momentum), take = static_cast<float>((1 - op.momentum) * op.factor);
  return flat_plan<2>(request, [=](const In<2>& in, float* out, size_t begin, size_t end) {
    simd::blend(keep, in[0] + begin, take, in[1] + begin, out + begin, end - begin);
  });
}

KernelAnswer make_extremum_backward(const KernelRequest& request, Backend&) {
  const bool max = request.node.as<ExtremumBackward>()->kind == BinaryKind::max;
  if (auto why = flat_refusal(request, true); !why.empty()) return why;
  return flat_plan<3>(request, [max](const In<3>& in, float* out, size_t begin, size_t end) {
    simd::extremum_backward(max, in[0] + begin, in[1] + begin, in[2] + begin, out + begin, end - begin);
  });
}

/// The mask counts elements in plain order, so blocked values are reordered first.
class DropoutKernel final : public Kernel {
 public:
  DropoutKernel(const DropoutTrain& op, int64_t elements) : op_(op), elements_(elements) {}

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    x_ = static_cast<const float*>(inputs[0]);
    step_ = static_cast<const int64_t*>(inputs[1]);
    y_ = static_cast<float*>(outputs[0]);
  }
  void run() override {
    parallel_for((elements_ + 3) / 4, simd::grain / 16, [this](int64_t begin, int64_t end) {
      const auto first = static_cast<size_t>(begin * 4);
      const auto last = static_cast<size_t>(std::min(end * 4, elements_));
      simd::dropout(static_cast<uint64_t>(op_.seed), static_cast<uint64_t>(*step_), op_.rate, first, x_ + first,
                    y_ + first, last - first);
    });
  }

 private:
  DropoutTrain op_;
  int64_t elements_;
  const float* x_ = nullptr;
  const int64_t* step_ = nullptr;
  float* y_ = nullptr;
};

KernelAnswer make_dropout(const KernelRequest& request, Backend&) {
  const TensorType& type = request.node.types()[0];
  if (type.dtype != DType::f32) return "works on f32";
  KernelPlan plan;
  plan.name = "simd";
  plan.inputs.resize(2);
  plan.outputs.resize(1);
  plan.in_place = {{0, 0}};
  plan.kernel = std::make_unique<DropoutKernel>(*request.node.as<DropoutTrain>(), type.shape.numel());
  return plan;
}

}  // namespace

std::span<const KernelEntry> simd_kernels_in_elementwise() {
  static const KernelEntry entries[] = {
      {"binary", "simd", 0, make_binary},
      {"add_n", "simd", 0, make_add_n},
      {"affine", "simd", 0, make_affine},
      {"activation_backward", "simd", 0, make_activation_backward},
      {"running_average", "simd", 0, make_running_average},
      {"extremum_backward", "simd", 0, make_extremum_backward},
      {"dropout_train", "simd", 0, make_dropout},
  };
  return entries;
}

}  // namespace ocellus

// Leaky relu with a learned slope, for values in plain order: plane by plane. Each plane's part of the slope's
// gradient is summed by itself, and these in order, so that the result does not depend on the threads. One slope for
// all makes planes of equal pieces of the whole, in whatever order the values lie: padding is 0 and adds nothing.

#include <algorithm>

#include <ocellus/ops/prelu.h>

#include "backend/simd/flat_kernel.h"
#include "backend/simd/loops/prelu.h"
#include "ops/support/planes.h"

namespace ocellus {
namespace {

using detail::Planes;
constexpr int64_t piece = simd::grain;

/// What the work is cut into: plane p is [begin(p), begin(p) + length(p)), and has slope number slope(p).
struct Cut {
  /// A slope for each channel of x in plain order, or one for `elements` in any.
  Cut(const Shape& x, bool one, int64_t elements)
      : planes(one ? Planes::flat(x) : Planes(x)), elements(elements), size(one ? piece : planes.size) {
    count = one ? (elements + piece - 1) / piece : planes.count();
  }
  int64_t begin(int64_t p) const { return p * size; }
  size_t length(int64_t p) const { return static_cast<size_t>(std::min(size, elements - p * size)); }
  int64_t slope(int64_t p) const { return p % planes.channels; }
  /// Calls f(p) for all planes, in parallel.
  template <class F>
  void for_each(F&& f) const {
    parallel_for(count, std::max<int64_t>(1, piece / std::max<int64_t>(size, 1)), [&](int64_t first, int64_t last) {
      for (int64_t p = first; p < last; ++p) f(p);
    });
  }

  Planes planes;
  int64_t elements, size, count;
};

class Forward final : public Kernel {
 public:
  explicit Forward(const Cut& cut) : cut_(cut) {}
  static size_t scratch(const Cut&, bool) { return 0; }

  void bind(std::span<void* const> in, std::span<void* const> out, void*) override {
    x_ = static_cast<const float*>(in[0]);
    slope_ = static_cast<const float*>(in[1]);
    y_ = static_cast<float*>(out[0]);
  }
  void run() override {
    cut_.for_each([this](int64_t p) {
      const int64_t begin = cut_.begin(p);
      simd::prelu(slope_[cut_.slope(p)], x_ + begin, y_ + begin, cut_.length(p));
    });
  }

 private:
  Cut cut_;
  const float *x_ = nullptr, *slope_ = nullptr;
  float* y_ = nullptr;
};

class Backward final : public Kernel {
 public:
  explicit Backward(const Cut& cut) : cut_(cut) {}
  /// The planes' sums, and dx where nobody reads it.
  static size_t scratch(const Cut& cut, bool used) {
    return static_cast<size_t>(cut.count) * sizeof(double) +
           (used ? 0 : static_cast<size_t>(cut.elements) * sizeof(float));
  }

  void bind(std::span<void* const> in, std::span<void* const> out, void* scratch) override {
    dy_ = static_cast<const float*>(in[0]);
    x_ = static_cast<const float*>(in[1]);
    slope_ = static_cast<const float*>(in[2]);
    sums_ = static_cast<double*>(scratch);
    dx_ = out[0] ? static_cast<float*>(out[0]) : static_cast<float*>(static_cast<void*>(sums_ + cut_.count));
    dslope_ = static_cast<float*>(out[1]);
  }
  void run() override {
    cut_.for_each([this](int64_t p) {
      const int64_t begin = cut_.begin(p);
      sums_[p] = simd::prelu_backward(slope_[cut_.slope(p)], dy_ + begin, x_ + begin, dx_ + begin, cut_.length(p));
    });
    if (!dslope_) return;
    for (int64_t c = 0; c < cut_.planes.channels; ++c) {
      double sum = 0;
      for (int64_t p = c; p < cut_.count; p += cut_.planes.channels) sum += sums_[p];
      dslope_[c] = static_cast<float>(sum);
    }
  }

 private:
  Cut cut_;
  const float *dy_ = nullptr, *x_ = nullptr, *slope_ = nullptr;
  float *dx_ = nullptr, *dslope_ = nullptr;
  double* sums_ = nullptr;
};

/// x and slope are the last two inputs of both operators.
template <class K>
KernelAnswer make(const KernelRequest& request, Backend&) {
  const Node& node = request.node;
  for (const Value& v : node.inputs())
    if (v.dtype() != DType::f32) return "works on f32";
  const size_t x = node.inputs().size() - 2;
  const bool one = node.inputs().back().shape().rank() == 0;
  const LayoutPtr layout = one ? request.inputs[x] : nullptr;
  const size_t bytes = layout ? layout->bytes() : bytes_of(node.inputs()[x].type());
  const Cut cut(node.inputs()[x].shape(), one, static_cast<int64_t>(bytes / sizeof(float)));
  KernelPlan plan;
  plan.name = "simd";
  plan.inputs.assign(node.inputs().size(), layout);
  plan.inputs.back() = nullptr;
  plan.outputs.resize(node.types().size());
  plan.outputs[0] = layout;
  plan.scratch = K::scratch(cut, request.used[0]);
  plan.in_place = {{0, 0}};
  plan.kernel = std::make_unique<K>(cut);
  return plan;
}

}  // namespace

std::span<const KernelEntry> simd_kernels_in_prelu() {
  static const KernelEntry entries[] = {
      {"prelu", "simd", 0, make<Forward>},
      {"prelu_backward", "simd", 0, make<Backward>},
  };
  return entries;
}

}  // namespace ocellus

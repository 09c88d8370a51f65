// Softmax cross-entropy and its gradient, for logits [N, C, ...] in plain layout.
//
// One pass over a sample: maximum, exponentials (vectorised along the contiguous direction), sum, loss. The gradient is
// (p - q) times the arriving gradient, with q the smoothed target; both passes read each element once.

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <ocellus/ops/softmax.h>

#include "backend/simd/loops/exponential.h"
#include "engine/kernel.h"

namespace ocellus {
namespace {

struct Geometry {
  int64_t samples = 0, classes = 0, inner = 1;

  explicit Geometry(const Shape& logits) : samples(logits[0]), classes(logits[1]) {
    for (size_t i = 2; i < logits.rank(); ++i) inner *= logits[i];
  }
  int64_t positions() const { return samples * inner; }
};

/// The targets of one position: a class, a distribution, or nothing to learn.
class Targets {
 public:
  Targets(const Geometry& g, double smoothing, int64_t ignore) : g_(g), smoothing_(smoothing), ignore_(ignore) {}
  void bind(const void* data, DType dtype) {
    classes_ = dtype == DType::i32 ? static_cast<const int32_t*>(data) : nullptr;
    soft_ = dtype == DType::i32 ? nullptr : static_cast<const float*>(data);
  }
  bool counts(int64_t n, int64_t p) const { return soft_ || classes_[n * g_.inner + p] != ignore_; }
  int64_t counted() const {
    if (soft_) return g_.positions();
    return g_.positions() - std::count(classes_, classes_ + g_.positions(), static_cast<int32_t>(ignore_));
  }
  /// Probability of class c at position (n, p).
  float probability(int64_t n, int64_t c, int64_t p) const {
    const float hard = soft_ ? soft_[(n * g_.classes + c) * g_.inner + p]
                             : (classes_[n * g_.inner + p] == c ? 1.0f : 0.0f);
    return static_cast<float>((1 - smoothing_) * hard + smoothing_ / static_cast<double>(g_.classes));
  }
  void check() const {
    if (soft_) return;
    for (int64_t i = 0; i < g_.positions(); ++i)
      if (classes_[i] != ignore_ && (classes_[i] < 0 || classes_[i] >= g_.classes))
        throw UsageError(fmt::format("[softmax_cross_entropy] target {} at position {} is not a class in [0,{})",
                                     classes_[i], i, g_.classes));
  }

 private:
  Geometry g_;
  double smoothing_;
  int64_t ignore_;
  const int32_t* classes_ = nullptr;
  const float* soft_ = nullptr;
};

class Forward final : public Kernel {
 public:
  Forward(const SoftmaxCrossEntropy& op, const Node& node)
      : g_(node.inputs()[0].shape()),
        target_type_(node.inputs()[1].dtype()),
        reduction_(op.reduction),
        targets_(g_, op.smoothing, op.ignore_index) {}

  void bind(std::span<void* const> in, std::span<void* const> out, void* scratch) override {
    x_ = static_cast<const float*>(in[0]);
    targets_.bind(in[1], target_type_);
    loss_ = static_cast<float*>(out[0]);
    p_ = static_cast<float*>(out[1] ? out[1] : scratch);
  }

  void run() override {
    targets_.check();
    double loss = 0;
    for (int64_t n = 0; n < g_.samples; ++n) loss += sample(n);
    const int64_t counted = targets_.counted();
    if (reduction_ == Reduction::mean) loss = counted > 0 ? loss / static_cast<double>(counted) : 0;
    if (loss_) *loss_ = static_cast<float>(loss);
  }

 private:
  double sample(int64_t n) {
    const int64_t size = g_.classes * g_.inner;
    const float* x = x_ + n * size;
    float* p = p_ + n * size;
    for (int64_t i = 0; i < g_.inner; ++i) {
      float largest = x[i];
      for (int64_t c = 1; c < g_.classes; ++c) largest = std::max(largest, x[c * g_.inner + i]);
      for (int64_t c = 0; c < g_.classes; ++c) p[c * g_.inner + i] = x[c * g_.inner + i] - largest;
    }
    double loss = 0;
    // -sum q (x - max) now, while p still holds x - max; log(sum exp) once the sum is known.
    for (int64_t i = 0; i < g_.inner; ++i)
      if (targets_.counts(n, i))
        for (int64_t c = 0; c < g_.classes; ++c)
          if (const float q = targets_.probability(n, c, i); q != 0) loss -= double{q} * p[c * g_.inner + i];
    simd::exponential(p, static_cast<size_t>(size));
    for (int64_t i = 0; i < g_.inner; ++i) {
      double sum = 0, weight = 0;
      for (int64_t c = 0; c < g_.classes; ++c) sum += p[c * g_.inner + i];
      const float scale = static_cast<float>(1 / sum);
      for (int64_t c = 0; c < g_.classes; ++c) p[c * g_.inner + i] *= scale;
      if (!targets_.counts(n, i)) continue;
      for (int64_t c = 0; c < g_.classes; ++c) weight += targets_.probability(n, c, i);
      loss += weight * std::log(sum);
    }
    return loss;
  }

  Geometry g_;
  DType target_type_;
  Reduction reduction_;
  Targets targets_;
  const float* x_ = nullptr;
  float* p_ = nullptr;
  float* loss_ = nullptr;
};

class Backward final : public Kernel {
 public:
  Backward(const SoftmaxCrossEntropyBackward& op, const Node& node)
      : g_(node.inputs()[1].shape()),
        target_type_(node.inputs()[2].dtype()),
        reduction_(op.reduction),
        targets_(g_, op.smoothing, op.ignore_index) {}

  void bind(std::span<void* const> in, std::span<void* const> out, void*) override {
    dloss_ = static_cast<const float*>(in[0]);
    p_ = static_cast<const float*>(in[1]);
    targets_.bind(in[2], target_type_);
    dx_ = static_cast<float*>(out[0]);
  }

  void run() override {
    const int64_t counted = targets_.counted();
    const float scale = reduction_ == Reduction::sum ? *dloss_ : counted > 0 ? *dloss_ / static_cast<float>(counted) : 0;
    for (int64_t n = 0; n < g_.samples; ++n)
      for (int64_t i = 0; i < g_.inner; ++i) position(n, i, targets_.counts(n, i) ? scale : 0);
  }

 private:
  void position(int64_t n, int64_t i, float scale) {
    const int64_t first = n * g_.classes * g_.inner + i;
    float weight = 0;
    for (int64_t c = 0; c < g_.classes; ++c) weight += targets_.probability(n, c, i);
    for (int64_t c = 0; c < g_.classes; ++c) {
      const int64_t at = first + c * g_.inner;
      dx_[at] = scale == 0 ? 0 : scale * (weight * p_[at] - targets_.probability(n, c, i));
    }
  }

  Geometry g_;
  DType target_type_;
  Reduction reduction_;
  Targets targets_;
  const float* dloss_ = nullptr;
  const float* p_ = nullptr;
  float* dx_ = nullptr;
};

template <class OpT, class KernelT>
KernelAnswer make(const KernelRequest& request, Backend&) {
  const Node& node = request.node;
  const size_t logits = node.inputs().size() - 2;  // forward: input 0; backward: input 1, the probabilities
  if (node.inputs()[logits].dtype() != DType::f32) return "works on f32";
  KernelPlan plan;
  plan.name = "simd";
  plan.inputs.resize(node.inputs().size());
  plan.outputs.resize(node.types().size());
  if (node.types().size() == 2 && !request.used[1]) plan.scratch = bytes_of(node.types()[1]);
  plan.kernel = std::make_unique<KernelT>(*node.as<OpT>(), node);
  return plan;
}

}  // namespace

std::span<const KernelEntry> simd_kernels_in_cross_entropy() {
  static const KernelEntry entries[] = {
      {"softmax_cross_entropy", "simd", 0, make<SoftmaxCrossEntropy, Forward>},
      {"softmax_cross_entropy_backward", "simd", 0, make<SoftmaxCrossEntropyBackward, Backward>},
  };
  return entries;
}

}  // namespace ocellus

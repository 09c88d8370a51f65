// Group, instance and layer normalisation, for values in plain order, on all threads.
//
// A block is read three times forward: its mean, the squares of the distances from it, which unlike a difference of
// sums keep their digits where the mean is large, and the result. Where neighbours share a parameter (group norm on
// images) the loops work on runs of them with constant factors; where each element has its own, on whole blocks with
// arrays. Backward, a block's two sums come first; each run's own sums are kept, and give the parameters' gradients
// when they are added over the samples. With a parameter for each element those gradients are summed in a second pass,
// cut by parameter instead of by block.
//
// oneDNN's layer normalisation has blocks of the last dimension only, and keeps variances where the operator has
// factors. On one thread its forward pass takes 0.9 of these loops' time on rows of 768 and 0.6 on rows of 64;
// backward it is no faster.

#include <algorithm>
#include <cmath>

#include "backend/simd/flat_kernel.h"
#include "backend/simd/loops/sample_norm.h"
#include "ops/support/norm_blocks.h"

namespace ocellus {
namespace {

using detail::BlockView;
using simd::grain;

/// Calls f(b) for all blocks, in parallel.
template <class F>
void for_blocks(const BlockView& view, F&& f) {
  parallel_for(view.total(), std::max<int64_t>(1, grain / std::max<int64_t>(view.size, 1)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t b = begin; b < end; ++b) f(b);
               });
}

class Forward final : public Kernel {
 public:
  explicit Forward(const Node& node)
      : op_(*node.as<SampleNorm>()), view_(op_.blocks, op_.count, node.inputs()[0].shape()) {}
  size_t scratch(const std::vector<bool>& used) const { return used[0] ? 0 : bytes(); }

  void bind(std::span<void* const> in, std::span<void* const> out, void* scratch) override {
    x_ = static_cast<const float*>(in[0]);
    scale_ = op_.scale ? static_cast<const float*>(in[1]) : nullptr;
    shift_ = op_.shift ? static_cast<const float*>(in[1 + op_.scale]) : nullptr;
    y_ = static_cast<float*>(out[0] ? out[0] : scratch);
    mean_ = static_cast<float*>(out[1]);
    factor_ = static_cast<float*>(out[2]);
  }
  void run() override {
    for_blocks(view_, [this](int64_t b) { block(b); });
  }

 private:
  size_t bytes() const { return static_cast<size_t>(view_.total() * view_.size) * sizeof(float); }

  void block(int64_t b) {
    const auto size = static_cast<size_t>(view_.size), run = static_cast<size_t>(view_.run);
    const float* x = x_ + b * view_.size;
    float* y = y_ + b * view_.size;
    const auto [mean, variance] = simd::run_moments(x, size);
    const auto factor = static_cast<float>(1 / std::sqrt(variance + op_.epsilon));
    if (mean_) mean_[b] = mean;
    if (factor_) factor_[b] = factor;
    if (run == 1) return simd::normalise_each(mean, factor, at(scale_, b), at(shift_, b), x, y, size);
    for (int64_t r = 0; r < view_.runs(); ++r) {
      const int64_t p = view_.parameter(b, r);
      simd::normalise_run(mean, scale_ ? factor * scale_[p] : factor, shift_ ? shift_[p] : 0, x + r * view_.run,
                          y + r * view_.run, run);
    }
  }
  const float* at(const float* parameters, int64_t b) const {
    return parameters ? parameters + view_.parameter(b, 0) : nullptr;
  }

  SampleNorm op_;
  BlockView view_;
  const float *x_ = nullptr, *scale_ = nullptr, *shift_ = nullptr;
  float *y_ = nullptr, *mean_ = nullptr, *factor_ = nullptr;
};

class Backward final : public Kernel {
 public:
  explicit Backward(const Node& node)
      : op_(*node.as<SampleNormBackward>()), view_(op_.blocks, op_.count, node.inputs()[1].shape()) {}
  /// The runs' sums, and dx where nobody reads it.
  size_t scratch(const std::vector<bool>& used) const {
    const auto elements = static_cast<size_t>(view_.total() * view_.size);
    return kept() * sizeof(simd::RunSums) + (used[0] ? 0 : elements * sizeof(float));
  }

  void bind(std::span<void* const> in, std::span<void* const> out, void* scratch) override {
    dy_ = static_cast<const float*>(in[0]);
    x_ = static_cast<const float*>(in[1]);
    mean_ = static_cast<const float*>(in[2]);
    factor_ = static_cast<const float*>(in[3]);
    scale_ = op_.scale ? static_cast<const float*>(in[4]) : nullptr;
    sums_ = static_cast<simd::RunSums*>(scratch);
    dx_ = static_cast<float*>(out[0] ? out[0] : static_cast<void*>(sums_ + kept()));
    dscale_ = op_.scale ? static_cast<float*>(out[1]) : nullptr;
    dshift_ = op_.shift ? static_cast<float*>(out[1 + op_.scale]) : nullptr;
  }
  void run() override {
    const bool each = view_.run == 1;
    for_blocks(view_, [&](int64_t b) { each ? block_of_each(b) : block_of_runs(b); });
    if (!dscale_ && !dshift_) return;
    parallel_for(view_.parameters(), std::max<int64_t>(16, grain * view_.groups / std::max<int64_t>(view_.total(), 1)),
                 [&](int64_t begin, int64_t end) { each ? sum_each(begin, end) : sum_runs(begin, end); });
  }

 private:
  size_t kept() const { return view_.run == 1 ? 0 : static_cast<size_t>(view_.total() * view_.runs()); }

  /// What dx is made of besides dy, for the sums of g and g (x - mean) over a block.
  simd::RunSlope slope(int64_t b, const simd::RunSums& sums) const {
    const double r = factor_[b], m = static_cast<double>(view_.size);
    return {factor_[b], static_cast<float>(-r * r * r * sums.product / m), static_cast<float>(-r * sums.sum / m)};
  }

  void block_of_each(int64_t b) {
    const float *dy = dy_ + b * view_.size, *x = x_ + b * view_.size;
    const float* scale = scale_ ? scale_ + view_.parameter(b, 0) : nullptr;
    const auto size = static_cast<size_t>(view_.size);
    const simd::RunSums sums = simd::run_sums(mean_[b], scale, dy, x, size);
    simd::run_backward(mean_[b], slope(b, sums), scale, dy, x, dx_ + b * view_.size, size);
  }

  void block_of_runs(int64_t b) {
    const auto run = static_cast<size_t>(view_.run);
    const auto scale = [&](int64_t r) { return scale_ ? scale_[view_.parameter(b, r)] : 1.0f; };
    simd::RunSums total;
    for (int64_t r = 0; r < view_.runs(); ++r) {
      const int64_t first = b * view_.size + r * view_.run;
      const simd::RunSums sums = simd::run_sums(mean_[b], nullptr, dy_ + first, x_ + first, run);
      sums_[b * view_.runs() + r] = sums;
      total.sum += scale(r) * sums.sum;
      total.product += scale(r) * sums.product;
    }
    const simd::RunSlope all = slope(b, total);
    for (int64_t r = 0; r < view_.runs(); ++r) {
      const int64_t first = b * view_.size + r * view_.run;
      simd::run_backward(mean_[b], {all.a * scale(r), all.b, all.c}, nullptr, dy_ + first, x_ + first, dx_ + first,
                         run);
    }
  }

  void sum_runs(int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      double sum = 0, product = 0;
      for (int64_t b = p / view_.runs(); b < view_.total(); b += view_.groups) {
        const simd::RunSums& sums = sums_[b * view_.runs() + p % view_.runs()];
        sum += sums.sum;
        product += sums.product * factor_[b];
      }
      if (dscale_) dscale_[p] = static_cast<float>(product);
      if (dshift_) dshift_[p] = static_cast<float>(sum);
    }
  }

  void sum_each(int64_t begin, int64_t end) {
    if (dscale_) std::fill(dscale_ + begin, dscale_ + end, 0.0f);
    if (dshift_) std::fill(dshift_ + begin, dshift_ + end, 0.0f);
    for (int64_t p = begin, stop; p < end; p = stop) {
      const int64_t group = p / view_.runs();
      stop = std::min(end, (group + 1) * view_.runs());
      for (int64_t b = group; b < view_.total(); b += view_.groups) {
        const int64_t first = b * view_.size + p % view_.runs();
        simd::accumulate_each(mean_[b], factor_[b], dy_ + first, x_ + first, dscale_ ? dscale_ + p : nullptr,
                              dshift_ ? dshift_ + p : nullptr, static_cast<size_t>(stop - p));
      }
    }
  }

  SampleNormBackward op_;
  BlockView view_;
  const float *dy_ = nullptr, *x_ = nullptr, *mean_ = nullptr, *factor_ = nullptr, *scale_ = nullptr;
  float *dx_ = nullptr, *dscale_ = nullptr, *dshift_ = nullptr;
  simd::RunSums* sums_ = nullptr;
};

template <class K>
KernelAnswer make(const KernelRequest& request, Backend&) {
  const Node& node = request.node;
  for (const Value& v : node.inputs())
    if (v.dtype() != DType::f32) return "works on f32";
  auto kernel = std::make_unique<K>(node);
  KernelPlan plan;
  plan.name = "simd";
  plan.inputs.resize(node.inputs().size());
  plan.outputs.resize(node.types().size());
  plan.scratch = kernel->scratch(request.used);
  plan.kernel = std::move(kernel);
  return plan;
}

}  // namespace

std::span<const KernelEntry> simd_kernels_in_sample_norm() {
  static const KernelEntry entries[] = {
      {"sample_norm", "simd", 0, make<Forward>},
      {"sample_norm_backward", "simd", 0, make<Backward>},
  };
  return entries;
}

}  // namespace ocellus

// Kernels for convolutions of few channels, where a library that pads channels to blocks of 16 would mostly multiply zeros.

#include <omp.h>

#include <algorithm>
#include <cstring>

#include <ocellus/base/threads.h>
#include <ocellus/ops/conv.h>

#include "backend/simd/loops/elementwise.h"
#include "backend/simd/small_conv.h"

namespace ocellus {
namespace {

using simd::SmallConv;

int64_t rounded(int64_t channels) { return (channels + 15) / 16 * 16; }

/// Blocks of 16 channels would at least double the work. An input of up to four channels is not blocked.
bool wasteful_in_blocks(int64_t in, int64_t out) {
  const int64_t blocked = (in <= 4 ? in : rounded(in)) * rounded(out);
  return blocked * 10 >= in * out * 18;
}

}  // namespace

std::variant<SmallConv, std::string> small_conv_of(const TensorType& x, const TensorType& weights, const Window& window,
                                                   int64_t groups) {
  if (x.shape.rank() != 4 || groups != 1) return "for 2-D convolutions without groups";
  if (x.dtype != DType::f32) return "works on f32";
  const std::vector<int64_t> kernel = spatial(weights.shape);
  const PlacedWindow p = place(window, spatial(x.shape), kernel);
  if (std::ranges::any_of(p.stride, [](int64_t s) { return s != 1; }) ||
      std::ranges::any_of(p.dilation, [](int64_t s) { return s != 1; }))
    return "for stride and dilation 1";
  if (kernel[1] > 7 || kernel[1] % 2 == 0) return "for kernels 1, 3, 5 or 7 wide";
  if (std::ranges::max(p.pad_begin) >= std::ranges::max(kernel) ||
      std::ranges::max(p.pad_end) >= std::ranges::max(kernel))
    return "for padding smaller than the kernel";
  const int64_t in = x.shape[1], out = weights.shape[0];
  if (in > 32 || out > 32) return "for up to 32 channels";
  if (!wasteful_in_blocks(in, out)) return "blocks of 16 channels fit";
  return SmallConv{in,         out,         kernel[0],   kernel[1],      p.input[0],
                   p.input[1], p.output[0], p.output[1], p.pad_begin[0], p.pad_begin[1]};
}

std::optional<float> slope_below_zero(const Activation& a) {
  switch (a.kind) {
    case ActivationKind::none: return 1.0f;
    case ActivationKind::relu: return 0.0f;
    case ActivationKind::leaky_relu: return static_cast<float>(a.alpha);
    default: return std::nullopt;
  }
}

std::shared_ptr<float> zeroed_floats(int64_t count) {
  return std::static_pointer_cast<float>(allocate(static_cast<size_t>(count) * sizeof(float)));
}

SmallConvSums::SmallConvSums(const SmallConv& s)
    : s_(s),
      threads_(num_threads()),
      weights_(simd::packed_small_conv(s)),
      results_of_thread_(rounded(weights_ + s.out_channels)),
      sums_(zeroed_floats(threads_ * simd::small_conv_sums(s))),
      results_(zeroed_floats(threads_ * results_of_thread_)),
      used_(static_cast<size_t>(threads_)) {}

void SmallConvSums::bind(std::span<void* const> outputs) {
  dw_ = static_cast<float*>(outputs[0]);
  db_ = outputs.size() > 1 ? static_cast<float*>(outputs[1]) : nullptr;
}

float* SmallConvSums::of_thread() const { return sums_.get() + omp_get_thread_num() * simd::small_conv_sums(s_); }

float* SmallConvSums::results() const { return results_.get() + omp_get_thread_num() * results_of_thread_; }

void SmallConvSums::begin() { std::ranges::fill(used_, 0); }

void SmallConvSums::begin_thread() {
  used_[static_cast<size_t>(omp_get_thread_num())] = 1;
  std::fill_n(of_thread(), simd::small_conv_sums(s_), 0.0f);
  std::fill_n(results() + weights_, s_.out_channels, 0.0f);
}

void SmallConvSums::add_bias(const float* dy, int64_t plane) {
  float* sums = results() + weights_;
  for (int64_t k = 0; db_ && k < s_.out_channels; ++k) sums[k] += simd::sum(dy + k * plane, static_cast<size_t>(plane));
}

void SmallConvSums::finish_thread() {
  if (dw_) simd::reduce_small_conv(s_, of_thread(), results());
}

void SmallConvSums::finish() {
  const auto total = [this](int64_t begin, int64_t count, float* to) {
    std::fill_n(to, count, 0.0f);
    for (int64_t t = 0; t < threads_; ++t) {
      if (!used_[static_cast<size_t>(t)]) continue;
      const float* part = results_.get() + t * results_of_thread_ + begin;
      for (int64_t i = 0; i < count; ++i) to[i] += part[i];
    }
  };
  if (dw_) total(0, weights_, dw_);
  if (db_) total(weights_, s_.out_channels, db_);
}

KernelPlan plain_plan(const Node& node, std::string name, std::unique_ptr<Kernel> kernel) {
  KernelPlan plan;
  plan.name = std::move(name);
  plan.inputs.resize(node.inputs().size());
  plan.outputs.resize(node.types().size());
  plan.kernel = std::move(kernel);
  return plan;
}

namespace {

/// Copies of each plane for every column of the kernel pay where a fifth of the positions would be gaps.
SmallConv shifted_if_better(SmallConv s) {
  s.shifted = s.positions() * 5 > s.out_h * s.out_w * 6;
  return s;
}

/// A run of samples on each thread; memory of its own for every thread, with padding that stays zero.
class PerSample : public Kernel {
 protected:
  /// Work below which a second thread costs more than it saves, in multiply-adds.
  static constexpr int64_t grain = 300'000;

  PerSample(int64_t samples, int64_t work_per_sample)
      : samples_(samples), grain_(std::max<int64_t>(1, grain / std::max<int64_t>(work_per_sample, 1))) {}

  int64_t samples_, grain_;
};

/// The forward operator.
class Forward final : public PerSample {
 public:
  Forward(const SmallConv& s, int64_t samples, float below, bool bias)
      : PerSample(samples, s.positions() * simd::packed_small_conv(s)),
        s_(s),
        below_(below),
        has_bias_(bias),
        threads_(num_threads()),
        planes_(zeroed_floats(threads_ * s.in_channels * s.plane())),
        positions_(zeroed_floats(threads_ * s.out_channels * s.output_plane())),
        packed_(zeroed_floats(simd::packed_small_conv(s))),
        seen_(zeroed_floats(simd::packed_small_conv(s))) {
    for (int64_t k = 0; k < s.out_channels; k += simd::small_conv_tile(s.out_channels - k)) tiles_.push_back(k);
  }

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    x_ = static_cast<const float*>(inputs[0]);
    weights_ = static_cast<const float*>(inputs[1]);
    bias_ = has_bias_ ? static_cast<const float*>(inputs[2]) : nullptr;
    y_ = static_cast<float*>(outputs[0]);
  }

  void run() override {
    pack_if_changed();
    if (samples_ == 1 && tiles_.size() > 1 && s_.positions() * simd::packed_small_conv(s_) > grain) {
      simd::fill_planes(s_, x_, planes_.get());
      parallel_for(static_cast<int64_t>(tiles_.size()), 1,
                   [this](int64_t begin, int64_t end) { some_tiles(begin, end); });
      return;
    }
    parallel_for(samples_, grain_, [this](int64_t begin, int64_t end) { some(begin, end); });
  }

 private:
  /// In inference weights stay the same: comparing them costs a tenth of packing them.
  void pack_if_changed() {
    const size_t bytes = static_cast<size_t>(simd::packed_small_conv(s_)) * sizeof(float);
    if (std::memcmp(seen_.get(), weights_, bytes) == 0) return;
    std::memcpy(seen_.get(), weights_, bytes);
    simd::pack_small_conv(s_, weights_, packed_.get());
  }

  /// A single sample's output channels, tile by tile.
  void some_tiles(int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t k = tiles_[static_cast<size_t>(t)];
      SmallConv part = s_;
      part.out_channels = simd::small_conv_tile(s_.out_channels - k);
      simd::small_conv(part, planes_.get(), packed_.get() + k * s_.in_channels * s_.taps(), bias_ ? bias_ + k : nullptr,
                       below_, positions_.get() + k * s_.output_plane(), y_ + k * s_.out_h * s_.out_w);
    }
  }

  void some(int64_t begin, int64_t end) {
    const int64_t thread = omp_get_thread_num();
    float* planes = planes_.get() + thread * s_.in_channels * s_.plane();
    float* positions = positions_.get() + thread * s_.out_channels * s_.output_plane();
    for (int64_t n = begin; n < end; ++n) {
      simd::fill_planes(s_, x_ + n * s_.in_channels * s_.in_h * s_.in_w, planes);
      simd::small_conv(s_, planes, packed_.get(), bias_, below_, positions,
                       y_ + n * s_.out_channels * s_.out_h * s_.out_w);
    }
  }

  SmallConv s_;
  float below_;
  bool has_bias_;
  int64_t threads_;
  std::vector<int64_t> tiles_;  // first output channel of each
  std::shared_ptr<float> planes_, positions_, packed_, seen_;
  const float* x_ = nullptr;
  const float* weights_ = nullptr;
  const float* bias_ = nullptr;
  float* y_ = nullptr;
};

/// The gradient of the input.
class Data final : public PerSample {
 public:
  Data(const SmallConv& s, int64_t samples)
      : PerSample(samples, s.positions() * simd::packed_small_conv(s)),
        s_(s),
        planes_(zeroed_floats(num_threads() * s.in_channels * s.plane())),
        positions_(zeroed_floats(num_threads() * s.out_channels * s.output_plane())) {}

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    dy_ = static_cast<const float*>(inputs[0]);
    weights_ = static_cast<const float*>(inputs[1]);
    dx_ = static_cast<float*>(outputs[0]);
  }

  void run() override {
    parallel_for(samples_, grain_, [this](int64_t begin, int64_t end) { some(begin, end); });
  }

 private:
  void some(int64_t begin, int64_t end) {
    const int64_t thread = omp_get_thread_num();
    const int64_t size = s_.in_channels * s_.plane();
    float* planes = planes_.get() + thread * size;
    float* positions = positions_.get() + thread * s_.out_channels * s_.output_plane();
    for (int64_t n = begin; n < end; ++n) {
      std::memset(planes, 0, static_cast<size_t>(size) * sizeof(float));
      simd::fill_positions(s_, dy_ + n * s_.out_channels * s_.out_h * s_.out_w, positions);
      simd::small_conv_data(s_, positions, weights_, planes);
      simd::read_planes(s_, planes, dx_ + n * s_.in_channels * s_.in_h * s_.in_w);
    }
  }

  SmallConv s_;
  std::shared_ptr<float> planes_, positions_;
  const float* dy_ = nullptr;
  const float* weights_ = nullptr;
  float* dx_ = nullptr;
};

/// The gradients of weights and bias.
class Weights final : public PerSample {
 public:
  Weights(const SmallConv& s, int64_t samples)
      : PerSample(samples, s.positions() * simd::packed_small_conv(s)),
        s_(s),
        planes_(zeroed_floats(num_threads() * group * s.in_channels * s.plane())),
        positions_(zeroed_floats(num_threads() * group * s.out_channels * s.output_plane())),
        sums_(s) {}

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    x_ = static_cast<const float*>(inputs[0]);
    dy_ = static_cast<const float*>(inputs[1]);
    sums_.bind(outputs);
  }

  void run() override {
    sums_.begin();
    parallel_for(samples_, grain_, [this](int64_t begin, int64_t end) {
      sums_.begin_thread();
      some(begin, end);
      sums_.finish_thread();
    });
    sums_.finish();
  }

 private:
  /// Samples whose planes are in the cache together: the sums are read and written once for all of them.
  static constexpr int64_t group = 8;

  void some(int64_t begin, int64_t end) {
    const int64_t thread = omp_get_thread_num();
    float* planes = planes_.get() + thread * group * s_.in_channels * s_.plane();
    float* positions = positions_.get() + thread * group * s_.out_channels * s_.output_plane();
    const int64_t in = s_.in_channels * s_.in_h * s_.in_w, out = s_.out_channels * s_.out_h * s_.out_w;
    for (int64_t n = begin; n < end; n += group) {
      const int64_t count = std::min(group, end - n);
      for (int64_t i = 0; i < count; ++i) {
        simd::fill_planes(s_, x_ + (n + i) * in, planes + i * s_.in_channels * s_.plane());
        simd::fill_positions(s_, dy_ + (n + i) * out, positions + i * s_.out_channels * s_.output_plane());
        sums_.add_bias(dy_ + (n + i) * out, s_.out_h * s_.out_w);
      }
      simd::small_conv_weights(s_, planes, positions, count, sums_.of_thread());
    }
  }

  SmallConv s_;
  std::shared_ptr<float> planes_, positions_;
  SmallConvSums sums_;
  const float* x_ = nullptr;
  const float* dy_ = nullptr;
};

KernelAnswer make_forward(const KernelRequest& request, Backend&) {
  const Node& node = request.node;
  const auto& op = *node.as<Conv>();
  const auto below = slope_below_zero(op.activation);
  if (op.residual || !below) return "for linear and relu, without a residual";
  const auto s = small_conv_of(node.inputs()[0].type(), node.inputs()[1].type(), op.window, op.groups);
  if (const auto* why = std::get_if<std::string>(&s)) return *why;
  return plain_plan(
      node, "simd:small",
      std::make_unique<Forward>(shifted_if_better(std::get<SmallConv>(s)), node.types()[0].shape[0], *below, op.bias));
}

KernelAnswer make_backward_data(const KernelRequest& request, Backend&) {
  const Node& node = request.node;
  const auto& op = *node.as<ConvBackwardData>();
  const auto s = small_conv_of(node.types()[0], node.inputs()[1].type(), op.window, op.groups);
  if (const auto* why = std::get_if<std::string>(&s)) return *why;
  return plain_plan(node, "simd:small", std::make_unique<Data>(std::get<SmallConv>(s), node.types()[0].shape[0]));
}

KernelAnswer make_backward_weights(const KernelRequest& request, Backend&) {
  const Node& node = request.node;
  const auto& op = *node.as<ConvBackwardWeights>();
  const auto s = small_conv_of(node.inputs()[0].type(), node.types()[0], op.window, op.groups);
  if (const auto* why = std::get_if<std::string>(&s)) return *why;
  return plain_plan(node, "simd:small",
                    std::make_unique<Weights>(shifted_if_better(std::get<SmallConv>(s)), node.inputs()[0].shape()[0]));
}

}  // namespace

std::span<const KernelEntry> simd_kernels_in_small_conv() {
  static const KernelEntry entries[] = {
      {"conv", "simd small", 0, make_forward},
      {"conv_backward_data", "simd small", 0, make_backward_data},
      {"conv_backward_weights", "simd small", 0, make_backward_weights},
  };
  return entries;
}

}  // namespace ocellus

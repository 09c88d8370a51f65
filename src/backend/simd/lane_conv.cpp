// Kernels for convolutions of few channels on batches: sixteen samples side by side in a vector.

#include <omp.h>

#include <ocellus/base/threads.h>

#include "backend/simd/loops/lane_conv.h"
#include "backend/simd/small_conv.h"

namespace ocellus {
namespace {

using simd::SmallConv;

constexpr int64_t lanes = SmallConv::max_lanes;

/// Sizes, pointers' distances, and memory of each thread for the padded inputs and the outputs of one vector of samples.
class LaneKernel : public Kernel {
 protected:
  LaneKernel(const SmallConv& s, int64_t samples)
      : s_(s),
        groups_(samples / lanes),
        threads_(num_threads()),
        x_distance_(s.in_channels * s.in_h * s.in_w),
        y_distance_(s.out_channels * s.out_h * s.out_w),
        padded_(s.in_channels * simd::lane_plane(s).floats()),
        inputs_(zeroed_floats(threads_ * padded_)),
        outputs_(zeroed_floats(threads_ * y_distance_ * lanes)) {}

  float* input_lanes() const { return inputs_.get() + omp_get_thread_num() * padded_; }
  float* output_lanes() const { return outputs_.get() + omp_get_thread_num() * y_distance_ * lanes; }

  SmallConv s_;
  int64_t groups_, threads_, x_distance_, y_distance_, padded_;
  std::shared_ptr<float> inputs_, outputs_;  // the padding of inputs_ stays zero
};

class Forward final : public LaneKernel {
 public:
  Forward(const SmallConv& s, int64_t samples, float below) : LaneKernel(s, samples), below_(below) {}

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    x_ = static_cast<const float*>(inputs[0]);
    weights_ = static_cast<const float*>(inputs[1]);
    bias_ = inputs.size() > 2 ? static_cast<const float*>(inputs[2]) : nullptr;
    y_ = static_cast<float*>(outputs[0]);
  }

  void run() override {
    parallel_for(groups_, 1, [this](int64_t begin, int64_t end) {
      for (int64_t g = begin; g < end; ++g) {
        simd::fill_lanes(s_, x_ + g * lanes * x_distance_, x_distance_, input_lanes());
        simd::lane_conv(s_, input_lanes(), weights_, bias_, below_, output_lanes(), y_ + g * lanes * y_distance_,
                        y_distance_);
      }
    });
  }

 private:
  float below_;
  const float* x_ = nullptr;
  const float* weights_ = nullptr;
  const float* bias_ = nullptr;
  float* y_ = nullptr;
};

/// The gradient of the input.
class Data final : public LaneKernel {
 public:
  Data(const SmallConv& s, int64_t samples) : LaneKernel(s, samples) {}

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    dy_ = static_cast<const float*>(inputs[0]);
    weights_ = static_cast<const float*>(inputs[1]);
    dx_ = static_cast<float*>(outputs[0]);
  }

  void run() override {
    parallel_for(groups_, 1, [this](int64_t begin, int64_t end) {
      for (int64_t g = begin; g < end; ++g) {
        simd::fill_output_lanes(s_, dy_ + g * lanes * y_distance_, y_distance_, output_lanes());
        simd::lane_conv_data(s_, output_lanes(), weights_, input_lanes(), dx_ + g * lanes * x_distance_, x_distance_);
      }
    });
  }

 private:
  const float* dy_ = nullptr;
  const float* weights_ = nullptr;
  float* dx_ = nullptr;
};

/// The gradients of weights and bias.
class Weights final : public LaneKernel {
 public:
  Weights(const SmallConv& s, int64_t samples) : LaneKernel(s, samples), sums_(s) {}

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    x_ = static_cast<const float*>(inputs[0]);
    dy_ = static_cast<const float*>(inputs[1]);
    sums_.bind(outputs);
  }

  void run() override {
    sums_.clear();
    parallel_for(groups_, 1, [this](int64_t begin, int64_t end) {
      for (int64_t g = begin; g < end; ++g) add(x_ + g * lanes * x_distance_, dy_ + g * lanes * y_distance_);
    });
    sums_.finish();
  }

 private:
  void add(const float* x, const float* dy) {
    simd::fill_lanes(s_, x, x_distance_, input_lanes());
    simd::fill_output_lanes(s_, dy, y_distance_, output_lanes());
    simd::lane_conv_weights(s_, input_lanes(), output_lanes(), sums_.of_thread());
    sums_.add_bias(output_lanes(), s_.out_h * s_.out_w * lanes);
  }

  SmallConvSums sums_;
  const float* x_ = nullptr;
  const float* dy_ = nullptr;
};

/// Sizes, or why not.
std::variant<SmallConv, std::string> lane_conv_of(const TensorType& x, const TensorType& weights, const Window& window,
                                                  int64_t groups) {
  if (simd::lane_conv_samples() != lanes) return "for processors with 32 vector registers";
  auto s = small_conv_of(x, weights, window, groups);
  if (std::holds_alternative<std::string>(s)) return s;
  if (const int64_t samples = x.shape[0]; samples % (lanes * num_threads()) != 0)
    return "for batches that give each thread whole vectors of 16 samples";
  return s;
}

KernelAnswer make_forward(const KernelRequest& request, Backend&) {
  const Node& node = request.node;
  const auto& op = *node.as<Conv>();
  const auto below = slope_below_zero(op.activation);
  if (op.residual || !below) return "for linear and relu, without a residual";
  const auto s = lane_conv_of(node.inputs()[0].type(), node.inputs()[1].type(), op.window, op.groups);
  if (const auto* why = std::get_if<std::string>(&s)) return *why;
  return plain_plan(node, "simd:lanes",
                    std::make_unique<Forward>(std::get<SmallConv>(s), node.types()[0].shape[0], *below));
}

KernelAnswer make_backward_data(const KernelRequest& request, Backend&) {
  const Node& node = request.node;
  const auto& op = *node.as<ConvBackwardData>();
  const auto s = lane_conv_of(node.types()[0], node.inputs()[1].type(), op.window, op.groups);
  if (const auto* why = std::get_if<std::string>(&s)) return *why;
  return plain_plan(node, "simd:lanes", std::make_unique<Data>(std::get<SmallConv>(s), node.types()[0].shape[0]));
}

KernelAnswer make_backward_weights(const KernelRequest& request, Backend&) {
  const Node& node = request.node;
  const auto& op = *node.as<ConvBackwardWeights>();
  const auto s = lane_conv_of(node.inputs()[0].type(), node.types()[0], op.window, op.groups);
  if (const auto* why = std::get_if<std::string>(&s)) return *why;
  return plain_plan(node, "simd:lanes", std::make_unique<Weights>(std::get<SmallConv>(s), node.inputs()[0].shape()[0]));
}

}  // namespace

std::span<const KernelEntry> simd_kernels_in_lane_conv() {
  static const KernelEntry entries[] = {
      {"conv", "simd lanes", -1, make_forward},
      {"conv_backward_data", "simd lanes", -1, make_backward_data},
      {"conv_backward_weights", "simd lanes", -1, make_backward_weights},
  };
  return entries;
}

}  // namespace ocellus

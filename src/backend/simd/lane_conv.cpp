// Kernels for convolutions of few channels on batches: sixteen samples side by side in a vector.

#include <omp.h>

#include <ocellus/base/error.h>
#include <ocellus/base/threads.h>
#include <ocellus/ops/conv_pool.h>

#include "backend/simd/loops/lane_conv.h"
#include "backend/simd/small_conv.h"

namespace ocellus {
namespace {

using simd::SmallConv;

constexpr int64_t lanes = SmallConv::max_lanes;

/// Positions of maxima as these kernels keep them, sixteen samples side by side: for each other alone.
class LanePositions final : public Layout {
 public:
  explicit LanePositions(size_t bytes) : bytes_(bytes) {}
  size_t bytes() const override { return bytes_; }
  bool equals(const Layout& other) const override {
    const auto* o = dynamic_cast<const LanePositions*>(&other);
    return o && o->bytes_ == bytes_;
  }
  std::string to_string() const override { return "lanes"; }
  bool holds_masters() const override { return false; }
  void pack(const Tensor&, void*) const override { throw Unsupported("positions in lanes are no tensor"); }
  void unpack(const void*, Tensor&) const override { throw Unsupported("positions in lanes are no tensor"); }

 private:
  size_t bytes_;
};

/// Sizes, pointers' distances, and memory of each thread for the padded inputs and the outputs of one vector of samples.
class LaneKernel : public Kernel {
 protected:
  LaneKernel(const SmallConv& s, int64_t samples, bool pools)
      : s_(s),
        groups_(samples / lanes),
        threads_(num_threads()),
        x_distance_(s.in_channels * s.in_h * s.in_w),
        y_distance_(pools ? simd::lane_pooled(s) : s.out_channels * s.out_h * s.out_w),
        padded_(s.in_channels * simd::lane_plane(s).floats()),
        outputs_of_thread_(s.out_channels * s.out_h * s.out_w * lanes),
        inputs_(zeroed_floats(threads_ * padded_)),
        outputs_(zeroed_floats(threads_ * outputs_of_thread_)) {
    if (pools) pooled_ = zeroed_floats(threads_ * 2 * y_distance_ * lanes);  // the second half: positions nobody reads
  }

  bool pools() const { return pooled_ != nullptr; }
  float* input_lanes() const { return inputs_.get() + omp_get_thread_num() * padded_; }
  float* output_lanes() const { return outputs_.get() + omp_get_thread_num() * outputs_of_thread_; }
  /// This thread's values, and the positions of group g where they belong.
  simd::PooledLanes pooled_lanes(float* positions, int64_t g) const {
    float* values = pooled_.get() + omp_get_thread_num() * 2 * y_distance_ * lanes;
    return {values, positions ? positions + g * lanes * y_distance_ : values + y_distance_ * lanes};
  }
  /// The gradient of the convolution's result for group g, into this thread's output lanes.
  void fill_gradient(const float* dy, float* positions, int64_t g) const {
    const float* first = dy + g * lanes * y_distance_;
    if (pools())
      simd::fill_unpooled_lanes(s_, first, pooled_lanes(positions, g), output_lanes());
    else
      simd::fill_output_lanes(s_, first, y_distance_, output_lanes());
  }

  SmallConv s_;
  int64_t groups_, threads_, x_distance_, y_distance_, padded_, outputs_of_thread_;
  std::shared_ptr<float> inputs_, outputs_, pooled_;  // the padding of inputs_ stays zero
};

class Forward final : public LaneKernel {
 public:
  Forward(const SmallConv& s, int64_t samples, bool pools, float below)
      : LaneKernel(s, samples, pools), below_(below) {}

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    x_ = static_cast<const float*>(inputs[0]);
    weights_ = static_cast<const float*>(inputs[1]);
    bias_ = inputs.size() > 2 ? static_cast<const float*>(inputs[2]) : nullptr;
    y_ = static_cast<float*>(outputs[0]);
    positions_ = pools() ? static_cast<float*>(outputs[1]) : nullptr;
  }

  void run() override {
    parallel_for(groups_, 1, [this](int64_t begin, int64_t end) {
      for (int64_t g = begin; g < end; ++g) {
        float* y = y_ ? y_ + g * lanes * y_distance_ : nullptr;
        simd::fill_lanes(s_, x_ + g * lanes * x_distance_, x_distance_, input_lanes());
        if (pools())
          simd::lane_conv_pool(s_, input_lanes(), weights_, bias_, below_, output_lanes(), pooled_lanes(positions_, g),
                               y);
        else
          simd::lane_conv(s_, input_lanes(), weights_, bias_, below_, output_lanes(), y, y_distance_);
      }
    });
  }

 private:
  float below_;
  const float* x_ = nullptr;
  const float* weights_ = nullptr;
  const float* bias_ = nullptr;
  float* y_ = nullptr;
  float* positions_ = nullptr;
};

/// The gradient of the input. Inputs: dy, the positions if there is pooling, weights.
class Data final : public LaneKernel {
 public:
  Data(const SmallConv& s, int64_t samples, bool pools) : LaneKernel(s, samples, pools) {}

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    dy_ = static_cast<const float*>(inputs[0]);
    positions_ = pools() ? static_cast<float*>(inputs[1]) : nullptr;
    weights_ = static_cast<const float*>(inputs.back());
    dx_ = static_cast<float*>(outputs[0]);
  }

  void run() override {
    parallel_for(groups_, 1, [this](int64_t begin, int64_t end) {
      for (int64_t g = begin; g < end; ++g) {
        fill_gradient(dy_, positions_, g);
        simd::lane_conv_data(s_, output_lanes(), weights_, input_lanes(), dx_ + g * lanes * x_distance_, x_distance_);
      }
    });
  }

 private:
  const float* dy_ = nullptr;
  float* positions_ = nullptr;
  const float* weights_ = nullptr;
  float* dx_ = nullptr;
};

/// The gradients of weights and bias. Inputs: x, dy, the positions if there is pooling.
class Weights final : public LaneKernel {
 public:
  Weights(const SmallConv& s, int64_t samples, bool pools) : LaneKernel(s, samples, pools), sums_(s) {}

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    x_ = static_cast<const float*>(inputs[0]);
    dy_ = static_cast<const float*>(inputs[1]);
    positions_ = pools() ? static_cast<float*>(inputs[2]) : nullptr;
    sums_.bind(outputs);
  }

  void run() override {
    sums_.begin();
    parallel_for(groups_, 1, [this](int64_t begin, int64_t end) {
      sums_.begin_thread();
      for (int64_t g = begin; g < end; ++g) add(g);
      sums_.finish_thread();
    });
    sums_.finish();
  }

 private:
  void add(int64_t g) {
    simd::fill_lanes(s_, x_ + g * lanes * x_distance_, x_distance_, input_lanes());
    fill_gradient(dy_, positions_, g);
    simd::lane_conv_weights(s_, input_lanes(), output_lanes(), sums_.of_thread());
    sums_.add_bias(pools() ? pooled_lanes(positions_, g).values : output_lanes(),
                   y_distance_ / s_.out_channels * lanes);
  }

  SmallConvSums sums_;
  const float* x_ = nullptr;
  const float* dy_ = nullptr;
  float* positions_ = nullptr;
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

struct Positions {
  size_t index = 0;
  bool output = false;
};

/// A plan whose kernel is a K of these sizes, or why not. `positions`: which value that is, an output or an input.
template <class K, class... Rest>
KernelAnswer planned(const Node& node, const std::variant<SmallConv, std::string>& s, int64_t samples,
                     std::optional<Positions> positions, Rest... rest) {
  if (const auto* why = std::get_if<std::string>(&s)) return *why;
  KernelPlan plan = plain_plan(node, positions ? "simd:lanes, pooled" : "simd:lanes",
                               std::make_unique<K>(std::get<SmallConv>(s), samples, positions.has_value(), rest...));
  if (positions) {
    const Types types = positions->output ? node.types() : node.input_types();
    (positions->output ? plan.outputs : plan.inputs)[positions->index] =
        std::make_shared<const LanePositions>(bytes_of(types[positions->index]));
  }
  return plan;
}

template <class O>
constexpr bool pooled = std::is_same_v<O, ConvPool> || std::is_same_v<O, ConvPoolBackwardData> ||
                        std::is_same_v<O, ConvPoolBackwardWeights>;

/// The positions of operators that have them.
template <class O>
std::optional<Positions> positions_of(const Positions& there) {
  return pooled<O> ? std::optional(there) : std::nullopt;
}

template <class O>
int64_t groups_of(const O& op) {
  if constexpr (pooled<O>)
    return 1;
  else
    return op.groups;
}

template <class O>
KernelAnswer make_forward(const KernelRequest& request, Backend&) {
  const Node& node = request.node;
  const auto& op = *node.as<O>();
  const auto below = slope_below_zero(op.activation);
  if constexpr (!pooled<O>)
    if (op.residual) return "for linear and relu, without a residual";
  if (!below) return "for linear and relu, without a residual";
  const TensorType& x = node.inputs()[0].type();
  return planned<Forward>(node, lane_conv_of(x, node.inputs()[1].type(), op.window, groups_of(op)), x.shape[0],
                          positions_of<O>({1, true}), *below);
}

template <class O>
KernelAnswer make_backward_data(const KernelRequest& request, Backend&) {
  const Node& node = request.node;
  const auto& op = *node.as<O>();
  const TensorType& x = node.types()[0];
  return planned<Data>(node, lane_conv_of(x, node.inputs().back().type(), op.window, groups_of(op)), x.shape[0],
                       positions_of<O>({1}));
}

template <class O>
KernelAnswer make_backward_weights(const KernelRequest& request, Backend&) {
  const Node& node = request.node;
  const auto& op = *node.as<O>();
  const TensorType& x = node.inputs()[0].type();
  return planned<Weights>(node, lane_conv_of(x, node.types()[0], op.window, groups_of(op)), x.shape[0],
                          positions_of<O>({2}));
}

}  // namespace

std::span<const KernelEntry> simd_kernels_in_lane_conv() {
  static const KernelEntry entries[] = {
      {"conv", "simd lanes", -1, make_forward<Conv>},
      {"conv_backward_data", "simd lanes", -1, make_backward_data<ConvBackwardData>},
      {"conv_backward_weights", "simd lanes", -1, make_backward_weights<ConvBackwardWeights>},
      {"conv_pool", "simd lanes", -1, make_forward<ConvPool>},
      {"conv_pool_backward_data", "simd lanes", -1, make_backward_data<ConvPoolBackwardData>},
      {"conv_pool_backward_weights", "simd lanes", -1, make_backward_weights<ConvPoolBackwardWeights>},
  };
  return entries;
}

}  // namespace ocellus

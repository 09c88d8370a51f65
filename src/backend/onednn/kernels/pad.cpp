// Padding of channels with zeros, and its gradient, in the order in which the value lies.
//
// Other layers' widths grow by such padding (the shortcuts of He et al. 2015, option A), between convolutions whose values are
// blocked. Any order with at most one block, of channels, is a nest of sample, block, position and lane; both operators copy runs
// of channels that are next to each other on both sides.

#include <ocellus/ops/shape.h>

#include <algorithm>
#include <array>
#include <cstring>

#include <ocellus/base/threads.h>

#include "backend/onednn/channel_order.h"
#include "backend/onednn/onednn_backend.h"

namespace ocellus {
namespace onednn {
namespace {

/// Channels that are copied together.
struct Run {
  int64_t from = 0, to = 0, count = 0;  // offsets within a sample, at position 0
};

/// The runs that carry channels [0, n) of `from` starting at `first_from` to those of `to` starting at `first_to`.
std::vector<Run> runs(const ChannelOrder& from, int64_t first_from, const ChannelOrder& to, int64_t first_to,
                      int64_t n) {
  std::vector<Run> found;
  for (int64_t c = 0; c < n;) {
    const int64_t a = first_from + c, b = first_to + c;
    const int64_t count = std::min({n - c, from.lanes - a % from.lanes, to.lanes - b % to.lanes});
    found.push_back({a / from.lanes * from.block + a % from.lanes, b / to.lanes * to.block + b % to.lanes, count});
    c += count;
  }
  return found;
}

template <class T>  // an element, of which only the size counts
class CopyChannels final : public Kernel {
 public:
  CopyChannels(const ChannelOrder& from, const ChannelOrder& to, std::vector<Run> runs, size_t bytes)
      : from_(from), to_(to), runs_(std::move(runs)), bytes_(bytes) {}

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    x_ = static_cast<const T*>(inputs[0]);
    y_ = static_cast<T*>(outputs[0]);
  }

  void run() override {
    parallel_for(to_.samples, 1, [this](int64_t begin, int64_t end) { some(begin, end); });
  }

 private:
  void some(int64_t begin, int64_t end) const {
    const size_t sample = bytes_ / static_cast<size_t>(to_.samples);
    for (int64_t n = begin; n < end; ++n) {
      T* y = y_ + n * to_.sample;
      std::memset(y, 0, sample);
      for (const Run& r : runs_) copy(x_ + n * from_.sample + r.from, y + r.to, r.count);
    }
  }

  void copy(const T* x, T* y, int64_t count) const {
    if (from_.position == count && to_.position == count) {  // nothing lies between the positions
      std::memcpy(y, x, static_cast<size_t>(count * to_.positions) * sizeof(T));
      return;
    }
    if (count == 1 && from_.position == 1 && to_.position == 1) {
      std::memcpy(y, x, static_cast<size_t>(to_.positions) * sizeof(T));
      return;
    }
    for (int64_t p = 0; p < to_.positions; ++p) std::copy_n(x + p * from_.position, count, y + p * to_.position);
  }

  ChannelOrder from_, to_;
  std::vector<Run> runs_;
  size_t bytes_;
  const T* x_ = nullptr;
  T* y_ = nullptr;
};

/// Other padding is for the kernel in pad_positions.cpp and for the operator's own evaluation.
template <class Op>
bool pads_channels(const Op& op) {
  if (op.mode != PadMode::constant) return false;
  for (size_t i = 0; i < op.before.size(); ++i)
    if (i != 1 && (op.before[i] != 0 || op.after[i] != 0)) return false;
  return true;
}

template <class Op>
KernelAnswer make_pad(const KernelRequest& request, Backend& backend) {
  const Node& node = request.node;
  const auto& op = *node.as<Op>();
  constexpr bool backward = std::is_same_v<Op, PadBackward>;
  const TensorType &x = node.inputs()[0].type(), &y = node.types()[0];
  if (!pads_channels(op)) return "for zeros around channels";
  if constexpr (!backward)
    if (op.value != 0) return "for zeros around channels";
  const bool narrow = x.dtype == DType::bf16;
  if ((x.dtype != DType::f32 && !narrow) || x.shape.rank() < 3) return "for f32 or bf16 values with spatial dimensions";
  const Desc source = desc_of(request.inputs[0], x);
  const Desc target = like(source, Dims(y.shape.begin(), y.shape.end()));
  const auto from = channel_order(source, data_type(x.dtype)), to = channel_order(target, data_type(x.dtype));
  if (!from || !to) return "for plain values, and for blocks of channels alone";
  const auto whole_samples = static_cast<size_t>(to->samples * to->sample) * size_of(x.dtype);
  if (whole_samples != target.get_size()) return "for samples that lie one behind the other";
  const int64_t shared = std::min(from->channels, to->channels);
  KernelPlan plan;
  plan.name = "copy";
  plan.inputs = {request.inputs[0]};
  plan.outputs = {layout_of(runtime_of(backend), target)};
  auto copied = runs(*from, backward ? op.before[1] : 0, *to, backward ? 0 : op.before[1], shared);
  if (narrow)
    plan.kernel = std::make_unique<CopyChannels<uint16_t>>(*from, *to, std::move(copied), target.get_size());
  else
    plan.kernel = std::make_unique<CopyChannels<float>>(*from, *to, std::move(copied), target.get_size());
  return plan;
}

}  // namespace
}  // namespace onednn

std::span<const KernelEntry> onednn_kernels_in_pad() {
  static const std::array entries = {
      KernelEntry{"pad", "onednn pad", 10, onednn::make_pad<Pad>},
      KernelEntry{"pad_backward", "onednn pad", 10, onednn::make_pad<PadBackward>},
  };
  return entries;
}

}  // namespace ocellus

// Chains of element-wise operators: a block of elements at a time goes through all of them, from the loops of
// simd/loops into buffers that stay in the first cache, so memory is read and written once. What has one number for each
// channel is spread over a block in the order in which values lie.

#include <ocellus/ops/chain.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>

#include <fmt/format.h>

#include <ocellus/base/threads.h>
#include <ocellus/graph/parameter.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/unary.h>

#include "backend/onednn/channel_order.h"
#include "backend/onednn/onednn_backend.h"
#include "backend/simd/loops/bf16.h"
#include "backend/simd/loops/elementwise.h"
#include "backend/simd/loops/unary.h"

namespace ocellus {
namespace onednn {
namespace {

constexpr size_t block = 1024;  // elements
/// Floats from one buffer to the next: at distances of 4 KB a load would wait for the store to another buffer.
constexpr size_t buffer_floats = block + 48;
constexpr int64_t grain = 16;  // blocks worth a thread

using Operands = std::array<const float*, 3>;
using Loop = std::function<void(const Operands& in, float* out, size_t n)>;

Loop loop_of(const Binary& op) {
  return [kind = op.kind, a = op.activation](const Operands& in, float* out, size_t n) {
    simd::binary(kind, {}, in[0], in[1], out, n);
    if (a) simd::activation(a, out, out, n);
  };
}

/// The loop of a link; every chainable operator has one.
Loop loop_of(const Op& op, size_t inputs) {
  if (const auto* o = dynamic_cast<const Binary*>(&op)) return loop_of(*o);
  if (const auto* o = dynamic_cast<const Unary*>(&op))
    return [f = o->function](const Operands& in, float* out, size_t n) { simd::unary(f, in[0], out, n); };
  if (const auto* o = dynamic_cast<const UnaryBackward*>(&op))
    return
        [f = o->function](const Operands& in, float* out, size_t n) { simd::unary_backward(f, in[0], in[1], out, n); };
  if (const auto* o = dynamic_cast<const ActivationOp*>(&op))
    return [a = o->activation](const Operands& in, float* out, size_t n) { simd::activation(a, in[0], out, n); };
  if (const auto* o = dynamic_cast<const ActivationBackward*>(&op))
    return [a = o->activation](const Operands& in, float* out, size_t n) {
      simd::activation_backward(a, in[0], in[1], out, n);
    };
  if (const auto* o = dynamic_cast<const Affine*>(&op))
    return [scale = static_cast<float>(o->scale), shift = static_cast<float>(o->shift)](
               const Operands& in, float* out, size_t n) { simd::affine(scale, shift, in[0], out, n); };
  if (const auto* o = dynamic_cast<const ExtremumBackward*>(&op))
    return [max = o->kind == BinaryKind::max](const Operands& in, float* out, size_t n) {
      simd::extremum_backward(max, in[0], in[1], in[2], out, n);
    };
  if (dynamic_cast<const AddN*>(&op) && inputs == 2)
    return [](const Operands& in, float* out, size_t n) { simd::binary(BinaryKind::add, {}, in[0], in[1], out, n); };
  return {};
}

/// A link: where its operands and its result are. Places from 0 are the chain's inputs, then come buffers; `output` is the
/// chain's output.
struct Call {
  Loop loop;
  std::vector<size_t> from;
  size_t to = 0;
};
constexpr size_t output = SIZE_MAX;

/// How numbers for channels lie in a value: runs of `run` elements of one sample and one set of `lanes` channels.
struct Spread {
  int64_t sample = 0, run = 0, lanes = 1, sets = 1;
  bool per_sample = false;

  int64_t numbers(int64_t samples) const { return (per_sample ? samples : 1) * sets * lanes; }
  void fill(const float* numbers, int64_t begin, int64_t count, float* to) const {
    while (count > 0) {
      const int64_t at = begin % sample, set = at / run, n = std::min(count, (set + 1) * run - at);
      const float* from = numbers + (per_sample ? begin / sample * sets * lanes : 0) + set * lanes;
      if (lanes == 1)
        simd::fill(*from, to, static_cast<size_t>(n));
      else
        for (int64_t i = 0, lane = at % lanes; i < n; lane = 0) {
          const int64_t step = std::min(lanes - lane, n - i);
          std::memcpy(to + i, from + lane, static_cast<size_t>(step) * sizeof(float));
          i += step;
        }
      begin += n;
      to += n;
      count -= n;
    }
  }
};

/// The spread of channels in values of this shape and order, or nothing for an order that has none.
std::optional<Spread> spread_of(const Shape& shape, const LayoutPtr& layout, const TensorType& type) {
  if (shape.rank() < 2) return Spread{shape.numel(), shape.numel()};
  const int64_t positions = shape.numel() / std::max<int64_t>(shape[0] * shape[1], 1);
  if (!layout) return Spread{positions * shape[1], positions, 1, shape[1]};
  const auto o = channel_order(desc_of(layout, type), data_type(type.dtype));
  if (!o || o->position != o->lanes) return std::nullopt;
  const int64_t run = o->lanes * o->positions;
  if (o->sample != run * o->blocks() || (o->blocks() > 1 && o->block != run)) return std::nullopt;
  return Spread{o->sample, run, o->lanes, o->blocks()};
}

class ChainKernel final : public Kernel {
 public:
  struct Input {
    bool spread = false;
    Spread order = {};
    int64_t numbers = 1, channels = 1;  ///< of a spread input
    std::vector<float> values = {};     ///< these in f32, filled up to whole sets of channels
  };

  ChainKernel(std::vector<Call> calls, std::vector<Input> inputs, size_t buffers, size_t elements, bool wide)
      : calls_(std::move(calls)),
        inputs_(std::move(inputs)),
        buffers_(buffers),
        elements_(static_cast<int64_t>(elements)),
        wide_(wide) {}

  /// Whether zeros stay zeros, as in the padding of values.
  bool keeps_zero() const {
    std::vector<float> zeros(inputs_.size() + buffers_, 0.0f);
    float result = 0;
    const auto at = [&](size_t place) { return place == output ? &result : &zeros[place]; };
    for (const Call& call : calls_) {
      Operands in{};
      for (size_t i = 0; i < call.from.size(); ++i) in[i] = at(call.from[i]);
      call.loop(in, at(call.to), 1);
    }
    return result == 0;
  }

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    in_.assign(inputs.begin(), inputs.end());
    out_ = outputs[0];
  }

  void run() override {
    for (size_t i = 0; i < inputs_.size(); ++i)
      if (inputs_[i].spread) take_numbers(i);
    parallel_for((elements_ + block - 1) / block, grain, [this](int64_t first, int64_t last) {
      alignas(64) float buffers[most_buffers][buffer_floats];
      for (int64_t b = first; b < last; ++b) run_block(b * static_cast<int64_t>(block), buffers);
    });
  }

  static constexpr size_t most_buffers = 24;

 private:
  void take_numbers(size_t i) {
    Input& input = inputs_[i];
    const int64_t row = input.order.sets * input.order.lanes;
    for (int64_t k = 0; k < input.numbers; k += input.channels) {
      float* to = input.values.data() + k / input.channels * row;
      if (wide_)
        std::memcpy(to, static_cast<const float*>(in_[i]) + k, static_cast<size_t>(input.channels) * sizeof(float));
      else
        simd::widen(static_cast<const uint16_t*>(in_[i]) + k, to, static_cast<size_t>(input.channels));
    }
  }

  void run_block(int64_t begin, float (*buffers)[buffer_floats]) const {
    const int64_t count = std::min<int64_t>(block, elements_ - begin);
    const auto n = static_cast<size_t>(count);
    std::array<const float*, most_buffers> in;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      in[i] = buffers[i];
      if (inputs_[i].spread)
        inputs_[i].order.fill(inputs_[i].values.data(), begin, count, buffers[i]);
      else if (wide_)
        in[i] = static_cast<const float*>(in_[i]) + begin;
      else
        simd::widen(static_cast<const uint16_t*>(in_[i]) + begin, buffers[i], n);
    }
    for (size_t k = 0; k < calls_.size(); ++k) {
      const Call& call = calls_[k];
      fetch_next(begin + count, k);
      Operands operands{};
      for (size_t i = 0; i < call.from.size(); ++i)
        operands[i] = call.from[i] < inputs_.size() ? in[call.from[i]] : buffers[call.from[i]];
      const bool last = call.to == output;
      float* to = !last ? buffers[call.to] : wide_ ? static_cast<float*>(out_) + begin : buffers[most_buffers - 1];
      call.loop(operands, to, n);
      if (last && !wide_) simd::narrow(to, static_cast<uint16_t*>(out_) + begin, n);
    }
  }

  /// Call k brings its share of the next block into the cache: otherwise each loop would wait for memory at its beginning.
  void fetch_next(int64_t begin, size_t k) const {
    constexpr size_t line = 64;
    const size_t size = wide_ ? sizeof(float) : sizeof(uint16_t);
    const size_t bytes = static_cast<size_t>(std::clamp<int64_t>(elements_ - begin, 0, block)) * size;
    const size_t first = bytes * k / calls_.size(), last = bytes * (k + 1) / calls_.size();
    for (size_t i = 0; i < inputs_.size(); ++i) {
      const char* at = static_cast<const char*>(in_[i]) + static_cast<size_t>(begin) * size;
      for (size_t b = first; b < last && !inputs_[i].spread; b += line) __builtin_prefetch(at + b);
    }
    char* at = static_cast<char*>(out_) + static_cast<size_t>(begin) * size;
    for (size_t b = first; b < last; b += line) __builtin_prefetch(at + b, 1);
  }

  std::vector<Call> calls_;
  std::vector<Input> inputs_;
  size_t buffers_;
  int64_t elements_;
  bool wide_;
  std::vector<void*> in_;
  void* out_ = nullptr;
};

/// The links as calls; `buffers` becomes how many they need. A result takes the first buffer that nobody reads any more.
std::vector<Call> calls_of(const Chain& chain, size_t inputs, size_t& buffers) {
  std::vector<size_t> last_use(chain.links.size(), 0), place(chain.links.size(), output), free;
  for (size_t k = 0; k < chain.links.size(); ++k)
    for (const int i : chain.links[k].from)
      if (i < 0) last_use[static_cast<size_t>(-1 - i)] = k;
  std::vector<Call> calls;
  for (size_t k = 0; k < chain.links.size(); ++k) {
    Call call{loop_of(*chain.links[k].op, chain.links[k].from.size()), {}, output};
    for (const int i : chain.links[k].from) {
      const size_t link = static_cast<size_t>(-1 - i);
      call.from.push_back(i >= 0 ? static_cast<size_t>(i) : place[link]);
      if (i < 0 && last_use[link] == k && std::ranges::find(free, place[link]) == free.end())
        free.push_back(place[link]);
    }
    if (k + 1 < chain.links.size()) {
      if (free.empty()) free.push_back(inputs + buffers++);
      call.to = place[k] = free.back();
      free.pop_back();
    }
    calls.push_back(std::move(call));
  }
  return calls;
}

KernelPlan plan_chain(const KernelRequest& request, const LayoutPtr& layout, bool& sound) {
  const auto& chain = *request.node.as<Chain>();
  const TensorType& type = request.node.types()[0];
  const size_t elements = (layout ? layout->bytes() : bytes_of(type)) / size_of(type.dtype);
  const auto order = spread_of(type.shape, layout, type);
  std::vector<ChainKernel::Input> inputs;
  KernelPlan plan;
  for (const Value& v : request.node.inputs()) {
    ChainKernel::Input& input = inputs.emplace_back();
    input.spread = v.shape() != type.shape;
    plan.inputs.push_back(input.spread ? nullptr : layout);
    if (!input.spread) {
      plan.in_place.emplace_back(0, inputs.size() - 1);
      continue;
    }
    input.numbers = v.shape().numel();
    input.channels = input.numbers == 1 ? 1 : type.shape[1];
    input.order = input.numbers == 1 ? Spread{static_cast<int64_t>(elements), static_cast<int64_t>(elements)}
                                     : order.value_or(Spread{});
    input.order.per_sample = input.numbers > input.channels;
    input.values.resize(static_cast<size_t>(input.order.numbers(input.numbers / input.channels)));
    sound = sound && (input.numbers == 1 || order);
  }
  size_t buffers = 0;
  std::vector<Call> calls = calls_of(chain, inputs.size(), buffers);
  auto kernel =
      std::make_unique<ChainKernel>(std::move(calls), std::move(inputs), buffers, elements, type.dtype == DType::f32);
  sound = sound && (elements == static_cast<size_t>(type.shape.numel()) || kernel->keeps_zero());
  plan.name = fmt::format("simd chain of {}", chain.links.size());
  plan.outputs = {layout};
  plan.kernel = std::move(kernel);
  return plan;
}

/// In the order of the first whole input that is not plain, unless channels can't be told there or padding would be filled.
KernelAnswer make_chain(const KernelRequest& request, Backend&) {
  const auto& chain = *request.node.as<Chain>();
  const TensorType& type = request.node.types()[0];
  if (type.dtype != DType::f32 && type.dtype != DType::bf16) return "works on f32 and bf16";
  for (const Link& link : chain.links)
    if (!loop_of(*link.op, link.from.size())) return "no loop for " + std::string(link.op->name());
  if (request.node.inputs().size() + chain.links.size() >= ChainKernel::most_buffers) return "too many operators";
  LayoutPtr layout;
  for (size_t i = 0; i < request.inputs.size() && !layout; ++i)
    if (request.node.inputs()[i].type() == type) layout = request.inputs[i];
  bool sound = true;
  KernelPlan plan = plan_chain(request, layout, sound);
  return sound ? std::move(plan) : plan_chain(request, nullptr, sound);
}

}  // namespace
}  // namespace onednn

std::span<const KernelEntry> onednn_kernels_in_chain() {
  static constexpr std::array<KernelEntry, 1> table = {{{"chain", "simd chain", 0, onednn::make_chain}}};
  return table;
}

}  // namespace ocellus

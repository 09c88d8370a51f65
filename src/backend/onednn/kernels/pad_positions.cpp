// Padding of positions by a constant, by reflection or by replication, and its gradient, in the order in which the
// value lies.
//
// Whatever the order, a plane of one block of channels is rows of positions, and a position is a run of lanes. A row
// of the output is a row of the input, or the constant: its middle is copied at once, its borders position by
// position, from where a table for each dimension says. Backwards the middle of dx is copied first; what the borders
// were copied from is then added to it.

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

/// One dimension: where each position of the outer (padded) value comes from in the inner one, -1 for the constant.
struct Side {
  int64_t inner = 1, before = 0;
  std::vector<int64_t> from = {0};

  int64_t outer() const { return static_cast<int64_t>(from.size()); }
  bool inside(int64_t i) const { return i >= before && i < before + inner; }
};

Side side(PadMode mode, int64_t before, int64_t inner, int64_t after) {
  Side s{inner, before, {}};
  for (int64_t i = -before; i < inner + after; ++i) {
    const int64_t mirrored = i < 0 ? -i : 2 * (inner - 1) - i;
    if (i >= 0 && i < inner)
      s.from.push_back(i);
    else
      s.from.push_back(mode == PadMode::reflect     ? mirrored
                       : mode == PadMode::replicate ? std::clamp<int64_t>(i, 0, inner - 1)
                                                    : -1);
  }
  return s;
}

/// Inner and outer orders of a padded value and how their positions belong together; one and two dimensions are three
/// with ones in front.
struct Positions {
  ChannelOrder inner, outer;
  std::array<Side, 3> sides;
  float value = 0;

  int64_t planes() const { return outer.samples * outer.blocks(); }
  int64_t rows() const { return sides[0].outer() * sides[1].outer(); }
  int64_t outer_row() const { return sides[2].outer() * outer.lanes; }
  int64_t inner_row() const { return sides[2].inner * inner.lanes; }

  int64_t inner_plane(int64_t plane) const { return start(inner, plane); }
  int64_t outer_plane(int64_t plane) const { return start(outer, plane); }

  /// Where the inner row behind row `row` of an outer plane begins in its plane; -1 for the constant.
  int64_t inner_start(int64_t row) const {
    const int64_t z = sides[0].from[row / sides[1].outer()], y = sides[1].from[row % sides[1].outer()];
    return z < 0 || y < 0 ? -1 : (z * sides[1].inner + y) * inner_row();
  }
  bool inside(int64_t row) const {
    return sides[0].inside(row / sides[1].outer()) && sides[1].inside(row % sides[1].outer());
  }

  /// Calls f(outer element, inner element or -1) with the first lanes of each position in a row's borders.
  template <class F>
  void each_in_borders(F&& f) const {
    const Side& xs = sides[2];
    for (int64_t x = 0; x < xs.outer(); ++x) {
      if (x == xs.before) x += xs.inner;
      if (x < xs.outer()) f(x * outer.lanes, xs.from[x] < 0 ? -1 : xs.from[x] * inner.lanes);
    }
  }

 private:
  static int64_t start(const ChannelOrder& o, int64_t plane) {
    return plane / o.blocks() * o.sample + plane % o.blocks() * o.block;
  }
};

void add(const float* from, float* to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] += from[i];
}

class Forward final : public Kernel {
 public:
  explicit Forward(Positions p) : p_(std::move(p)) {}

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    x_ = static_cast<const float*>(inputs[0]);
    y_ = static_cast<float*>(outputs[0]);
  }

  void run() override {
    constexpr int64_t grain = 16384;  // elements below which a second thread costs more than it saves
    parallel_for(p_.planes() * p_.rows(), grain / p_.outer_row() + 1, [this](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t plane = i / p_.rows(), row = i % p_.rows();
        write(x_ + p_.inner_plane(plane), row, y_ + p_.outer_plane(plane) + row * p_.outer_row());
      }
    });
  }

 private:
  void write(const float* plane, int64_t row, float* y) const {
    const int64_t start = p_.inner_start(row), lanes = p_.outer.lanes;
    if (start < 0) {
      std::fill_n(y, p_.outer_row(), p_.value);
      return;
    }
    const float* x = plane + start;
    std::memcpy(y + p_.sides[2].before * lanes, x, static_cast<size_t>(p_.inner_row()) * sizeof(float));
    p_.each_in_borders([&](int64_t to, int64_t from) {
      if (from < 0)
        std::fill_n(y + to, lanes, p_.value);
      else
        std::copy_n(x + from, lanes, y + to);
    });
  }

  Positions p_;
  const float* x_ = nullptr;
  float* y_ = nullptr;
};

class Backward final : public Kernel {
 public:
  explicit Backward(Positions p) : p_(std::move(p)) {}

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    dy_ = static_cast<const float*>(inputs[0]);
    dx_ = static_cast<float*>(outputs[0]);
  }

  void run() override {
    parallel_for(p_.planes(), 1, [this](int64_t begin, int64_t end) {
      for (int64_t plane = begin; plane < end; ++plane) write(dy_ + p_.outer_plane(plane), dx_ + p_.inner_plane(plane));
    });
  }

 private:
  void write(const float* dy, float* dx) const {
    const int64_t middle = p_.sides[2].before * p_.outer.lanes;
    for (int64_t row = 0; row < p_.rows(); ++row)
      if (p_.inside(row))
        std::memcpy(dx + p_.inner_start(row), dy + row * p_.outer_row() + middle,
                    static_cast<size_t>(p_.inner_row()) * sizeof(float));
    for (int64_t row = 0; row < p_.rows(); ++row) {
      const int64_t start = p_.inner_start(row);
      if (start < 0) continue;
      const float* from_row = dy + row * p_.outer_row();
      if (!p_.inside(row)) add(from_row + middle, dx + start, p_.inner_row());
      p_.each_in_borders([&](int64_t from, int64_t to) {
        if (to >= 0) add(from_row + from, dx + start + to, p_.inner.lanes);
      });
    }
  }

  Positions p_;
  const float* dy_ = nullptr;
  float* dx_ = nullptr;
};

template <class Op>
KernelAnswer make_pad(const KernelRequest& request, Backend& backend) {
  constexpr bool backward = std::is_same_v<Op, PadBackward>;
  const Node& node = request.node;
  const auto& op = *node.as<Op>();
  const TensorType &x = node.inputs()[0].type(), &y = node.types()[0];
  const size_t rank = x.shape.rank();
  if (x.dtype != DType::f32 || rank < 3 || rank > 5) return "for f32 values with one to three spatial dimensions";
  if (op.before[0] + op.after[0] + op.before[1] + op.after[1] != 0) return "for padding of positions alone";
  const Desc source = desc_of(request.inputs[0], x);
  const Desc target = like(source, Dims(y.shape.begin(), y.shape.end()));
  const auto from = channel_order(source), to = channel_order(target);
  if (!from || !to || from->position != from->lanes || to->position != to->lanes)
    return "for plain values, channels last, and blocks of channels alone";
  Positions p{backward ? *to : *from, backward ? *from : *to, {}};
  if constexpr (!backward) p.value = static_cast<float>(op.value);
  if (p.value != 0 && p.outer.channels % p.outer.lanes != 0) return "blocks that are not full must stay zero";
  const Shape& inner = backward ? y.shape : x.shape;
  for (size_t i = 2; i < rank; ++i) p.sides[3 - rank + i] = side(op.mode, op.before[i], inner[i], op.after[i]);
  KernelPlan plan;
  plan.name = "copy rows";
  plan.inputs = {request.inputs[0]};
  plan.outputs = {layout_of(runtime_of(backend), target)};
  if constexpr (backward)
    plan.kernel = std::make_unique<Backward>(std::move(p));
  else
    plan.kernel = std::make_unique<Forward>(std::move(p));
  return plan;
}

}  // namespace
}  // namespace onednn

std::span<const KernelEntry> onednn_kernels_in_pad_positions() {
  static const std::array entries = {
      KernelEntry{"pad", "onednn pad positions", 11, onednn::make_pad<Pad>},
      KernelEntry{"pad_backward", "onednn pad positions", 11, onednn::make_pad<PadBackward>},
  };
  return entries;
}

}  // namespace ocellus

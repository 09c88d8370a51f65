// RoI pooling and align on features whose channels lie next to each other: in blocks, or last.
//
// A bin's elements and weights are the same for all channels, so every element is a run of lanes. Sixteen lanes of a
// block are taken together; forward regions and these chunks are shared among threads, backward, where regions
// overlap, the chunks.

#include <ocellus/ops/roi.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "backend/onednn/channel_order.h"
#include "backend/onednn/onednn_backend.h"
#include "ops/support/aligned.h"

namespace ocellus {
namespace onednn {
namespace {

using detail::Region;

constexpr int64_t together = 16;

/// Calls f for every lane of a chunk, most often of a number that the compiler knows.
template <class F>
void each_lane(int64_t count, F&& f) {
  if (count == together)
    for (int64_t l = 0; l < together; ++l) f(l);
  else
    for (int64_t l = 0; l < count; ++l) f(l);
}

/// Up to sixteen lanes of a block: where they begin in features and pooled values.
struct Chunk {
  int64_t features, pooled, count;
};

/// What all four kernels know.
struct Task {
  ChannelOrder features, pooled;
  Shape features_shape, pooled_shape;
  double scale = 1;
  std::string_view op;
  size_t features_bytes = 0;

  int64_t regions() const { return pooled.samples; }
  int64_t bins() const { return pooled.positions; }
  int64_t chunks_of_block() const { return (features.lanes + together - 1) / together; }
  int64_t chunks() const { return features.blocks() * chunks_of_block(); }
  Chunk chunk(int64_t i) const {
    const int64_t block = i / chunks_of_block(), lane = i % chunks_of_block() * together;
    return {block * features.block + lane, block * pooled.block + lane, std::min(together, features.lanes - lane)};
  }

  Tensor regions_at(void* address) const { return Tensor::view(DType::f32, {regions(), 5}, address); }
  void expect_regions(const Tensor& rows) const {
    detail::expect_all_regions<float>(rows, scale, features_shape[0], op);
  }
  Region region(const Tensor& rows, int64_t r) const {
    return detail::region_at<float>(rows, r, scale, features_shape[0], op);
  }
};

template <class Op>
class Align final : public Kernel {
 public:
  Align(const Task& task, const Op& op) : task_(task), op_(op) {}

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    regions_ = task_.regions_at(inputs[1]);
    from_ = static_cast<const float*>(inputs[0]);
    to_ = static_cast<float*>(outputs[0]);
  }

  void run() override {
    task_.expect_regions(regions_);
    const int64_t regions = task_.regions();
    if constexpr (std::is_same_v<Op, RoiAlign>) {
      parallel_for(regions * task_.chunks(), 4, [this](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) gather(i / task_.chunks(), task_.chunk(i % task_.chunks()));
      });
    } else {
      std::memset(to_, 0, task_.features_bytes);
      parallel_for(task_.chunks(), 1, [this, regions](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i)
          for (int64_t r = 0; r < regions; ++r) scatter(r, task_.chunk(i));
      });
    }
  }

 private:
  void gather(int64_t r, const Chunk& chunk) const {
    const Region region = task_.region(regions_, r);
    const auto pooling = make_(region);
    const float* x = from_ + region.image * task_.features.sample + chunk.features;
    for (int64_t bin = 0; bin < task_.bins(); ++bin) {
      std::array<float, together> sums{};
      pooling.each(bin, [&](int64_t element, double weight) {
        const float* lanes = x + element * task_.features.position;
        each_lane(chunk.count, [&, w = static_cast<float>(weight)](int64_t l) { sums[l] += w * lanes[l]; });
      });
      std::copy_n(sums.data(), chunk.count, to_ + r * task_.pooled.sample + chunk.pooled + bin * task_.pooled.position);
    }
  }

  void scatter(int64_t r, const Chunk& chunk) const {
    const Region region = task_.region(regions_, r);
    const auto pooling = make_(region);
    float* dx = to_ + region.image * task_.features.sample + chunk.features;
    for (int64_t bin = 0; bin < task_.bins(); ++bin) {
      const float* dy = from_ + r * task_.pooled.sample + chunk.pooled + bin * task_.pooled.position;
      pooling.each(bin, [&](int64_t element, double weight) {
        float* lanes = dx + element * task_.features.position;
        each_lane(chunk.count, [&, w = static_cast<float>(weight)](int64_t l) { lanes[l] += w * dy[l]; });
      });
    }
  }

  Task task_;
  Op op_;
  decltype(detail::aligned_maker(std::declval<const Op&>(), Shape(), Shape())) make_ =
      detail::aligned_maker(op_, task_.features_shape, task_.pooled_shape);
  Tensor regions_;
  const float* from_ = nullptr;
  float* to_ = nullptr;
};

class Pool final : public Kernel {
 public:
  explicit Pool(const Task& task) : task_(task) {}

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    x_ = static_cast<const float*>(inputs[0]);
    regions_ = task_.regions_at(inputs[1]);
    y_ = static_cast<float*>(outputs[0]);
    at_ = static_cast<int32_t*>(outputs[1]);
  }

  void run() override {
    task_.expect_regions(regions_);
    parallel_for(task_.regions() * task_.chunks(), 4, [this](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) one(i / task_.chunks(), task_.chunk(i % task_.chunks()));
    });
  }

 private:
  void one(int64_t r, const Chunk& chunk) const {
    const Region region = task_.region(regions_, r);
    const int64_t columns = task_.pooled_shape[3];
    const detail::Elements ys = detail::whole_elements(region.y1, region.y2),
                           xs = detail::whole_elements(region.x1, region.x2);
    const float* x = x_ + region.image * task_.features.sample + chunk.features;
    for (int64_t bin = 0; bin < task_.bins(); ++bin) {
      const detail::Bin rows = ys.bin(bin / columns, task_.pooled_shape[2], task_.features_shape[2]);
      const int64_t to = r * task_.pooled.sample + chunk.pooled + bin * task_.pooled.position;
      largest(x, rows, xs.bin(bin % columns, columns, task_.features_shape[3]), chunk.count, to);
    }
  }

  /// The maxima of one bin and where they are, whichever somebody asks for. Choices without branches become vectors.
  void largest(const float* x, const detail::Bin& rows, const detail::Bin& columns, int64_t count, int64_t to) const {
    std::array<float, together> most{};
    std::array<int32_t, together> where;
    const bool empty = rows.begin >= rows.end || columns.begin >= columns.end;
    const int64_t width = task_.features_shape[3], first = rows.begin * width + columns.begin;
    where.fill(empty ? -1 : static_cast<int32_t>(first));
    if (!empty) std::copy_n(x + first * task_.features.position, count, most.data());
    for (int64_t i = rows.begin; i < rows.end; ++i)
      for (int64_t element = i * width + columns.begin; element < i * width + columns.end; ++element) {
        const float* lanes = x + element * task_.features.position;
        each_lane(count, [&, at = static_cast<int32_t>(element)](int64_t l) {
          const float value = lanes[l], before = most[l];
          const bool more = (value > before) | (std::isnan(value) & !std::isnan(before));
          most[l] = more ? value : before;
          where[l] = more ? at : where[l];
        });
      }
    if (y_) std::copy_n(most.data(), count, y_ + to);
    if (at_) std::copy_n(where.data(), count, at_ + to);
  }

  Task task_;
  Tensor regions_;
  const float* x_ = nullptr;
  float* y_ = nullptr;
  int32_t* at_ = nullptr;
};

class PoolBackward final : public Kernel {
 public:
  explicit PoolBackward(const Task& task) : task_(task) {}

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    dy_ = static_cast<const float*>(inputs[0]);
    at_ = static_cast<const int32_t*>(inputs[1]);
    regions_ = task_.regions_at(inputs[2]);
    dx_ = static_cast<float*>(outputs[0]);
  }

  void run() override {
    task_.expect_regions(regions_);
    std::memset(dx_, 0, task_.features_bytes);
    parallel_for(task_.chunks(), 1, [this](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        for (int64_t r = 0; r < task_.regions(); ++r) one(r, task_.chunk(i));
    });
  }

 private:
  void one(int64_t r, const Chunk& chunk) const {
    float* dx = dx_ + task_.region(regions_, r).image * task_.features.sample + chunk.features;
    for (int64_t bin = 0; bin < task_.bins(); ++bin) {
      const int64_t from = r * task_.pooled.sample + chunk.pooled + bin * task_.pooled.position;
      for (int64_t l = 0; l < chunk.count; ++l)
        if (at_[from + l] >= 0) dx[at_[from + l] * task_.features.position + l] += dy_[from + l];
    }
  }

  Task task_;
  Tensor regions_;
  const float* dy_ = nullptr;
  const int32_t* at_ = nullptr;
  float* dx_ = nullptr;
};

Dims dims_of(const Shape& shape) { return {shape.begin(), shape.end()}; }

/// A task with the orders of its values, and a plan that asks for them. `main` is input 0; the order in which it lies
/// serves if its channels are next to each other, else the one that convolutions like.
struct Prepared {
  Task task;
  KernelPlan plan;
  Desc pooled;
};

std::variant<Prepared, std::string> prepare(const KernelRequest& request, const RuntimePtr& runtime, bool backward) {
  const Node& node = request.node;
  const TensorType &from = node.inputs()[0].type(), &to = node.types()[0];
  if (from.dtype != DType::f32) return "works on f32";
  Desc source = desc_of(request.inputs[0], from);
  auto order = channel_order(source);
  if (!order || order->lanes < 8 || order->position != order->lanes) {
    source = activation_order(*runtime, dims_of(from.shape), data_type(from.dtype));
    order = channel_order(source);
  }
  const Desc target = like(source, dims_of(to.shape));
  const auto target_order = channel_order(target);
  if (!order || !target_order || order->position != order->lanes) return "for channels next to each other";
  Prepared p;
  p.pooled = backward ? source : target;
  p.task = {backward ? *target_order : *order, backward ? *order : *target_order, backward ? to.shape : from.shape,
            backward ? from.shape : to.shape};
  p.task.op = node.op().name();
  p.task.features_bytes = (backward ? target : source).get_size();
  p.plan.name = "lanes";
  p.plan.inputs.assign(request.inputs.begin(), request.inputs.end());
  p.plan.inputs[0] = layout_of(runtime, source);
  p.plan.outputs = {layout_of(runtime, target)};
  return p;
}

/// Positions lie as the pooled values do.
LayoutPtr positions_layout(const RuntimePtr& runtime, Desc pooled) {
  pooled.data.data_type = dnnl_s32;
  return layout_of(runtime, pooled);
}

template <class Op>
KernelAnswer make_align(const KernelRequest& request, Backend& backend) {
  constexpr bool backward = std::is_same_v<Op, RoiAlignBackward>;
  auto prepared = prepare(request, runtime_of(backend), backward);
  if (auto* why = std::get_if<std::string>(&prepared)) return *why;
  auto& [task, plan, pooled] = std::get<Prepared>(prepared);
  const auto& op = *request.node.as<Op>();
  task.scale = op.scale;
  plan.inputs[1] = nullptr;
  plan.kernel = std::make_unique<Align<Op>>(task, op);
  return std::move(plan);
}

KernelAnswer make_pool(const KernelRequest& request, Backend& backend) {
  auto prepared = prepare(request, runtime_of(backend), false);
  if (auto* why = std::get_if<std::string>(&prepared)) return *why;
  auto& [task, plan, pooled] = std::get<Prepared>(prepared);
  task.scale = request.node.as<RoiPool>()->scale;
  plan.inputs[1] = nullptr;
  plan.outputs.push_back(positions_layout(runtime_of(backend), pooled));
  plan.kernel = std::make_unique<Pool>(task);
  return std::move(plan);
}

KernelAnswer make_pool_backward(const KernelRequest& request, Backend& backend) {
  auto prepared = prepare(request, runtime_of(backend), true);
  if (auto* why = std::get_if<std::string>(&prepared)) return *why;
  auto& [task, plan, pooled] = std::get<Prepared>(prepared);
  plan.inputs[1] = positions_layout(runtime_of(backend), pooled);
  plan.inputs[2] = nullptr;
  plan.kernel = std::make_unique<PoolBackward>(task);
  return std::move(plan);
}

}  // namespace
}  // namespace onednn

std::span<const KernelEntry> onednn_kernels_in_roi() {
  static const std::array entries = {
      KernelEntry{"roi_align", "onednn roi", 10, onednn::make_align<RoiAlign>},
      KernelEntry{"roi_align_backward", "onednn roi", 10, onednn::make_align<RoiAlignBackward>},
      KernelEntry{"roi_pool", "onednn roi", 10, onednn::make_pool},
      KernelEntry{"roi_pool_backward", "onednn roi", 10, onednn::make_pool_backward},
  };
  return entries;
}

}  // namespace ocellus

// Three steps for a few tiles at a time, so that what lies between them stays in the cache: transform the tiles, one product of
// matrices for each point, transform back. Each thread takes its own tiles through all three, and waits for no other: what one
// core has written can be slow to read for another one. Backward weights sums the products over all tiles and transforms once.

#include "backend/onednn/winograd.h"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/base/threads.h>
#include <ocellus/ops/conv.h>

#include "backend/simd/loops/unary.h"
#include "backend/simd/loops/winograd.h"
#include "backend/simd/small_conv.h"

namespace ocellus::onednn {
namespace {

using simd::ImageOrder;
using simd::KernelMatrix;
using simd::TileMatrices;
using simd::Tiling;
using tag = dnnl::memory::format_tag;
constexpr auto f32 = dnnl::memory::data_type::f32;

/// Matrices lie this many floats further apart than they must: at distances of 4 KB their rows would share cache lines' places.
constexpr int64_t gap = 16;
constexpr int64_t cached_bytes = int64_t{3} << 20;  // of a thread's transformed tiles and products
constexpr int64_t large_bytes = int64_t{4} << 20;   // of weights that are read from memory for each product
constexpr int64_t grain = 2;                        // kernels worth a thread

/// A descriptor's order, if it is channels last or in blocks of channels that vectors fit into.
std::optional<ImageOrder> image_order(const Desc& desc) {
  const auto& data = desc.data;
  if (data.format_kind != dnnl_blocked || data.ndims != 4 || data.extra.flags != 0 || data.offset0 != 0 ||
      desc.data_type() != f32 || data.padded_dims[1] != data.dims[1])
    return std::nullopt;
  const auto& blocking = data.format_desc.blocking;
  ImageOrder order{.height = data.dims[2],
                   .width = data.dims[3],
                   .image = blocking.strides[0],
                   .row = blocking.strides[2],
                   .column = blocking.strides[3]};
  if (blocking.inner_nblks == 0 && blocking.strides[1] == 1) {
    order.block = data.dims[1];
    return order;
  }
  if (blocking.inner_nblks != 1 || blocking.inner_idxs[0] != 1 || blocking.inner_blks[0] % simd::winograd_lanes() != 0)
    return std::nullopt;
  order.block = blocking.inner_blks[0];
  order.block_distance = blocking.strides[1];
  return order;
}

/// The order of these dimensions that a kernel takes for a value that arrives in another one.
Desc taken(const std::optional<Desc>& arriving, const Dims& dims) {
  if (arriving && arriving->data.ndims == 4) {
    const Desc same = like(*arriving, dims);
    if (image_order(same)) return same;
  }
  return channels_last(dims, f32);
}

/// Matrices of `rows` x `columns`, one for each point.
Desc matrices(int64_t points, int64_t rows, int64_t columns, int64_t row, int64_t column) {
  return {{points, rows, columns}, f32, Dims{std::max(rows * row, columns * column) + gap, row, column}};
}

/// Adds output 0 = input 0 x input 1, a product for each point; gives the bytes of scratch memory that it needs.
size_t add_product(Sequence& sequence, const RuntimePtr& runtime, const std::array<Desc, 3>& a_b_product,
                   const dnnl::primitive_attr& attr) {
  const auto& [a, b, product] = a_b_product;
  const dnnl::matmul::primitive_desc pd(dnnl::matmul::desc(a, b, product), attr, runtime->engine());
  sequence.add(dnnl::matmul(pd), std::array{Arg{DNNL_ARG_SRC, in(0), a}, Arg{DNNL_ARG_WEIGHTS, in(1), b},
                                            Arg{DNNL_ARG_DST, out(0), product},
                                            Arg{DNNL_ARG_SCRATCHPAD, {Place::Kind::scratch, 0}, pd.scratchpad_desc()}});
  return pd.scratchpad_desc().get_size();
}

int64_t tiles_along(int64_t size, int64_t side) { return (size + side - 1) / side; }

int64_t divided(int64_t n, int64_t parts) { return (n + parts - 1) / parts; }

/// What one thread does: tiles [begin, end), for some of the results' channels.
struct Part {
  int64_t begin = 0, end = 0;
  int64_t channel = 0;  ///< the first
};

/// What cutting goes by.
struct Cut {
  int64_t step = 0;    ///< channels of the results that a thread can have are a multiple of it
  int64_t rows = 0;    ///< tiles that make a product fast
  int64_t fewest = 0;  ///< tiles that a thread has for itself
};

/// How the work is cut: for each thread its own tiles, or, where these are too few for large weights, all tiles and its own
/// channels of the results, so that each weight is read by one thread.
struct Geometry {
  Geometry(const WinogradShape& s, const Cut& cut)
      : points(s.points()),
        inner(s.src[1]),
        outer(s.dst[1]),
        rows(tiles_along(s.dst[2], s.side)),
        columns(tiles_along(s.dst[3], s.side)),
        tiles(s.dst[0] * rows * columns),
        channels(outer) {
    const int64_t threads = num_threads(), each = divided(tiles, threads);
    const bool by_channel = each < cut.fewest && outer % (threads * cut.step) == 0;
    if (by_channel) channels = outer / threads;
    for (int64_t t = 0; t < threads; ++t)
      parts.push_back(by_channel ? Part{0, tiles, t * channels}
                                 : Part{std::min(t * each, tiles), std::min((t + 1) * each, tiles), 0});
    const int64_t most = parts[0].end,
                  bytes_of_tile = points * (inner + channels) * static_cast<int64_t>(sizeof(float));
    at_once = divided(most, divided(most, std::max(cached_bytes / bytes_of_tile, cut.rows)));
    source = {s.side, rows, columns, inner, s.pad_top, s.pad_left};
    result = {s.side, rows, columns, channels, 0, 0};
  }

  TileMatrices source_tiles(float* scratch) const { return {scratch, at_once * inner + gap}; }
  TileMatrices result_tiles(float* scratch) const {
    return {scratch + points * (at_once * inner + gap), at_once * channels + gap};
  }
  /// Floats of both.
  int64_t floats() const { return points * (at_once * (inner + channels) + 2 * gap); }
  bool by_channel() const { return channels < outer; }

  int64_t points, inner, outer, rows, columns, tiles, channels, at_once = 0;
  Tiling source, result;
  std::vector<Part> parts;
};

/// Where a channel lies in an image.
int64_t offset_of(const ImageOrder& order, int64_t channel) {
  return channel / order.block * order.block_distance + channel % order.block;
}

/// Channels that threads can share: whole blocks, or vectors where channels come last.
int64_t channel_step(const ImageOrder& order) {
  return order.block_distance == 0 ? simd::winograd_lanes() : order.block;
}

/// Weights that don't stay in a thread's cache are read again for each product: the fewer and the larger these are, the better.
bool large(const WinogradShape& s) {
  return s.points() * s.src[1] * s.dst[1] * static_cast<int64_t>(sizeof(float)) > large_bytes;
}
Cut forward_cut(const WinogradShape& s, const ImageOrder& results) {
  const int64_t rows = large(s) ? 64 : 16;
  return {channel_step(results), rows, rows};
}
/// Threads that have tiles of their own have sums of their own as well, the size of the weights.
Cut weights_cut(const WinogradShape& s, const ImageOrder& results) {
  return {channel_step(results), 64, large(s) ? std::numeric_limits<int64_t>::max() : 64};
}

/// Weights [K,C,3,3] as a matrix of kernels: from C to K channels, or from K to C if mirrored.
KernelMatrix kernel_matrix(int64_t rows, int64_t columns, bool mirrored) {
  if (mirrored) return {rows, columns, columns * 9, 9, true};
  return {rows, columns, 9, rows * 9, false};
}

/// Forward, and backward data. Inputs: what is convolved, transformed weights, then bias and residual where there are any.
class Convolution final : public Kernel {
 public:
  struct Config {
    Desc src, dst;
    bool bias = false, residual = false;
    float below = 1;
    std::optional<Function> function = std::nullopt;  ///< that follows, where it is no slope
  };
  Convolution(const RuntimePtr& runtime, const WinogradShape& s, const Config& config)
      : config_(config),
        src_order_(*image_order(config.src)),
        dst_order_(*image_order(config.dst)),
        g_(s, forward_cut(s, dst_order_)) {
    const std::array product = {matrices(g_.points, g_.at_once, g_.inner, g_.inner, 1),
                                Desc({g_.points, g_.inner, g_.channels}, f32, Dims{g_.inner * g_.outer, g_.outer, 1}),
                                matrices(g_.points, g_.at_once, g_.channels, g_.channels, 1)};
    size_t scratchpad = 0;
    for (const Part& part : g_.parts) {
      threads_.push_back({part, Sequence(runtime), {}, {}, {}});
      scratchpad = add_product(threads_.back().products, runtime, product, user_scratchpad());
    }
    floats_of_thread_ = g_.floats() + divided(static_cast<int64_t>(scratchpad), 64) * 16;
  }

  size_t scratch() const { return static_cast<size_t>(floats_of_thread_) * g_.parts.size() * sizeof(float); }

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void* scratch) override {
    src_ = static_cast<const float*>(inputs[0]);
    const float* bias = config_.bias ? static_cast<const float*>(inputs[2]) : nullptr;
    const float* residual = config_.residual ? static_cast<const float*>(inputs.back()) : nullptr;
    auto* floats = static_cast<float*>(scratch);
    for (Thread& t : threads_) {
      const int64_t channel = t.part.channel, offset = offset_of(dst_order_, channel);
      t.dst = static_cast<float*>(outputs[0]) + offset;
      t.finish = {bias ? bias + channel : nullptr, residual ? residual + offset : nullptr, config_.below};
      t.source = g_.source_tiles(floats);
      t.result = g_.result_tiles(floats);
      t.products.bind(std::array<void*, 2>{t.source.data, static_cast<float*>(inputs[1]) + channel},
                      std::array<void*, 1>{t.result.data}, floats + g_.floats());
      floats += floats_of_thread_;
    }
  }

  void run() override {
    parallel_for(std::ssize(threads_), 1, [this](int64_t first, int64_t last) {
      for (int64_t t = first; t < last; ++t) run(threads_[static_cast<size_t>(t)]);
    });
  }

 private:
  struct Thread {
    Part part;
    Sequence products;
    simd::WinogradFinish finish;
    TileMatrices source, result;
    float* dst = nullptr;
  };

  void run(Thread& t) {
    for (int64_t begin = t.part.begin; begin < t.part.end; begin += g_.at_once) {
      const int64_t end = std::min(begin + g_.at_once, t.part.end);
      simd::winograd_input(g_.source, src_order_, src_, begin, end, t.source);
      t.products.run();
      simd::winograd_output(g_.result, dst_order_, t.result, begin, end, t.finish, t.dst);
      if (config_.function)
        for (int64_t tile = begin; tile < end; ++tile) apply_function(tile, t.dst);
    }
  }

  /// Applies the function to the results of a tile, while they are in the cache.
  void apply_function(int64_t tile, float* dst) const {
    const auto& o = dst_order_;
    const int64_t side = g_.result.side, lanes = std::min(o.block, g_.channels);
    const int64_t y = tile / g_.columns % g_.rows * side, x = tile % g_.columns * side;
    const int64_t columns = std::min(side, o.width - x), run = o.column == lanes ? columns : 1;  // pixels side by side
    float* corner = dst + tile / (g_.columns * g_.rows) * o.image + y * o.row + x * o.column;
    for (int64_t row = 0; row < std::min(side, o.height - y); ++row)
      for (int64_t channel = 0; channel < g_.channels; channel += lanes)
        for (int64_t column = 0; column < columns; column += run) {
          float* at = corner + offset_of(o, channel) + row * o.row + column * o.column;
          simd::unary(*config_.function, at, at, static_cast<size_t>(run * lanes));
        }
  }

  Config config_;
  ImageOrder src_order_, dst_order_;
  Geometry g_;
  std::vector<Thread> threads_;
  int64_t floats_of_thread_ = 0;
  const float* src_ = nullptr;
};

/// Backward weights. Inputs: x, dy. Outputs: dw, and db if `bias`. The point of A that is 1 in both directions adds up a
/// tile of dy: its matrix holds the gradient of the bias.
class WeightsGradient final : public Kernel {
 public:
  WeightsGradient(const RuntimePtr& runtime, const WinogradShape& s, const Desc& x, const Desc& dy, bool bias)
      : x_order_(*image_order(x)),
        dy_order_(*image_order(dy)),
        g_(s, weights_cut(s, dy_order_)),
        order_(kernel_matrix(g_.inner, g_.outer, false)),
        bias_(bias) {
    dnnl::primitive_attr attr = user_scratchpad();
    dnnl::post_ops sum;
    sum.append_sum(1);
    attr.set_post_ops(sum);
    const std::array product = {matrices(g_.points, g_.inner, g_.at_once, 1, g_.inner),
                                matrices(g_.points, g_.at_once, g_.channels, g_.channels, 1),
                                Desc({g_.points, g_.inner, g_.channels}, f32, tag::abc)};
    size_t scratchpad = 0;
    for (const Part& part : g_.parts) {
      threads_.push_back({part, Sequence(runtime), {}, {}, {}, nullptr, nullptr});
      scratchpad = add_product(threads_.back().products, runtime, product, attr);
    }
    floats_of_thread_ = g_.floats() + sum_floats() + g_.channels + divided(static_cast<int64_t>(scratchpad), 64) * 16;
  }

  size_t scratch() const { return static_cast<size_t>(floats_of_thread_) * threads_.size() * sizeof(float); }

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void* scratch) override {
    x_ = static_cast<const float*>(inputs[0]);
    dw_ = static_cast<float*>(outputs[0]);
    db_ = bias_ ? static_cast<float*>(outputs[1]) : nullptr;
    auto* floats = static_cast<float*>(scratch);
    for (Thread& t : threads_) {
      t.dy = static_cast<const float*>(inputs[1]) + offset_of(dy_order_, t.part.channel);
      t.source = g_.source_tiles(floats);
      t.result = g_.result_tiles(floats);
      t.sums = {floats + g_.floats(), g_.inner * g_.channels};
      t.bias = t.sums.data + sum_floats();
      t.products.bind(std::array<void*, 2>{t.source.data, t.result.data}, std::array<void*, 1>{t.sums.data},
                      t.bias + g_.channels);
      floats += floats_of_thread_;
    }
  }

  void run() override {
    parallel_for(std::ssize(threads_), 1, [this](int64_t first, int64_t last) {
      for (int64_t t = first; t < last; ++t) sum_up(threads_[static_cast<size_t>(t)]);
    });
    if (db_) finish_bias();
    if (!dw_) return;
    parallel_for(g_.inner, grain, [this](int64_t first, int64_t last) { finish(first, last); });
  }

 private:
  struct Thread {
    Part part;
    Sequence products;
    TileMatrices source, result, sums;
    const float* dy = nullptr;
    float* bias = nullptr;
  };

  int64_t sum_floats() const { return g_.points * g_.inner * g_.channels; }

  void sum_up(Thread& t) {
    std::fill_n(t.sums.data, sum_floats() + g_.channels, 0.0f);
    for (int64_t begin = t.part.begin; begin < t.part.end; begin += g_.at_once) {
      const int64_t count = std::min(g_.at_once, t.part.end - begin);
      simd::winograd_input(g_.source, x_order_, x_, begin, begin + count, t.source);
      simd::winograd_output_gradient(g_.result, dy_order_, t.dy, begin, begin + count, t.result);
      // Rows that have no tile are summed as well.
      if (count < g_.at_once) {
        clear(t.source, count, g_.inner);
        clear(t.result, count, g_.channels);
      }
      t.products.run();
      if (db_) add_bias(t, count);
    }
  }

  void clear(const TileMatrices& m, int64_t from, int64_t channels) const {
    for (int64_t p = 0; p < g_.points; ++p)
      std::fill_n(m.data + p * m.distance + from * channels, (g_.at_once - from) * channels, 0.0f);
  }

  void add_bias(const Thread& t, int64_t count) const {
    const int64_t one = g_.source.side + 2 + 1;
    for (int64_t i = 0; i < count; ++i) {
      const float* sums = t.result.data + one * t.result.distance + i * g_.channels;
      for (int64_t k = 0; k < g_.channels; ++k) t.bias[k] += sums[k];
    }
  }

  void finish_bias() {
    std::fill_n(db_, g_.outer, 0.0f);
    for (const Thread& t : threads_)
      for (int64_t k = 0; k < g_.channels; ++k) db_[t.part.channel + k] += t.bias[k];
  }

  /// The gradient of the weights of source channels [first, last): threads that had their own tiles are summed first.
  void finish(int64_t first, int64_t last) {
    KernelMatrix order = order_;
    order.columns = g_.channels;
    if (!g_.by_channel()) {
      const TileMatrices& total = threads_[0].sums;
      for (int64_t p = 0; p < g_.points; ++p)
        for (size_t t = 1; t < threads_.size(); ++t) {
          const float* part = threads_[t].sums.data + p * total.distance;
          float* sum = total.data + p * total.distance;
          for (int64_t i = first * g_.channels; i < last * g_.channels; ++i) sum[i] += part[i];
        }
      simd::winograd_weights_gradient(g_.source.side, order, total, first, last, dw_);
      return;
    }
    for (const Thread& t : threads_)
      simd::winograd_weights_gradient(g_.source.side, order, t.sums, first, last,
                                      dw_ + t.part.channel * order.column_distance);
  }

  ImageOrder x_order_, dy_order_;
  Geometry g_;
  KernelMatrix order_;
  bool bias_;
  std::vector<Thread> threads_;
  int64_t floats_of_thread_ = 0;
  const float* x_ = nullptr;
  float *dw_ = nullptr, *db_ = nullptr;
};

/// Puts weights into this layout's matrices; weights in another order than plain are put into that first.
class Packing final : public Kernel {
 public:
  Packing(const RuntimePtr& runtime, const Desc& from, int64_t side, const KernelMatrix& order)
      : side_(side), order_(order) {
    const Desc plain = row_major(from.dims(), f32);
    if (same_order(from, plain)) return;
    to_plain_.emplace(runtime, from, plain);
    plain_ = std::static_pointer_cast<float>(allocate(plain.get_size()));
  }

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    weights_ = static_cast<const float*>(inputs[0]);
    if (to_plain_) {
      to_plain_->bind(inputs, std::array<void*, 1>{plain_.get()}, nullptr);
      weights_ = plain_.get();
    }
    matrices_ = {static_cast<float*>(outputs[0]), order_.rows * order_.columns};
  }
  void run() override {
    if (to_plain_) to_plain_->run();
    parallel_for(order_.rows, grain, [this](int64_t begin, int64_t end) {
      simd::winograd_weights(side_, order_, weights_, begin, end, matrices_);
    });
  }

 private:
  int64_t side_;
  KernelMatrix order_;
  std::optional<ReorderKernel> to_plain_;
  std::shared_ptr<float> plain_;
  const float* weights_ = nullptr;
  TileMatrices matrices_;
};

KernelPlan plan_of(std::unique_ptr<Convolution> kernel, const RuntimePtr& runtime, const WinogradShape& s,
                   const Convolution::Config& config) {
  KernelPlan plan;
  plan.name = fmt::format("winograd {0}x{0}", s.side);
  plan.inputs = {layout_of(runtime, config.src), std::make_shared<WinogradWeights>(runtime, s)};
  if (config.bias) plan.inputs.push_back(nullptr);
  if (config.residual) {
    plan.in_place.emplace_back(0, plan.inputs.size());
    plan.inputs.push_back(layout_of(runtime, config.dst));
  }
  plan.outputs = {layout_of(runtime, config.dst)};
  plan.scratch = kernel->scratch();
  plan.kernel = std::move(kernel);
  return plan;
}

}  // namespace

std::optional<WinogradShape> winograd_shape(const ConvShape& s, Direction direction, Variant v) {
  if (v != Variant::winograd_2x2 && v != Variant::winograd_4x4) return std::nullopt;
  const int64_t side = v == Variant::winograd_2x2 ? 2 : 4;
  const auto all = [](const Dims& dims, int64_t value) {
    return std::ranges::all_of(dims, [=](int64_t d) { return d == value; });
  };
  const auto& w = s.window;
  const auto pads_fit = [](int64_t pad) { return pad >= 0 && pad <= 2; };
  if (s.type != f32 || s.src.size() != 4 || s.groups != 1 || !all(w.kernel, 3) || !all(w.stride, 1) ||
      !all(w.dilation, 0) || s.src[1] % simd::winograd_lanes() != 0 || s.dst[1] % simd::winograd_lanes() != 0 ||
      !std::ranges::all_of(w.pad_begin, pads_fit) || !std::ranges::all_of(w.pad_end, pads_fit))
    return std::nullopt;
  if (direction == Direction::backward_data)
    return WinogradShape{side, s.dst, s.src, 2 - w.pad_begin[0], 2 - w.pad_begin[1], true};
  return WinogradShape{side, s.src, s.dst, w.pad_begin[0], w.pad_begin[1], false};
}

bool winograd_takes(const Activation& a) { return slope_below_zero(a) || function_of(a); }

KernelAnswer winograd_forward(const KernelRequest& request, const RuntimePtr& runtime, const WinogradShape& s) {
  const auto& op = *request.node.as<Conv>();
  const auto below = slope_below_zero(op.activation);
  Convolution::Config config{.bias = op.bias, .residual = op.residual, .below = below.value_or(1)};
  config.function = function_of(op.activation);
  config.src = taken(desc_of(request.inputs[0], request.node.inputs()[0].type()), s.src);
  config.dst = taken(config.src, s.dst);
  if (op.residual) config.dst = taken(desc_of(request.inputs.back(), request.node.inputs().back().type()), s.dst);
  return plan_of(std::make_unique<Convolution>(runtime, s, config), runtime, s, config);
}

KernelAnswer winograd_backward_data(const KernelRequest& request, const RuntimePtr& runtime, const WinogradShape& s) {
  Convolution::Config config;
  config.src = taken(desc_of(request.inputs[0], request.node.inputs()[0].type()), s.src);
  config.dst = taken(config.src, s.dst);
  return plan_of(std::make_unique<Convolution>(runtime, s, config), runtime, s, config);
}

KernelAnswer winograd_backward_weights(const KernelRequest& request, const RuntimePtr& runtime,
                                       const WinogradShape& s) {
  const auto& node = request.node;
  const Desc x = taken(desc_of(request.inputs[0], node.inputs()[0].type()), s.src);
  const Desc dy = taken(desc_of(request.inputs[1], node.inputs()[1].type()), s.dst);
  auto kernel = std::make_unique<WeightsGradient>(runtime, s, x, dy, node.as<ConvBackwardWeights>()->bias);
  KernelPlan plan;
  plan.name = fmt::format("winograd {0}x{0}", s.side);
  plan.inputs = {layout_of(runtime, x), layout_of(runtime, dy)};
  plan.outputs.resize(node.types().size());
  plan.scratch = kernel->scratch();
  plan.kernel = std::move(kernel);
  return plan;
}

WinogradRehearsal winograd_rehearsal(const RuntimePtr& runtime, const WinogradShape& s, Direction direction,
                                     const std::optional<Desc>& src, const std::optional<Desc>& dst) {
  const bool forward = direction == Direction::forward, weights = direction == Direction::backward_weights;
  const Desc from = taken(direction == Direction::backward_data ? dst : src, s.src);
  const Desc to = (weights || forward) && dst ? taken(dst, s.dst) : taken(from, s.dst);
  const size_t kernel_bytes = static_cast<size_t>(s.points() * s.src[1] * s.dst[1]) * sizeof(float);
  std::shared_ptr<Kernel> kernel;
  size_t scratch = 0;
  const auto keep = [&](auto made) {
    scratch = made->scratch();
    kernel = std::move(made);
  };
  if (weights)
    keep(std::make_shared<WeightsGradient>(runtime, s, from, to, false));
  else
    keep(std::make_shared<Convolution>(runtime, s, Convolution::Config{.src = from, .dst = to}));
  const std::array memory = {allocate(from.get_size()), allocate(to.get_size()), allocate(kernel_bytes),
                             allocate(scratch)};
  const std::array<void*, 2> inputs = {memory[0].get(), memory[weights ? 1 : 2].get()};
  const std::array<void*, 1> outputs = {memory[weights ? 2 : 1].get()};
  kernel->bind(inputs, outputs, memory[3].get());
  WinogradRehearsal rehearsal{[kernel, memory] { kernel->run(); }, from, to};
  if (direction == Direction::backward_data) std::swap(rehearsal.src, rehearsal.dst);
  return rehearsal;
}

WinogradWeights::WinogradWeights(RuntimePtr runtime, const WinogradShape& s)
    : runtime_(std::move(runtime)), side_(s.side), rows_(s.src[1]), columns_(s.dst[1]), mirrored_(s.mirrored) {}

size_t WinogradWeights::bytes() const {
  return static_cast<size_t>((side_ + 2) * (side_ + 2) * rows_ * columns_) * sizeof(float);
}

bool WinogradWeights::equals(const Layout& other) const {
  const auto* o = dynamic_cast<const WinogradWeights*>(&other);
  return o && side_ == o->side_ && rows_ == o->rows_ && columns_ == o->columns_ && mirrored_ == o->mirrored_;
}

std::string WinogradWeights::to_string() const {
  return fmt::format("winograd {0}x{0}{1}", side_, mirrored_ ? " mirrored" : "");
}

std::unique_ptr<Kernel> WinogradWeights::packing(const Desc& from) const {
  return std::make_unique<Packing>(runtime_, from, side_, kernel_matrix(rows_, columns_, mirrored_));
}

void WinogradWeights::pack(const Tensor& plain, void* physical) const {
  const auto kernel = packing(row_major({DType::f32, plain.shape()}));
  kernel->bind(std::array<void*, 1>{const_cast<void*>(plain.data())}, std::array<void*, 1>{physical}, nullptr);
  kernel->run();
}

void WinogradWeights::unpack(const void*, Tensor&) const {
  throw Unsupported("transformed weights can't be read as a tensor");
}

}  // namespace ocellus::onednn

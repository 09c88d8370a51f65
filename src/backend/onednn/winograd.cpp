// Three steps for some thousand tiles at a time, so that what lies between them stays in the cache: transform the tiles, one
// product of matrices for each point, transform back. Backward weights sums the products over all tiles and transforms once.

#include "backend/onednn/winograd.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/base/threads.h>
#include <ocellus/ops/conv.h>

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
constexpr int64_t cached_bytes = int64_t{6} << 20;  // of transformed tiles and products
constexpr int64_t grain = 2;                        // tiles worth a thread

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

/// How many tiles at a time: as many as the cache holds, in parts of about one size.
int64_t tiles_at_once(int64_t tiles, int64_t bytes_of_tile) {
  const int64_t most = std::max<int64_t>(cached_bytes / bytes_of_tile, 32);
  const int64_t parts = (tiles + most - 1) / most;
  return (tiles + parts - 1) / parts;
}

int64_t tiles_along(int64_t size, int64_t side) { return (size + side - 1) / side; }

/// Sizes that all directions derive from a shape.
struct Geometry {
  explicit Geometry(const WinogradShape& s)
      : points(s.points()),
        inner(s.src[1]),
        outer(s.dst[1]),
        rows(tiles_along(s.dst[2], s.side)),
        columns(tiles_along(s.dst[3], s.side)),
        tiles(s.dst[0] * rows * columns),
        at_once(tiles_at_once(tiles, points * (inner + outer) * static_cast<int64_t>(sizeof(float)))),
        source{s.side, rows, columns, inner, s.pad_top, s.pad_left},
        result{s.side, rows, columns, outer, 0, 0} {}

  TileMatrices source_tiles(float* scratch) const { return {scratch, at_once * inner + gap}; }
  TileMatrices result_tiles(float* scratch) const {
    return {scratch + points * (at_once * inner + gap), at_once * outer + gap};
  }
  /// Floats of both.
  int64_t floats() const { return points * (at_once * (inner + outer) + 2 * gap); }

  int64_t points, inner, outer, rows, columns, tiles, at_once;
  Tiling source, result;
};

/// Weights [K,C,3,3] as a matrix of kernels: from C to K channels, or from K to C if mirrored.
KernelMatrix kernel_matrix(int64_t rows, int64_t columns, bool mirrored) {
  if (mirrored) return {rows, columns, columns * 9, 9, true};
  return {rows, columns, 9, rows * 9, false};
}

TileMatrices from_row(const TileMatrices& m, int64_t row, int64_t channels) {
  return {m.data + row * channels, m.distance};
}

/// Forward, and backward data. Inputs: what is convolved, transformed weights, then bias and residual where there are any.
class Convolution final : public Kernel {
 public:
  struct Config {
    Desc src, dst;
    bool bias = false, residual = false;
    float below = 1;
  };
  Convolution(const RuntimePtr& runtime, const WinogradShape& s, const Config& config)
      : g_(s),
        config_(config),
        src_order_(*image_order(config.src)),
        dst_order_(*image_order(config.dst)),
        products_(runtime) {
    const size_t scratchpad = add_product(
        products_, runtime,
        {matrices(g_.points, g_.at_once, g_.inner, g_.inner, 1), Desc({g_.points, g_.inner, g_.outer}, f32, tag::abc),
         matrices(g_.points, g_.at_once, g_.outer, g_.outer, 1)},
        user_scratchpad());
    scratch_ = static_cast<size_t>(g_.floats()) * sizeof(float) + scratchpad;
    finish_.below = config.below;
  }

  size_t scratch() const { return scratch_; }

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void* scratch) override {
    src_ = static_cast<const float*>(inputs[0]);
    if (config_.bias) finish_.bias = static_cast<const float*>(inputs[2]);
    if (config_.residual) finish_.residual = static_cast<const float*>(inputs.back());
    dst_ = static_cast<float*>(outputs[0]);
    auto* floats = static_cast<float*>(scratch);
    source_ = g_.source_tiles(floats);
    result_ = g_.result_tiles(floats);
    products_.bind(std::array<void*, 2>{source_.data, inputs[1]}, std::array<void*, 1>{result_.data},
                   floats + g_.floats());
  }

  void run() override {
    for (begin_ = 0; begin_ < g_.tiles; begin_ += g_.at_once) {
      const int64_t count = std::min(g_.at_once, g_.tiles - begin_);
      parallel_for(count, grain, [this](int64_t first, int64_t last) {
        simd::winograd_input(g_.source, src_order_, src_, begin_ + first, begin_ + last,
                             from_row(source_, first, g_.inner));
      });
      products_.run();
      parallel_for(count, grain, [this](int64_t first, int64_t last) {
        simd::winograd_output(g_.result, dst_order_, from_row(result_, first, g_.outer), begin_ + first, begin_ + last,
                              finish_, dst_);
      });
    }
  }

 private:
  Geometry g_;
  Config config_;
  ImageOrder src_order_, dst_order_;
  Sequence products_;
  size_t scratch_ = 0;
  simd::WinogradFinish finish_;
  const float* src_ = nullptr;
  float* dst_ = nullptr;
  TileMatrices source_, result_;
  int64_t begin_ = 0;
};

/// Backward weights. Inputs: x, dy. Outputs: dw, and db if `bias`. The point of A that is 1 in both directions adds up a
/// tile of dy: its matrix holds the gradient of the bias.
class WeightsGradient final : public Kernel {
 public:
  WeightsGradient(const RuntimePtr& runtime, const WinogradShape& s, const Desc& x, const Desc& dy, bool bias)
      : g_(s),
        order_(kernel_matrix(g_.inner, g_.outer, false)),
        x_order_(*image_order(x)),
        dy_order_(*image_order(dy)),
        products_(runtime),
        bias_(bias) {
    dnnl::primitive_attr attr = user_scratchpad();
    dnnl::post_ops sum;
    sum.append_sum(1);
    attr.set_post_ops(sum);
    const size_t scratchpad = add_product(
        products_, runtime,
        {matrices(g_.points, g_.inner, g_.at_once, 1, g_.inner), matrices(g_.points, g_.at_once, g_.outer, g_.outer, 1),
         Desc({g_.points, g_.inner, g_.outer}, f32, tag::abc)},
        attr);
    scratch_ = static_cast<size_t>(g_.floats() + sum_floats()) * sizeof(float) + scratchpad;
  }

  size_t scratch() const { return scratch_; }

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void* scratch) override {
    x_ = static_cast<const float*>(inputs[0]);
    dy_ = static_cast<const float*>(inputs[1]);
    dw_ = static_cast<float*>(outputs[0]);
    db_ = bias_ ? static_cast<float*>(outputs[1]) : nullptr;
    auto* floats = static_cast<float*>(scratch);
    source_ = g_.source_tiles(floats);
    result_ = g_.result_tiles(floats);
    sums_ = {floats + g_.floats(), g_.inner * g_.outer};
    products_.bind(std::array<void*, 2>{source_.data, result_.data}, std::array<void*, 1>{sums_.data},
                   sums_.data + sum_floats());
  }

  void run() override {
    std::fill_n(sums_.data, sum_floats(), 0.0f);
    if (db_) std::fill_n(db_, g_.outer, 0.0f);
    for (begin_ = 0; begin_ < g_.tiles; begin_ += g_.at_once) {
      count_ = std::min(g_.at_once, g_.tiles - begin_);
      parallel_for(g_.at_once, grain, [this](int64_t first, int64_t last) { transform(first, last); });
      products_.run();
      if (db_) add_bias();
    }
    if (!dw_) return;
    parallel_for(g_.inner, grain, [this](int64_t first, int64_t last) {
      simd::winograd_weights_gradient(g_.source.side, order_, sums_, first, last, dw_);
    });
  }

 private:
  int64_t sum_floats() const { return g_.points * g_.inner * g_.outer; }

  /// Rows that have no tile are zero: they are summed as well.
  void transform(int64_t first, int64_t last) {
    const int64_t end = std::clamp(count_, first, last);
    simd::winograd_input(g_.source, x_order_, x_, begin_ + first, begin_ + end, from_row(source_, first, g_.inner));
    simd::winograd_output_gradient(g_.result, dy_order_, dy_, begin_ + first, begin_ + end,
                                   from_row(result_, first, g_.outer));
    const auto clear = [&](const TileMatrices& m, int64_t channels) {
      for (int64_t p = 0; p < g_.points; ++p)
        std::fill_n(m.data + p * m.distance + end * channels, (last - end) * channels, 0.0f);
    };
    clear(source_, g_.inner);
    clear(result_, g_.outer);
  }

  void add_bias() {
    const int64_t one = g_.source.side + 2 + 1;
    for (int64_t t = 0; t < count_; ++t) {
      const float* sums = result_.data + one * result_.distance + t * g_.outer;
      for (int64_t k = 0; k < g_.outer; ++k) db_[k] += sums[k];
    }
  }

  Geometry g_;
  KernelMatrix order_;
  ImageOrder x_order_, dy_order_;
  Sequence products_;
  bool bias_;
  size_t scratch_ = 0;
  const float *x_ = nullptr, *dy_ = nullptr;
  float *dw_ = nullptr, *db_ = nullptr;
  TileMatrices source_, result_, sums_;
  int64_t begin_ = 0, count_ = 0;
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

KernelAnswer winograd_forward(const KernelRequest& request, const RuntimePtr& runtime, const WinogradShape& s) {
  const auto& op = *request.node.as<Conv>();
  const auto below = slope_below_zero(op.activation);
  if (!below) return "Winograd is followed by linear, relu or leaky relu";
  Convolution::Config config{.bias = op.bias, .residual = op.residual, .below = *below};
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

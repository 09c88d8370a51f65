#include "backend/onednn/conv_shape.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <numeric>

#include <ocellus/base/threads.h>

#include "backend/onednn/onednn_backend.h"
#include "backend/onednn/winograd.h"

namespace ocellus::onednn {
namespace {

using algorithm = dnnl::algorithm;

int64_t product(const Dims& dims) { return std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>()); }

Desc any_order(const Dims& dims, dnnl::memory::data_type type) { return {dims, type, dnnl::memory::format_tag::any}; }

Desc bias_desc(const ConvShape& s) {
  if (!s.bias) return {};
  return {{s.dst[1]}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::a};
}

bool all_are(const Dims& dims, int64_t value) {
  return std::ranges::all_of(dims, [&](int64_t d) { return d == value; });
}

/// Shapes that the library's Winograd kernels may take: 3x3 in two dimensions, stride 1.
bool may_be_winograd(const ConvShape& s) {
  return s.src.size() == 4 && s.groups == 1 && all_are(s.window.kernel, 3) && all_are(s.window.stride, 1) &&
         all_are(s.window.dilation, 0);
}

algorithm algorithm_of(Variant v) {
  return v == Variant::winograd ? algorithm::convolution_winograd : algorithm::convolution_direct;
}

/// The orders asked of a convolution's input and output. Blocks are asked of the output alone: an input with few channels
/// may lie better in another order.
Desc wanted_src(const ConvShape& s, Variant v) {
  return v == Variant::channels_last ? channels_last(s.src, s.type) : any_order(s.src, s.type);
}
Desc wanted_dst(const Runtime& runtime, const ConvShape& s, Variant v) {
  if (v == Variant::blocked) return activation_order(runtime, s.dst, s.type);
  return v == Variant::channels_last ? channels_last(s.dst, s.type) : any_order(s.dst, s.type);
}

/// A primitive with its arguments and the orders that it wants for input and output.
struct Candidate {
  dnnl::primitive primitive;
  std::vector<std::pair<int, Desc>> args;
  Desc src, dst;
  std::string implementation;
};

Candidate candidate(const Runtime& runtime, const ConvShape& s, const ConvContext& context, Variant v) {
  switch (context.direction) {
    case Direction::forward: {
      const auto pd = forward_desc(runtime, s, v, context.training, context.attr);
      return {ConvForward(pd),
              {{DNNL_ARG_SRC, pd.src_desc()},
               {DNNL_ARG_WEIGHTS, pd.weights_desc()},
               {DNNL_ARG_BIAS, pd.bias_desc()},
               {DNNL_ARG_DST, pd.dst_desc()},
               {DNNL_ARG_SCRATCHPAD, pd.scratchpad_desc()}},
              pd.src_desc(),
              pd.dst_desc(),
              pd.impl_info_str()};
    }
    case Direction::backward_data: {
      const auto pd = backward_data_desc(runtime, s, v);
      return {ConvData(pd),
              {{DNNL_ARG_DIFF_DST, pd.diff_dst_desc()},
               {DNNL_ARG_WEIGHTS, pd.weights_desc()},
               {DNNL_ARG_DIFF_SRC, pd.diff_src_desc()},
               {DNNL_ARG_SCRATCHPAD, pd.scratchpad_desc()}},
              pd.diff_src_desc(),
              pd.diff_dst_desc(),
              pd.impl_info_str()};
    }
    case Direction::backward_weights: break;
  }
  const auto pd = backward_weights_desc(runtime, s, v);
  return {ConvWeights(pd),
          {{DNNL_ARG_SRC, pd.src_desc()},
           {DNNL_ARG_DIFF_DST, pd.diff_dst_desc()},
           {DNNL_ARG_DIFF_WEIGHTS, pd.diff_weights_desc()},
           {DNNL_ARG_DIFF_BIAS, pd.diff_bias_desc()},
           {DNNL_ARG_SCRATCHPAD, pd.scratchpad_desc()}},
          pd.src_desc(),
          pd.diff_dst_desc(),
          pd.impl_info_str()};
}

std::optional<Candidate> available(const Runtime& runtime, const ConvShape& s, const ConvContext& context, Variant v) {
  try {
    Candidate c = candidate(runtime, s, context, v);
    if (!c.implementation.starts_with("ref")) return c;
  } catch (const dnnl::error&) {  // no implementation
  }
  return std::nullopt;
}

/// Tiles of 4x4 results in all images.
int64_t winograd_tiles(const ConvShape& s, Direction direction) {
  const Dims& results = direction == Direction::backward_data ? s.src : s.dst;
  return results[0] * ((results[2] + 3) / 4) * ((results[3] + 3) / 4);
}

/// The direct variant, and what differs from it and from each other. Other orders are tried where nobody after this
/// convolution has to live with them: activations of a training pass also go through normalisation and pooling, which are
/// at their best in the order that the library gives them. The library's Winograd is left out of prediction where ours fits: it
/// wins little there, and takes ten times as long to lay the weights out, at every start of a program.
std::vector<Variant> variants_to_try(const Runtime& runtime, const ConvShape& s, const ConvContext& context) {
  std::vector<Variant> wanted = {Variant::direct};
  const bool ours = winograd_shape(s, context.direction, Variant::winograd_4x4).has_value();
  if (may_be_winograd(s) && (context.training || !ours)) wanted.push_back(Variant::winograd);
  if (!context.training) wanted.push_back(Variant::blocked);
  if (!context.training || context.direction == Direction::backward_weights) wanted.push_back(Variant::channels_last);
  std::vector<Variant> variants;
  std::vector<Candidate> seen;
  for (const Variant v : wanted) {
    auto c = available(runtime, s, context, v);
    const auto same = [&](const Candidate& other) {
      return c->implementation == other.implementation && c->src == other.src && c->dst == other.dst;
    };
    if (!c || std::ranges::any_of(seen, same)) continue;
    variants.push_back(v);
    seen.push_back(std::move(*c));
  }
  for (const Variant v : {Variant::winograd_4x4, Variant::winograd_2x2})
    if (winograd_shape(s, context.direction, v)) variants.push_back(v);
  return variants;
}

/// What is timed instead of a convolution: one thread's share of the images, on one thread, where there are images enough to
/// share. That ranks the variants as all threads would, but does not wait at barriers for threads that a busy machine has
/// put aside. Fewer images where they would take long or much memory.
class Rehearsal {
 public:
  explicit Rehearsal(const ConvShape& s) : shape(s), threads_(num_threads()) {
    constexpr int64_t most_macs = int64_t{1} << 30, most_elements = int64_t{32} << 20;
    const int64_t images = s.src[0];
    if (images < threads_) return;
    const int64_t by_macs = most_macs / std::max<int64_t>(s.macs() / images, 1);
    const int64_t by_elements = most_elements / std::max<int64_t>((product(s.src) + product(s.dst)) / images, 1);
    const int64_t share = (images + threads_ - 1) / threads_;
    shape.src[0] = shape.dst[0] = std::clamp<int64_t>(std::min(by_macs, by_elements), 1, share);
    set_num_threads(1);
  }
  ~Rehearsal() { set_num_threads(threads_); }
  Rehearsal(const Rehearsal&) = delete;
  Rehearsal& operator=(const Rehearsal&) = delete;

  ConvShape shape;

 private:
  int threads_;
};

double reorder_seconds(Runtime& runtime, const std::optional<Desc>& arriving, const Desc& wanted) {
  if (!arriving) return 0;
  const Desc from = like(*arriving, Dims(wanted.data.dims, wanted.data.dims + wanted.data.ndims));
  if (same_order(from, wanted)) return 0;
  const dnnl::reorder::primitive_desc pd(runtime.engine(), from, runtime.engine(), wanted, user_scratchpad());
  return runtime.measure(dnnl::reorder(pd),
                         {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, wanted}, {DNNL_ARG_SCRATCHPAD, pd.scratchpad_desc()}});
}

double seconds_of(const RuntimePtr& runtime, const ConvShape& s, const ConvContext& context, Variant v) {
  const auto with_reorders = [&](double seconds, const Desc& src, const Desc& dst) {
    if (context.direction != Direction::backward_data) seconds += reorder_seconds(*runtime, context.src, src);
    return seconds + reorder_seconds(*runtime, context.dst, dst);
  };
  if (const auto tiles = winograd_shape(s, context.direction, v)) {
    const auto rehearsal = winograd_rehearsal(runtime, *tiles, context.direction, context.src, context.dst);
    return with_reorders(runtime->measure(rehearsal.run), rehearsal.src, rehearsal.dst);
  }
  const Candidate c = candidate(*runtime, s, context, v);
  return with_reorders(runtime->measure(c.primitive, c.args), c.src, c.dst);
}

std::string key_of(const Runtime& runtime, const ConvShape& s, const ConvContext& context,
                   const std::vector<std::string_view>& names) {
  constexpr std::array<std::string_view, 3> directions = {"forward", "backward_data", "backward_weights"};
  const auto tag = [](const std::optional<Desc>& desc) { return desc ? tag_of(*desc) : std::string("any"); };
  return fmt::format("conv {}{} {} {} {} of {} on {}", directions[static_cast<size_t>(context.direction)],
                     context.training ? "" : " inference", s.text(), tag(context.src), tag(context.dst),
                     fmt::join(names, "/"), runtime.machine());
}

}  // namespace

ConvShape::ConvShape(const TensorType& x, const TensorType& w, const Window& sliding, int64_t groups)
    : src(x.shape.begin(), x.shape.end()),
      weights(w.shape.begin(), w.shape.end()),
      groups(groups),
      type(data_type(x.dtype)) {
  const PlacedWindow placed = place(sliding, spatial(x.shape), spatial(w.shape));
  window = window_dims(placed);
  dst = {x.shape[0], w.shape[0]};
  dst.insert(dst.end(), placed.output.begin(), placed.output.end());
  if (groups > 1) {
    weights[0] /= groups;
    weights.insert(weights.begin(), groups);
  }
}

int64_t ConvShape::macs() const { return product(dst) * product(weights) / dst[1]; }

std::string ConvShape::text() const {
  const auto by = [](const Dims& dims) { return fmt::format("{}", fmt::join(dims, "x")); };
  return fmt::format("{} w{} s{} d{} p{},{} {}{}", by(src), by(weights), by(window.stride), by(window.dilation),
                     by(window.pad_begin), by(window.pad_end), type == dnnl::memory::data_type::f32 ? "f32" : "bf16",
                     bias ? " bias" : "");
}

ConvForward::primitive_desc forward_desc(const Runtime& runtime, const ConvShape& s, Variant v, bool training,
                                         const dnnl::primitive_attr& attr) {
  const auto prop = training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
  const Desc src = wanted_src(s, v), weights = any_order(s.weights, s.type), dst = wanted_dst(runtime, s, v);
  const auto a = algorithm_of(v);
  const auto& w = s.window;
  if (s.bias) {
    const ConvForward::desc desc(prop, a, src, weights, bias_desc(s), dst, w.stride, w.dilation, w.pad_begin,
                                 w.pad_end);
    return {desc, attr, runtime.engine()};
  }
  const ConvForward::desc desc(prop, a, src, weights, dst, w.stride, w.dilation, w.pad_begin, w.pad_end);
  return {desc, attr, runtime.engine()};
}

ConvData::primitive_desc backward_data_desc(const Runtime& runtime, const ConvShape& s, Variant v) {
  const auto hint = forward_desc(runtime, s, Variant::direct, true, user_scratchpad());
  const auto& w = s.window;
  const ConvData::desc desc(algorithm_of(v), wanted_src(s, v), any_order(s.weights, s.type), wanted_dst(runtime, s, v),
                            w.stride, w.dilation, w.pad_begin, w.pad_end);
  return {desc, user_scratchpad(), runtime.engine(), hint};
}

ConvWeights::primitive_desc backward_weights_desc(const Runtime& runtime, const ConvShape& s, Variant v) {
  const auto hint = forward_desc(runtime, s, Variant::direct, true, user_scratchpad());
  // Gradients of weights stay f32: they meet f32 masters.
  const Desc src = wanted_src(s, v), dst = wanted_dst(runtime, s, v),
             weights = any_order(s.weights, dnnl::memory::data_type::f32);
  const auto a = algorithm_of(v);
  const auto& w = s.window;
  if (s.bias) {
    const ConvWeights::desc desc(a, src, weights, bias_desc(s), dst, w.stride, w.dilation, w.pad_begin, w.pad_end);
    return {desc, user_scratchpad(), runtime.engine(), hint};
  }
  const ConvWeights::desc desc(a, src, weights, dst, w.stride, w.dilation, w.pad_begin, w.pad_end);
  return {desc, user_scratchpad(), runtime.engine(), hint};
}

Variant choose_variant(OneDnnBackend& backend, const ConvShape& shape, const ConvContext& context) {
  Runtime& runtime = *backend.runtime();
  if (backend.algorithms() == Algorithms::exact) return Variant::direct;
  if (backend.algorithms() == Algorithms::standard) {
    constexpr int64_t least_channels = 32;  // with fewer the transforms cost more than they save
    const bool wide = shape.src[1] >= least_channels && shape.dst[1] >= least_channels;
    if (!wide || !may_be_winograd(shape)) return Variant::direct;
    if (winograd_shape(shape, context.direction, Variant::winograd_4x4)) {
      // With fewer tiles, transformed weights, four times as many, are read for too few products.
      constexpr int64_t least_tiles = 16;
      return winograd_tiles(shape, context.direction) < least_tiles ? Variant::direct : Variant::winograd_4x4;
    }
    return available(runtime, shape, context, Variant::winograd) ? Variant::winograd : Variant::direct;
  }
  constexpr std::array<std::string_view, 6> all_names = {"direct",        "winograd",     "blocked",
                                                         "channels_last", "winograd_4x4", "winograd_2x2"};
  const std::vector<Variant> variants = variants_to_try(runtime, shape, context);
  if (variants.size() < 2) return Variant::direct;
  std::vector<std::string_view> names;
  for (const Variant v : variants) names.push_back(all_names[static_cast<size_t>(v)]);
  ConvContext timed_context = context;
  timed_context.attr = user_scratchpad();
  const size_t best = backend.chooser().choose(key_of(runtime, shape, context, names), names, [&](size_t i) {
    const Rehearsal rehearsal(shape);
    return seconds_of(backend.runtime(), rehearsal.shape, timed_context, variants[i]);
  });
  return variants[best];
}

}  // namespace ocellus::onednn

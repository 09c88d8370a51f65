#include "backend/onednn/conv_shape.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <numeric>

#include <ocellus/base/threads.h>

#include "backend/onednn/onednn_backend.h"

namespace ocellus::onednn {
namespace {

using algorithm = dnnl::algorithm;

int64_t product(const Dims& dims) {
  return std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>());
}

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

bool library_has_winograd(const Runtime& runtime, const ConvShape& s, Direction direction, bool training,
                          const dnnl::primitive_attr& attr) {
  try {
    switch (direction) {
      case Direction::forward: forward_desc(runtime, s, algorithm::convolution_winograd, training, attr); break;
      case Direction::backward_data: backward_data_desc(runtime, s, algorithm::convolution_winograd); break;
      case Direction::backward_weights: backward_weights_desc(runtime, s, algorithm::convolution_winograd); break;
    }
    return true;
  } catch (const dnnl::error&) {
    return false;
  }
}

/// The same convolution of fewer images, where all of them would take long to time or much memory.
ConvShape for_timing(ConvShape s) {
  constexpr int64_t most_macs = int64_t{2} << 30, most_elements = int64_t{64} << 20;
  const int64_t images = s.src[0];
  const int64_t by_macs = most_macs / std::max<int64_t>(s.macs() / images, 1);
  const int64_t by_elements = most_elements / std::max<int64_t>((product(s.src) + product(s.dst)) / images, 1);
  const int64_t least = std::min<int64_t>(images, num_threads());
  s.src[0] = s.dst[0] = std::clamp(std::min(by_macs, by_elements), least, images);
  return s;
}

double seconds_of(Runtime& runtime, const ConvShape& s, Direction direction, bool training, algorithm a) {
  switch (direction) {
    case Direction::forward: {
      const auto pd = forward_desc(runtime, s, a, training, user_scratchpad());
      return runtime.measure(ConvForward(pd), {{DNNL_ARG_SRC, pd.src_desc()},
                                               {DNNL_ARG_WEIGHTS, pd.weights_desc()},
                                               {DNNL_ARG_BIAS, pd.bias_desc()},
                                               {DNNL_ARG_DST, pd.dst_desc()},
                                               {DNNL_ARG_SCRATCHPAD, pd.scratchpad_desc()}});
    }
    case Direction::backward_data: {
      const auto pd = backward_data_desc(runtime, s, a);
      return runtime.measure(ConvData(pd), {{DNNL_ARG_DIFF_DST, pd.diff_dst_desc()},
                                            {DNNL_ARG_WEIGHTS, pd.weights_desc()},
                                            {DNNL_ARG_DIFF_SRC, pd.diff_src_desc()},
                                            {DNNL_ARG_SCRATCHPAD, pd.scratchpad_desc()}});
    }
    case Direction::backward_weights: {
      const auto pd = backward_weights_desc(runtime, s, a);
      return runtime.measure(ConvWeights(pd), {{DNNL_ARG_SRC, pd.src_desc()},
                                               {DNNL_ARG_DIFF_DST, pd.diff_dst_desc()},
                                               {DNNL_ARG_DIFF_WEIGHTS, pd.diff_weights_desc()},
                                               {DNNL_ARG_DIFF_BIAS, pd.diff_bias_desc()},
                                               {DNNL_ARG_SCRATCHPAD, pd.scratchpad_desc()}});
    }
  }
  return 0;
}

}  // namespace

ConvShape::ConvShape(const TensorType& x, const TensorType& w, const Window& sliding, int64_t groups)
    : src(x.shape.begin(), x.shape.end()), weights(w.shape.begin(), w.shape.end()), groups(groups), type(data_type(x.dtype)) {
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
                     by(window.pad_begin), by(window.pad_end),
                     type == dnnl::memory::data_type::f32 ? "f32" : "bf16", bias ? " bias" : "");
}

ConvForward::primitive_desc forward_desc(const Runtime& runtime, const ConvShape& s, algorithm a, bool training,
                                         const dnnl::primitive_attr& attr) {
  const auto prop = training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
  const Desc src = any_order(s.src, s.type), weights = any_order(s.weights, s.type), dst = any_order(s.dst, s.type);
  const auto& w = s.window;
  if (s.bias) {
    const ConvForward::desc desc(prop, a, src, weights, bias_desc(s), dst, w.stride, w.dilation, w.pad_begin, w.pad_end);
    return {desc, attr, runtime.engine()};
  }
  const ConvForward::desc desc(prop, a, src, weights, dst, w.stride, w.dilation, w.pad_begin, w.pad_end);
  return {desc, attr, runtime.engine()};
}

ConvData::primitive_desc backward_data_desc(const Runtime& runtime, const ConvShape& s, algorithm a) {
  const auto hint = forward_desc(runtime, s, algorithm::convolution_direct, true, user_scratchpad());
  const auto& w = s.window;
  const ConvData::desc desc(a, any_order(s.src, s.type), any_order(s.weights, s.type), any_order(s.dst, s.type), w.stride,
                            w.dilation, w.pad_begin, w.pad_end);
  return {desc, user_scratchpad(), runtime.engine(), hint};
}

ConvWeights::primitive_desc backward_weights_desc(const Runtime& runtime, const ConvShape& s, algorithm a) {
  const auto hint = forward_desc(runtime, s, algorithm::convolution_direct, true, user_scratchpad());
  // Gradients of weights stay f32: they meet f32 masters.
  const Desc src = any_order(s.src, s.type), dst = any_order(s.dst, s.type),
             weights = any_order(s.weights, dnnl::memory::data_type::f32);
  const auto& w = s.window;
  if (s.bias) {
    const ConvWeights::desc desc(a, src, weights, bias_desc(s), dst, w.stride, w.dilation, w.pad_begin, w.pad_end);
    return {desc, user_scratchpad(), runtime.engine(), hint};
  }
  const ConvWeights::desc desc(a, src, weights, dst, w.stride, w.dilation, w.pad_begin, w.pad_end);
  return {desc, user_scratchpad(), runtime.engine(), hint};
}

algorithm choose_algorithm(OneDnnBackend& backend, const ConvShape& shape, Direction direction, bool training,
                           const dnnl::primitive_attr& attr) {
  constexpr std::array<std::string_view, 2> names = {"direct", "winograd"};
  constexpr std::array<std::string_view, 3> directions = {"forward", "backward_data", "backward_weights"};
  Runtime& runtime = *backend.runtime();
  if (backend.algorithms() == Algorithms::exact || !may_be_winograd(shape) ||
      !library_has_winograd(runtime, shape, direction, training, attr))
    return algorithm::convolution_direct;
  if (backend.algorithms() == Algorithms::standard) {
    constexpr int64_t least_channels = 32;  // with fewer the transforms cost more than they save
    const bool wide = shape.src[1] >= least_channels && shape.dst[1] >= least_channels;
    return wide ? algorithm::convolution_winograd : algorithm::convolution_direct;
  }
  const std::string key = fmt::format("conv {}{} {} on {}", directions[static_cast<size_t>(direction)],
                                      training ? "" : " inference", shape.text(), runtime.machine());
  const ConvShape timed = for_timing(shape);
  const size_t best = backend.chooser().choose(key, names, [&](size_t i) {
    const auto candidate = i == 0 ? algorithm::convolution_direct : algorithm::convolution_winograd;
    return seconds_of(runtime, timed, direction, training, candidate);
  });
  return best == 0 ? algorithm::convolution_direct : algorithm::convolution_winograd;
}

}  // namespace ocellus::onednn

#include <ocellus/nn/layers/layer_norm.h>

#include <algorithm>

#include <fmt/format.h>

#include <ocellus/ops/shape.h>

#include "nn/layers/sample_norm.h"

namespace ocellus::nn {
namespace {

/// [N,C,...] as [N,...,C], and back.
Value channels_last(const Value& x) {
  std::vector<int64_t> order = {0};
  for (size_t i = 2; i < x.shape().rank(); ++i) order.push_back(static_cast<int64_t>(i));
  order.push_back(1);
  return ops::transpose(x, order);
}
Value channels_first(const Value& x) {
  const auto rank = static_cast<int64_t>(x.shape().rank());
  std::vector<int64_t> order = {0, rank - 1};
  for (int64_t i = 1; i < rank - 1; ++i) order.push_back(i);
  return ops::transpose(x, order);
}

}  // namespace

LayerNorm::LayerNorm(LayerNormConfig config) : Layer("LayerNorm", config.name), config_(std::move(config)) {
  if (config_.dimensions < 0)
    throw UsageError(fmt::format("LayerNorm: dimensions must be at least 0, got {}", config_.dimensions));
  if (config_.each_position && config_.dimensions != 0)
    throw UsageError("LayerNorm: each position's channels are normalised, or the last dimensions, but not both");
}

Values LayerNorm::call(Build& build, const Values& inputs) const {
  if (config_.each_position) {
    const Value& x = with_channels(inputs);
    const Value last = channels_last(x);
    return {channels_first(ops::layer_norm(last, 1, norm_config(build, config_, {x.shape()[1]})))};
  }
  const Value& x = single(inputs);
  const auto rank = static_cast<int64_t>(x.shape().rank());
  const int64_t last = config_.dimensions == 0 ? rank - 1 : config_.dimensions;
  if (last < 1 || last >= rank)
    throw ShapeError(fmt::format("needs an input [N,...] with {} dimensions after the batch, got {}",
                                 std::max<int64_t>(last, 1), to_string(x.type())));
  const Shape normalised(std::span(x.shape().begin(), x.shape().end()).last(static_cast<size_t>(last)));
  return {ops::layer_norm(x, last, norm_config(build, config_, normalised))};
}

}  // namespace ocellus::nn

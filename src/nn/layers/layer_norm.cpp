#include <ocellus/nn/layers/layer_norm.h>

#include <algorithm>

#include <fmt/format.h>

#include "nn/layers/sample_norm.h"

namespace ocellus::nn {

LayerNorm::LayerNorm(LayerNormConfig config) : Layer("LayerNorm", config.name), config_(std::move(config)) {
  if (config_.dimensions < 0)
    throw UsageError(fmt::format("LayerNorm: dimensions must be at least 0, got {}", config_.dimensions));
}

Values LayerNorm::call(Build& build, const Values& inputs) const {
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

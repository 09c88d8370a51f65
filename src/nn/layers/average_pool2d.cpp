#include <ocellus/nn/layers/average_pool2d.h>

#include <ocellus/ops/pool.h>

#include "nn/layers/checks.h"

namespace ocellus::nn {

AveragePool2D::AveragePool2D(AveragePool2DConfig config) : Layer("AveragePool2D", config.name), config_(std::move(config)) {
  at_least_one("AveragePool2D", "size", config_.size);
  if (config_.stride) at_least_one("AveragePool2D", "stride", *config_.stride);
}

Values AveragePool2D::call(Build&, const Values& inputs) const {
  const Value& x = single(inputs);
  if (x.shape().rank() != 4) throw ShapeError("needs an input [N,C,H,W], got " + to_string(x.type()));
  const ops::PoolConfig config{.kernel = config_.size.dims(),
                               .window = {config_.stride.value_or(config_.size).dims(), {1}, config_.padding},
                               .ceil_mode = config_.ceil_mode,
                               .count_include_pad = config_.count_include_pad};
  return {ops::average_pool(x, config)};
}

}  // namespace ocellus::nn

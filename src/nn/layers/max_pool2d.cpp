#include <ocellus/nn/layers/max_pool2d.h>

#include <ocellus/ops/pool.h>

#include "nn/layers/checks.h"

namespace ocellus::nn {

MaxPool2D::MaxPool2D(MaxPool2DConfig config) : Layer("MaxPool2D", config.name), config_(std::move(config)) {
  at_least_one("MaxPool2D", "size", config_.size);
  if (config_.stride) at_least_one("MaxPool2D", "stride", *config_.stride);
}

Values MaxPool2D::call(Build&, const Values& inputs) const {
  const Value& x = single(inputs);
  if (x.shape().rank() != 4) throw ShapeError("needs an input [N,C,H,W], got " + to_string(x.type()));
  const ops::PoolConfig config{.kernel = config_.size.dims(),
                               .window = {config_.stride.value_or(config_.size).dims(), {1}, config_.padding},
                               .ceil_mode = config_.ceil_mode,
                               .count_include_pad = false};
  return {ops::max_pool(x, config)};
}

}  // namespace ocellus::nn

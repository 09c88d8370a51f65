#include <ocellus/nn/layers/resize2d.h>

#include "nn/layers/checks.h"

namespace ocellus::nn {

Resize2D::Resize2D(Resize2DConfig config) : Layer("Resize2D", config.name), config_(std::move(config)) {
  at_least_one("Resize2D", "factor", config_.factor);
  if (config_.size) at_least_one("Resize2D", "size", *config_.size);
}

Values Resize2D::call(Build&, const Values& inputs) const {
  const Value& x = single(inputs);
  if (x.shape().rank() != 4) throw ShapeError("needs an input [N,C,H,W], got " + to_string(x.type()));
  const Extent size =
      config_.size.value_or(Extent(x.shape()[2] * config_.factor.height, x.shape()[3] * config_.factor.width));
  return {ops::resize(
      x,
      {.size = size.dims(), .mode = config_.mode, .coordinates = config_.coordinates, .rounding = config_.rounding})};
}

}  // namespace ocellus::nn

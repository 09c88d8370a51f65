#include <ocellus/nn/layers/subsample2d.h>

#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/pool.h>

#include "nn/layers/checks.h"

namespace ocellus::nn {

Subsample2D::Subsample2D(Subsample2DConfig config) : Layer("Subsample2D", config.name), config_(std::move(config)) {
  at_least_one("Subsample2D", "size", config_.size);
}

Values Subsample2D::call(Build& build, const Values& inputs) const {
  const Value& x = single(inputs);
  if (x.shape().rank() != 4) throw ShapeError("needs an input [N,C,H,W], got " + to_string(x.type()));
  const Shape per_channel = {x.shape()[1], 1, 1};
  const Value coefficient = build.parameter("coefficient", per_channel, ParamRole::kernel, ones());
  const Value bias = build.parameter("bias", per_channel, ParamRole::bias, zeros());
  const Value mean = ops::average_pool(x, {.kernel = config_.size.dims(), .window = {config_.size.dims(), {1}, valid}});
  return {ops::activation(ops::add(ops::mul(mean, coefficient), bias), config_.activation)};
}

}  // namespace ocellus::nn

// What the layers that normalise within a sample share.
#pragma once

#include <ocellus/nn/initialiser.h>
#include <ocellus/nn/layer.h>
#include <ocellus/ops/sample_norm.h>

namespace ocellus::nn {

/// The operator's configuration, with "gamma" and "beta" of this shape as far as the layer's `config` wants them.
template <class Config>
ops::SampleNormConfig norm_config(Build& build, const Config& config, const Shape& shape) {
  ops::SampleNormConfig norm{.epsilon = config.epsilon};
  if (config.scale) norm.scale = build.parameter("gamma", shape, ParamRole::norm_scale, ones());
  if (config.shift) norm.shift = build.parameter("beta", shape, ParamRole::norm_offset, zeros());
  return norm;
}

/// The only input, [N,C,...].
inline const Value& with_channels(const Values& inputs) {
  const Value& x = single(inputs);
  if (x.shape().rank() < 2) throw ShapeError("needs an input [N,C,...], got " + to_string(x.type()));
  return x;
}

}  // namespace ocellus::nn

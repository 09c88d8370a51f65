#include <ocellus/nn/layers/l2_normalize.h>

#include <ocellus/nn/initialiser.h>
#include <ocellus/ops/channel_norm.h>

namespace ocellus::nn {

L2Normalize::L2Normalize(L2NormalizeConfig config) : Layer("L2Normalize", config.name), config_(std::move(config)) {}

Values L2Normalize::call(Build& build, const Values& inputs) const {
  const Value& x = single(inputs);
  if (x.shape().rank() < 2) throw ShapeError("needs an input [N,C,...], got " + to_string(x.type()));
  const Value scale = build.parameter("scale", {x.shape()[1]}, ParamRole::norm_scale, constant(config_.scale));
  return {ops::l2_normalize(x, scale, config_.epsilon)};
}

}  // namespace ocellus::nn

#include <ocellus/nn/layers/prelu.h>

#include <ocellus/ops/prelu.h>

namespace ocellus::nn {

PReLU::PReLU(PReLUConfig config) : Layer("Prelu", config.name), config_(std::move(config)) {}

Values PReLU::call(Build& build, const Values& inputs) const {
  const Value& x = single(inputs);
  if (!config_.shared && x.shape().rank() < 2) throw ShapeError("needs an input [N,C,...], got " + to_string(x.type()));
  const Shape slopes = config_.shared ? Shape() : Shape{x.shape()[1]};
  // Weight decay would make a relu of it (the paper, section 2.1); the role spares it that.
  const Value slope = build.parameter("slope", slopes, ParamRole::norm_scale, config_.slope_initialiser);
  return {ops::prelu(x, slope)};
}

}  // namespace ocellus::nn

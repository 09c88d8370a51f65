#include <ocellus/nn/layers/batch_norm.h>

#include <ocellus/ops/norm.h>

namespace ocellus::nn {

BatchNorm::BatchNorm(BatchNormConfig config) : Layer("BatchNorm", config.name), config_(std::move(config)) {}

Values BatchNorm::call(Build& build, const Values& inputs) const {
  const Value& x = single(inputs);
  if (x.shape().rank() < 2) throw ShapeError("needs an input [N,C,...], got " + to_string(x.type()));
  const Shape channels = {x.shape()[1]};
  const Values parameters = {
      build.parameter("gamma", channels, ParamRole::norm_scale, config_.gamma_initialiser),
      build.parameter("beta", channels, ParamRole::norm_offset, config_.beta_initialiser),
      build.parameter("moving_mean", channels, ParamRole::statistic, zeros()),
      build.parameter("moving_variance", channels, ParamRole::statistic, ones()),
  };
  return {ops::batch_norm(x, parameters,
                          {.epsilon = config_.epsilon,
                           .epsilon_outside = config_.epsilon_outside,
                           .momentum = config_.momentum,
                           .unbiased_variance = config_.unbiased_variance,
                           .activation = config_.activation})};
}

}  // namespace ocellus::nn

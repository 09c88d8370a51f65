#include <ocellus/nn/layers/instance_norm.h>

#include "nn/layers/sample_norm.h"

namespace ocellus::nn {

InstanceNorm::InstanceNorm(InstanceNormConfig config)
    : Layer("InstanceNorm", config.name), config_(std::move(config)) {}

Values InstanceNorm::call(Build& build, const Values& inputs) const {
  const Value& x = with_channels(inputs);
  return {ops::instance_norm(x, norm_config(build, config_, {x.shape()[1]}))};
}

}  // namespace ocellus::nn

#include <ocellus/nn/layers/group_norm.h>

#include "nn/layers/checks.h"
#include "nn/layers/sample_norm.h"

namespace ocellus::nn {

GroupNorm::GroupNorm(GroupNormConfig config) : Layer("GroupNorm", config.name), config_(std::move(config)) {
  at_least_one("GroupNorm", "groups", config_.groups);
}

Values GroupNorm::call(Build& build, const Values& inputs) const {
  const Value& x = with_channels(inputs);
  return {ops::group_norm(x, config_.groups, norm_config(build, config_, {x.shape()[1]}))};
}

}  // namespace ocellus::nn

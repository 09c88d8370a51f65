#include <ocellus/nn/layers/depth_to_space.h>

#include "nn/layers/checks.h"

namespace ocellus::nn {

DepthToSpace::DepthToSpace(DepthToSpaceConfig config) : Layer("DepthToSpace", config.name), config_(std::move(config)) {
  at_least_one("DepthToSpace", "block", config_.block);
}

Values DepthToSpace::call(Build&, const Values& inputs) const {
  return {ops::depth_to_space(single(inputs), {.block = config_.block, .order = config_.order})};
}

}  // namespace ocellus::nn

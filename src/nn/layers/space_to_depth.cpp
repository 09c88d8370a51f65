#include <ocellus/nn/layers/space_to_depth.h>

#include "nn/layers/checks.h"

namespace ocellus::nn {

SpaceToDepth::SpaceToDepth(SpaceToDepthConfig config) : Layer("SpaceToDepth", config.name), config_(std::move(config)) {
  at_least_one("SpaceToDepth", "block", config_.block);
}

Values SpaceToDepth::call(Build&, const Values& inputs) const {
  return {ops::space_to_depth(single(inputs), {.block = config_.block, .order = config_.order})};
}

}  // namespace ocellus::nn

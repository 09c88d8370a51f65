#include <ocellus/nn/layers/distance.h>

#include <fmt/format.h>

namespace ocellus::nn {

Distance::Distance(DistanceConfig config) : Layer("Distance", config.name), config_(std::move(config)) {}

Values Distance::call(Build&, const Values& inputs) const {
  if (inputs.size() != 2) throw ShapeError(fmt::format("takes two inputs, got {}", inputs.size()));
  return {ops::distance(inputs[0], inputs[1], config_.kind)};
}

}  // namespace ocellus::nn

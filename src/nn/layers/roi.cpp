#include <ocellus/nn/layers/roi.h>

#include <ocellus/ops/roi.h>

#include "nn/layers/checks.h"

namespace ocellus::nn {
namespace {

void expect_two(const Values& inputs) {
  if (inputs.size() != 2) throw ShapeError(fmt::format("takes features and regions, got {} inputs", inputs.size()));
}

}  // namespace

RoiPool::RoiPool(RoiPoolConfig config) : Layer("RoiPool", config.name), config_(std::move(config)) {
  at_least_one(kind(), "size", config_.size);
}

Values RoiPool::call(Build&, const Values& inputs) const {
  expect_two(inputs);
  return {ops::roi_pool(inputs[0], inputs[1], {.size = config_.size.dims(), .scale = config_.scale})};
}

PositionSensitiveRoiPool::PositionSensitiveRoiPool(RoiPoolConfig config)
    : Layer("PositionSensitiveRoiPool", config.name), config_(std::move(config)) {
  at_least_one(kind(), "size", config_.size);
}

Values PositionSensitiveRoiPool::call(Build&, const Values& inputs) const {
  expect_two(inputs);
  return {
      ops::position_sensitive_roi_pool(inputs[0], inputs[1], {.size = config_.size.dims(), .scale = config_.scale})};
}

RoiAlign::RoiAlign(RoiAlignConfig config) : Layer("RoiAlign", config.name), config_(std::move(config)) {
  at_least_one(kind(), "size", config_.size);
  if (config_.sampling_ratio < 0)
    throw UsageError(fmt::format("{}: sampling ratio must be at least 0, got {}", kind(), config_.sampling_ratio));
}

Values RoiAlign::call(Build&, const Values& inputs) const {
  expect_two(inputs);
  return {ops::roi_align(inputs[0], inputs[1],
                         {.size = config_.size.dims(),
                          .scale = config_.scale,
                          .sampling_ratio = config_.sampling_ratio,
                          .aligned = config_.aligned})};
}

}  // namespace ocellus::nn

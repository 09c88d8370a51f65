#include <ocellus/nn/layers/concat.h>

#include <fmt/format.h>

#include <ocellus/ops/shape.h>

namespace ocellus::nn {

Concat::Concat(ConcatConfig config) : Layer("Concat", config.name), config_(std::move(config)) {}

Values Concat::call(Build&, const Values& inputs) const {
  if (inputs.size() < 2) throw ShapeError(fmt::format("takes two inputs or more, got {}", inputs.size()));
  return {ops::concat(inputs, config_.axis)};
}

}  // namespace ocellus::nn

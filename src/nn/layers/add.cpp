#include <ocellus/nn/layers/add.h>

#include <fmt/format.h>

#include <ocellus/ops/elementwise.h>

namespace ocellus::nn {

Add::Add(AddConfig config) : Layer("Add", config.name), config_(std::move(config)) {}

Values Add::call(Build&, const Values& inputs) const {
  if (inputs.size() < 2) throw ShapeError(fmt::format("takes two inputs or more, got {}", inputs.size()));
  for (const Value& v : inputs)
    if (!(v.type() == inputs[0].type()))
      throw ShapeError("inputs differ: " + to_string(inputs[0].type()) + " and " + to_string(v.type()));
  Value sum = inputs[0];
  for (size_t i = 1; i < inputs.size(); ++i) sum = ops::add(sum, inputs[i]);
  return {ops::activation(sum, config_.activation)};
}

}  // namespace ocellus::nn

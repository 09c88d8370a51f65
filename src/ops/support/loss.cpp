#include "ops/support/loss.h"

#include <array>

#include "ops/support/arguments.h"

namespace ocellus {

std::span<const std::string_view> enum_names(Reduction) {
  static constexpr std::array<std::string_view, 3> names = {"mean", "sum", "none"};
  return names;
}

namespace detail {

void expect_scalar_loss(const TensorType& dloss) {
  if (dloss.shape.rank() != 0) throw ShapeError("the loss's gradient must be a scalar, got " + to_string(dloss));
}

void expect_scalar_reduction(Reduction reduction) {
  if (reduction == Reduction::none) throw TypeError("gives a scalar: its reduction is mean or sum, not none");
}

Types elementwise_loss_types(std::span<const TensorType> inputs, std::string_view prediction, Reduction reduction) {
  expect_scalar_reduction(reduction);
  expect_count(inputs, 2);
  expect_floating(inputs);
  expect_same_shape(inputs[0], prediction, inputs[1], "target");
  return {{inputs[0].dtype, {}}};
}

Types elementwise_loss_backward_types(std::span<const TensorType> inputs, std::string_view prediction) {
  expect_count(inputs, 3);
  expect_floating(inputs);
  expect_scalar_loss(inputs[0]);
  expect_same_shape(inputs[1], prediction, inputs[2], "target");
  return {inputs[1]};
}

}  // namespace detail
}  // namespace ocellus

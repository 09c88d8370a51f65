// ONNX: reductions and running sums.

#include <array>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/shape.h>
#include <ocellus/ops/unary.h>

#include "io/onnx/support/node.h"

namespace ocellus::io::onnx_io {
namespace {

/// Axes are an attribute up to version 17 (12 for sums), then an input; without any all are meant, or with
/// noop_with_empty_axes none. `what` gets them counted from the front.
template <class F>
Operands reduced(const OnnxNode& node, F&& what, int64_t input_from = 18) {
  const Value x = node.type() == "ReduceMax" || node.type() == "ReduceMin" ? node.exact(0) : node.real(0);
  auto axes = node.opset() < input_from ? node.integers("axes")
              : node.given(1)           ? node.list(1, "axes")
                                        : std::vector<int64_t>();
  if (axes.empty() && node.flag("noop_with_empty_axes", false)) return {node.value(0)};
  for (int64_t& axis : axes) axis = node.axis(axis, node.rank(0));
  if (axes.empty())
    for (int64_t i = 0; i < node.rank(0); ++i) axes.push_back(i);
  for (int64_t axis : axes) node.keep_batch(x, axis);
  return {node.as_input(what(x, ops::ReduceConfig{.axes = axes, .keep_dims = node.flag("keepdims", true)}), 0)};
}

Operands reduce_sum(OnnxNode& node) {
  return reduced(
      node, [](auto&&... a) { return ops::reduce_sum(a...); }, 13);
}
Operands reduce_mean(OnnxNode& node) {
  return reduced(node, [](auto&&... a) { return ops::reduce_mean(a...); });
}
Operands reduce_max(OnnxNode& node) {
  return reduced(node, [](auto&&... a) { return ops::reduce_max(a...); });
}
Operands reduce_min(OnnxNode& node) {
  return reduced(node, [](auto&&... a) { return ops::reduce_min(a...); });
}
Operands reduce_prod(OnnxNode& node) {
  return reduced(node, [](auto&&... a) { return ops::reduce_product(a...); });
}
Operands reduce_l1(OnnxNode& node) {
  return reduced(node, [](auto&&... a) { return ops::reduce_l1(a...); });
}
Operands reduce_l2(OnnxNode& node) {
  return reduced(node, [](auto&&... a) { return ops::reduce_l2(a...); });
}

Operands reduce_log_sum(OnnxNode& node) {
  return reduced(node, [](const Value& x, const auto& config) { return ops::log(ops::reduce_sum(x, config)); });
}

Operands reduce_sum_square(OnnxNode& node) {
  return reduced(node, [](const Value& x, const auto& config) { return ops::reduce_sum(ops::mul(x, x), config); });
}

/// The largest element is taken out of the exponents, so that none overflows.
Operands reduce_log_sum_exp(OnnxNode& node) {
  return reduced(node, [](const Value& x, const ops::ReduceConfig& config) {
    const Value largest = ops::reduce_max(x, {.axes = config.axes, .keep_dims = true});
    const Value sum = ops::reduce_sum(ops::exp(ops::sub(x, largest)), config);
    return ops::add(ops::log(sum), ops::reduce_max(x, config));
  });
}

Operands cum_sum(OnnxNode& node) {
  const int64_t axis = node.axis(static_cast<int64_t>(node.scalar(1, "axis")), node.rank(0));
  const Value x = node.real(0);
  node.keep_batch(x, axis);
  return {node.as_input(
      ops::cumulative_sum(
          x, {.axis = axis, .exclusive = node.flag("exclusive", false), .reverse = node.flag("reverse", false)}),
      0)};
}

constexpr std::array<OperatorEntry, 11> entries = {{
    {"CumSum", cum_sum},
    {"ReduceL1", reduce_l1},
    {"ReduceL2", reduce_l2},
    {"ReduceLogSum", reduce_log_sum},
    {"ReduceLogSumExp", reduce_log_sum_exp},
    {"ReduceMax", reduce_max},
    {"ReduceMean", reduce_mean},
    {"ReduceMin", reduce_min},
    {"ReduceProd", reduce_prod},
    {"ReduceSum", reduce_sum},
    {"ReduceSumSquare", reduce_sum_square},
}};

}  // namespace

std::span<const OperatorEntry> operators_in_reduce() { return entries; }

}  // namespace ocellus::io::onnx_io

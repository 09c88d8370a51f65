// ONNX: activations, and softmax.

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/indexing.h>
#include <ocellus/ops/prelu.h>
#include <ocellus/ops/select.h>
#include <ocellus/ops/shape.h>
#include <ocellus/ops/softmax.h>
#include <ocellus/ops/unary.h>

#include "io/onnx/support/compose.h"
#include "io/onnx/support/node.h"

namespace ocellus::io::onnx_io {
namespace {

constexpr double largest = std::numeric_limits<float>::max();

Operands activated(OnnxNode& node, const Activation& function) {
  node.set_kind("Activation");
  return {ops::activation(node.real(0), function)};
}
Operands applied(OnnxNode& node, const Function& function) {
  node.set_kind("Activation");
  return {ops::unary(node.real(0), function)};
}

Operands relu(OnnxNode& node) { return activated(node, ocellus::relu); }
Operands sigmoid(OnnxNode& node) { return activated(node, ocellus::sigmoid); }
Operands tanh(OnnxNode& node) { return activated(node, tanh_); }
Operands leaky_relu(OnnxNode& node) { return activated(node, ocellus::leaky_relu(node.number("alpha", 0.01))); }
Operands elu(OnnxNode& node) { return applied(node, ocellus::elu(node.number("alpha", 1))); }
Operands softplus(OnnxNode& node) { return applied(node, ocellus::softplus); }
Operands hard_swish(OnnxNode& node) { return applied(node, ocellus::hard_swish); }
Operands mish(OnnxNode& node) { return applied(node, ocellus::mish); }

Operands hard_sigmoid(OnnxNode& node) {
  return applied(node, ocellus::hard_sigmoid(node.number("alpha", 0.2), node.number("beta", 0.5)));
}

Operands gelu(OnnxNode& node) {
  const std::string by = node.text("approximate", "none");
  if (by != "none" && by != "tanh") throw ShapeError(fmt::format("attribute approximate can't be \"{}\"", by));
  return applied(node, by == "tanh" ? ocellus::gelu_tanh : ocellus::gelu);
}

Operands swish(OnnxNode& node) {
  const double alpha = node.number("alpha", 1);
  if (alpha == 1) return applied(node, silu);
  const Value x = node.real(0);
  return {ops::mul(x, ops::activation(ops::affine(x, alpha), ocellus::sigmoid))};
}

Operands selu(OnnxNode& node) {
  const double alpha = node.number("alpha", 1.67326319217681884765625),
               gamma = node.number("gamma", 1.05070102214813232421875);
  return {ops::affine(ops::elu(node.real(0), alpha), gamma)};
}

Operands celu(OnnxNode& node) {
  const double alpha = node.number("alpha", 1);
  if (alpha == 0) throw ShapeError("alpha can't be 0");
  return {ops::affine(ops::elu(ops::affine(node.real(0), 1 / alpha)), alpha)};
}

Operands thresholded_relu(OnnxNode& node) {
  const Value x = node.real(0);
  return {ops::where(ops::greater(x, number(node.number("alpha", 1))), x, number(0))};
}

Operands softsign(OnnxNode& node) {
  const Value x = node.real(0);
  return {ops::div(x, ops::affine(ops::abs(x), 1, 1))};
}

Operands shrink(OnnxNode& node) {
  const Value x = node.real(0);
  const double lambda = node.number("lambd", 0.5), bias = node.number("bias", 0);
  const Value low = ops::where(ops::less(x, number(-lambda)), ops::affine(x, 1, bias), number(0));
  return {ops::where(ops::greater(x, number(lambda)), ops::affine(x, 1, -bias), low)};
}

/// Slopes as [C] where they are one number a channel, as [] where they are one for all, otherwise in their own shape.
Operands prelu(OnnxNode& node) {
  const Shape x = node.shape(0), slope = node.shape(1);
  const int64_t channels = x.rank() > 1 ? x[1] : 0;
  const bool shared = slope.numel() == 1;
  const bool by_channel = slope.numel() == channels && slope.rank() + 1 == x.rank() && slope[0] == channels;
  if (!shared && !by_channel) {
    const Value v = node.real(0);
    return {ops::where(ops::greater(v, number(0)), v, ops::mul(v, node.real(1)))};
  }
  node.set_kind("PReLU");
  const Shape ours = shared ? Shape() : Shape({channels});
  const ParameterSpec spec = {.name = "slope", .initialiser = nn::constant(0.25f), .arrange = [ours](const Tensor& t) {
                                return t.reshape(ours);
                              }};
  const Value given = node.parameter(1, spec);
  const Value slopes = given.shape() == ours ? given : ops::reshape(given, {ours.begin(), ours.end()});
  return {ops::prelu(node.real(0), slopes)};
}

/// Bounds are attributes up to version 10, then inputs; where they cross, all is the upper one.
Operands clip(OnnxNode& node) {
  if (!is_floating(node.dtype(0)) && !node.folding()) {
    Value y = node.value(0);
    if (node.given(1)) y = ops::where(ops::less(y, node.value(1)), node.value(1), y);
    if (node.given(2)) y = ops::where(ops::greater(y, node.value(2)), node.value(2), y);
    return {y};
  }
  const Value x = node.real(0);
  const bool attributes = node.opset() < 11;
  const bool known = attributes || ((!node.given(1) || node.known(1)) && (!node.given(2) || node.known(2)));
  const auto bound = [&](size_t i, const char* name, double none) {
    if (attributes) return node.number(name, none);
    return node.given(i) && node.shape(i).numel() > 0 ? std::clamp(node.scalar(i, name), -largest, largest) : none;
  };
  if (known) {
    const double low = bound(1, "min", -largest), high = bound(2, "max", largest);
    if (low <= high) {
      node.set_kind("Activation");
      return {node.as_input(ops::clip(x, low, high), 0)};
    }
    return {node.as_input(ops::min(ops::max(x, number(low)), number(high)), 0)};
  }
  Value y = x;
  if (node.given(1)) y = ops::max(y, node.real(1));
  if (node.given(2)) y = ops::min(y, node.real(2));
  return {node.as_input(y, 0)};
}

/// How softmax sees x: as rows along one axis, or up to version 12 as a matrix that `axis` cuts in two.
struct Lines {
  std::vector<int64_t> before, after;  ///< shapes for the operator, whose axis is 1, and for the result
};
Lines lines_of(const OnnxNode& node, const Value& x) {
  const bool matrix = node.opset() < 13;
  const int64_t rank = node.rank(0),
                axis = node.axis(node.integer("axis", matrix ? 1 : -1), std::max<int64_t>(rank, 1));
  if (axis == 0 && !x.shape().known()) throw Unsupported("an open batch as the axis");
  Lines lines;
  int64_t middle = 1, behind = 1, front = 1;
  for (int64_t i = 0; i < rank; ++i) {
    const int64_t n = x.shape()[static_cast<size_t>(i)];
    (i < axis ? front : i == axis || matrix ? middle : behind) *= n;
    lines.after.push_back(n);
  }
  lines.before = {x.shape().known() ? front : -1, middle, behind};
  return lines;
}

template <class F>
Operands along_lines(OnnxNode& node, F&& f) {
  const Value x = node.real(0);
  if (x.shape().rank() == 2 && node.axis(node.integer("axis", node.opset() < 13 ? 1 : -1), 2) == 1) return {f(x)};
  const Lines lines = lines_of(node, x);
  return {ops::reshape(f(ops::reshape(x, lines.before)), lines.after)};
}

Operands softmax(OnnxNode& node) {
  node.set_kind("Softmax");
  return along_lines(node, [](const Value& x) { return ops::softmax(x); });
}

Operands log_softmax(OnnxNode& node) {
  node.set_kind("Softmax");
  return along_lines(node, [](const Value& x) { return ops::log_softmax(x); });
}

Operands hardmax(OnnxNode& node) {
  return along_lines(node, [](const Value& x) {
    return ops::one_hot(ops::argmax(x, {.axis = 1}), {.depth = x.shape()[1], .axis = 1});
  });
}

constexpr std::array<OperatorEntry, 21> entries = {{
    {"Celu", celu},
    {"Clip", clip},
    {"Elu", elu},
    {"Gelu", gelu},
    {"HardSigmoid", hard_sigmoid},
    {"HardSwish", hard_swish},
    {"Hardmax", hardmax},
    {"LeakyRelu", leaky_relu},
    {"LogSoftmax", log_softmax},
    {"Mish", mish},
    {"PRelu", prelu},
    {"Relu", relu},
    {"Selu", selu},
    {"Shrink", shrink},
    {"Sigmoid", sigmoid},
    {"Softmax", softmax},
    {"Softplus", softplus},
    {"Softsign", softsign},
    {"Swish", swish},
    {"Tanh", tanh},
    {"ThresholdedRelu", thresholded_relu},
}};

}  // namespace

std::span<const OperatorEntry> operators_in_activation() { return entries; }

}  // namespace ocellus::io::onnx_io

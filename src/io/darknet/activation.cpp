// Darknet's activation functions, by its names for them. Those that no operator has alone are sums of ones that do.
#include <array>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/ops/activation.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/unary.h>

#include "io/darknet/network.h"

namespace ocellus::io::darknet {
namespace {

/// Klambauer et al. 2017, "Self-normalizing neural networks".
constexpr double selu_scale = 1.0507009873554805, selu_alpha = 1.6732632423543772;

Value piecewise(const Value& x, double slope, double low, double high, double inner) {
  return ops::add(ops::affine(x, slope), ops::affine(ops::clip(x, low, high), inner));
}

/// x above 0, 0 below -2, and x^2/2 + x between.
Value hard_mish(const Value& x) {
  const Value bend = ops::clip(x, -2, 0);
  return ops::add(ops::activation(x, relu), ops::add(ops::affine(ops::mul(bend, bend), 0.5), bend));
}

struct Named {
  std::string_view name;
  Value (*apply)(const Value& x);
};

constexpr std::array<Named, 19> functions = {{
    {"linear", [](const Value& x) { return x; }},
    {"logistic", [](const Value& x) { return ops::activation(x, sigmoid); }},
    {"loggy", [](const Value& x) { return ops::affine(ops::activation(x, sigmoid), 2, -1); }},
    {"relu", [](const Value& x) { return ops::activation(x, relu); }},
    {"relu6", [](const Value& x) { return ops::relu6(x); }},
    {"elu", [](const Value& x) { return ops::elu(x); }},
    {"selu", [](const Value& x) { return ops::affine(ops::elu(x, selu_alpha), selu_scale); }},
    {"relie", [](const Value& x) { return ops::activation(x, leaky_relu(0.01)); }},
    {"ramp", [](const Value& x) { return ops::add(ops::activation(x, relu), ops::affine(x, 0.1)); }},
    {"tanh", [](const Value& x) { return ops::activation(x, tanh_); }},
    {"leaky", [](const Value& x) { return ops::activation(x, leaky_relu(0.1)); }},
    {"revleaky", [](const Value& x) { return ops::activation(x, leaky_relu(0.1)); }},
    {"hardtan", [](const Value& x) { return ops::clip(x, -1, 1); }},
    {"lhtan", [](const Value& x) { return piecewise(x, 0.001, 0, 1, 0.999); }},
    {"plse", [](const Value& x) { return ops::affine(piecewise(x, 0.01, -4, 4, 0.115), 1, 0.5); }},
    {"swish", [](const Value& x) { return ops::silu(x); }},
    {"mish", [](const Value& x) { return ops::mish(x); }},
    {"hard_mish", hard_mish},
    {"gelu", [](const Value& x) { return ops::gelu_tanh(x); }},
}};

constexpr std::array<std::string_view, 4> missing = {"stair", "normalize_channels", "normalize_channels_softmax",
                                                     "normalize_channels_softmax_maxval"};

}  // namespace

Value activated(const Section& section, const Value& x, std::string_view otherwise) {
  const std::string name = section.text("activation", otherwise);
  for (const Named& f : functions)
    if (f.name == name) return f.apply(x);
  for (const std::string_view known : missing)
    if (known == name)
      throw Unsupported(
          fmt::format("line {}: [{}] activation={} has no counterpart", section.line(), section.name(), name));
  section.fail(fmt::format("unknown activation \"{}\"", name.substr(0, 40)));
}

}  // namespace ocellus::io::darknet

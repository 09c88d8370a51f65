#include <ocellus/nn/layers/activation.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/suggest.h"

namespace ocellus::nn {
namespace {

using AnyFunction = std::variant<ocellus::Activation, Function>;

struct Named {
  std::string_view name;
  AnyFunction function;
};

// The names of Keras, then PyTorch's and darknet's where they are others.
constexpr Named named[] = {
    {"linear", linear},
    {"relu", relu},
    {"leaky_relu", leaky_relu()},
    {"relu6", relu6},
    {"elu", elu()},
    {"sigmoid", sigmoid},
    {"hard_sigmoid", hard_sigmoid()},
    {"tanh", tanh_},
    {"hard_tanh", clip(-1, 1)},
    {"softplus", softplus},
    {"silu", silu},
    {"swish", silu},
    {"hard_silu", hard_swish},
    {"hard_swish", hard_swish},
    {"mish", mish},
    {"gelu", gelu},
    {"gelu_tanh", gelu_tanh},
    {"exponential", Function{UnaryKind::exp}},
    {"identity", linear},
    {"hardsigmoid", hard_sigmoid()},
    {"hardtanh", clip(-1, 1)},
    {"hardswish", hard_swish},
    {"logistic", sigmoid},
    {"leaky", leaky_relu(0.1)},
};

AnyFunction function_of(std::string_view name) {
  const auto* found = std::ranges::find(named, name, &Named::name);
  if (found != std::end(named)) return found->function;
  const std::string suggestion = did_you_mean(name, activation_names());
  throw UsageError(fmt::format("no activation \"{}\"{}", name,
                               suggestion.empty() ? "; there are " + listed(activation_names()) : suggestion));
}

}  // namespace

std::span<const std::string_view> activation_names() {
  static constexpr auto names = [] {
    std::array<std::string_view, std::size(named)> all;
    std::ranges::transform(named, all.begin(), &Named::name);
    return all;
  }();
  return names;
}

Activation::Activation(ocellus::Activation function, std::string name)
    : Layer("Activation", std::move(name)), function_(function) {}

Activation::Activation(const Function& function, std::string name)
    : Layer("Activation", std::move(name)), function_(function) {}

Activation::Activation(std::string_view function, std::string name)
    : Layer("Activation", std::move(name)), function_(function_of(function)) {}

Values Activation::call(Build&, const Values& inputs) const {
  const Value& x = single(inputs);
  if (const auto* fused = std::get_if<ocellus::Activation>(&function_)) return {ops::activation(x, *fused)};
  return {ops::unary(x, std::get<Function>(function_))};
}

}  // namespace ocellus::nn

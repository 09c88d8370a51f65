#include "io/keras/curve.h"

#include <ocellus/nn/layers/activation.h>
#include <ocellus/nn/layers/softmax.h>
#include <ocellus/ops/elementwise.h>

#include "io/emit.h"

namespace ocellus::io::keras {
namespace {

Value softsign(const Value& x) { return ops::binary(BinaryKind::div, x, ops::affine(ops::abs(x), 1, 1)); }

/// Self-normalising networks' (Klambauer et al. 2017): a scaled elu.
Value selu(const Value& x) { return ops::affine(ops::elu(x, 1.6732632423543772), 1.0507009873554805); }

Value square(const Value& x) { return ops::pow(x, 2); }

struct Named {
  std::string_view name;
  Curve curve;
};

/// The functions that have no settings.
std::span<const Named> named() {
  static const Named table[] = {
      {"linear", linear},
      {"relu", relu},
      {"relu6", relu6},
      {"leaky_relu", leaky_relu(0.2)},
      {"elu", elu()},
      {"selu", &selu},
      {"sigmoid", sigmoid},
      {"tanh", tanh_},
      {"hard_tanh", clip(-1, 1)},
      {"softplus", softplus},
      {"softsign", &softsign},
      {"silu", silu},
      {"swish", silu},
      {"hard_silu", hard_swish},
      {"hard_swish", hard_swish},
      {"mish", mish},
      {"gelu", gelu},
      {"exponential", Function{UnaryKind::exp}},
      {"square", &square},
      {"softmax", Curve::Special::softmax},
      {"log_softmax", Curve::Special::log_softmax},
  };
  return table;
}

/// The name in a setting: a text, or what Keras writes for a function or a layer.
std::string name_in(const nlohmann::json& value, const LayerSpec& spec, std::string_view key) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object() && value.contains("config") && value.at("config").is_string())
    return value.at("config").get<std::string>();
  if (value.is_object() && value.contains("class_name") && value.at("class_name").is_string())
    return nn::snake_case(value.at("class_name").get<std::string>());
  spec.fail("its " + std::string(key) + " is no function's name");
}

}  // namespace

Activation Curve::fused() const {
  const auto* simple = std::get_if<Activation>(&function_);
  return simple ? *simple : linear;
}

std::shared_ptr<const nn::Layer> Curve::layer(const std::string& name) const {
  if (const auto* special = std::get_if<Special>(&function_))
    return std::make_shared<nn::Softmax>(nn::SoftmaxConfig{.log = *special == Special::log_softmax, .name = name});
  if (const auto* simple = std::get_if<Activation>(&function_)) return std::make_shared<nn::Activation>(*simple, name);
  if (const auto* function = std::get_if<Function>(&function_))
    return std::make_shared<nn::Activation>(*function, name);
  return std::make_shared<NodeLayer>(
      "Activation", name,
      [f = std::get<Composite>(function_)](nn::Build&, const Values& in) { return Values{f(in[0])}; });
}

Held Curve::after(const Held& x, const std::string& name) {
  return std::holds_alternative<Activation>(function_) ? x : apply(x, name);
}

Held Curve::apply(const Held& x, const std::string& name) {
  if (!layer_) layer_ = layer(name);
  if (std::holds_alternative<Special>(function_)) return leave((*layer_)(moved(x)), true);
  return {.value = (*layer_)(x.value), .order = x.order, .before = x.before};
}

Curve curve_of(const LayerSpec& spec, std::string_view key) {
  if (!spec.has(key)) return linear;
  const nlohmann::json& value = spec.config.at(std::string(key));
  std::string name = name_in(value, spec, key);
  // A serialised layer has its settings with it.
  if (value.is_object() && value.contains("config") && value.at("config").is_object()) {
    LayerSpec inner = spec;
    inner.config = value.at("config");
    if (name == "leaky_re_lu") return leaky_relu(inner.real("negative_slope", inner.real("alpha", 0.3)));
    if (name == "re_lu" && !inner.has("max_value") && inner.real("negative_slope", 0) == 0) return relu;
    if (name == "re_lu" && inner.real("max_value", 0) == 6 && inner.real("negative_slope", 0) == 0) return relu6;
  }
  if (name == "hard_sigmoid") return spec.version < 3 ? hard_sigmoid(0.2, 0.5) : hard_sigmoid();
  for (const Named& n : named())
    if (n.name == name) return n.curve;
  spec.unsupported("has the " + std::string(key) + " \"" + name + "\"");
}

void expect_activation(const LayerSpec& spec, std::string_view key, const std::string& name) {
  if (!spec.has(key)) return;
  const std::string found = name_in(spec.config.at(std::string(key)), spec, key);
  if (found != name) spec.unsupported("has the " + std::string(key) + " \"" + found + "\", not " + name);
}

}  // namespace ocellus::io::keras

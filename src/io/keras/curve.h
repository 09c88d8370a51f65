// Activations by the names and settings of Keras.
#pragma once

#include <string>
#include <variant>

#include <ocellus/ops/activation.h>
#include <ocellus/ops/unary.h>

#include "io/keras/layer.h"

namespace ocellus::io::keras {

/// A function that is applied to a layer's output.
class Curve {
 public:
  using Composite = Value (*)(const Value&);
  enum class Special : uint8_t { softmax, log_softmax };

  Curve(Activation a) : function_(a) {}  // NOLINT: one of the kinds of function
  Curve(Function f) : function_(f) {}    // NOLINT
  Curve(Composite c) : function_(c) {}   // NOLINT
  Curve(Special s) : function_(s) {}     // NOLINT

  /// The part that a convolution or dense layer takes along; `linear` where it can't.
  Activation fused() const;
  /// Applies what `fused` has left, as a layer `name`; nothing for what was taken along.
  Held after(const Held& x, const std::string& name);
  /// Applies the function as a layer `name`, the same one at every call.
  Held apply(const Held& x, const std::string& name);

 private:
  std::shared_ptr<const nn::Layer> layer(const std::string& name) const;

  std::variant<Activation, Function, Composite, Special> function_;
  std::shared_ptr<const nn::Layer> layer_;
};

/// The function that a layer's setting `key` names; throws Unsupported for an unknown one.
Curve curve_of(const LayerSpec& spec, std::string_view key = "activation");
/// Throws Unsupported unless the setting names this function, as recurrent layers have it.
void expect_activation(const LayerSpec& spec, std::string_view key, const std::string& name);

}  // namespace ocellus::io::keras

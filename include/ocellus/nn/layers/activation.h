// An activation as a layer of its own.
#pragma once

#include <string_view>
#include <variant>

#include <ocellus/nn/layer.h>
#include <ocellus/ops/activation.h>
#include <ocellus/ops/unary.h>

namespace ocellus::nn {

/// f(x) for any shape: `nn::Activation(relu)(x)`, `nn::Activation(mish)(x)`, `nn::Activation("swish")(x)`.
class OCELLUS_API Activation final : public Layer {
 public:
  explicit Activation(ocellus::Activation function, std::string name = "");
  explicit Activation(const Function& function, std::string name = "");
  /// By the function's name in Keras, PyTorch or darknet ("leaky", with its slope of 0.1), with PyTorch's constants;
  /// throws UsageError with the nearest name for one that isn't known.
  explicit Activation(std::string_view function, std::string name = "");

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  std::variant<ocellus::Activation, Function> function_;
};

/// The names that `Activation` knows.
OCELLUS_API std::span<const std::string_view> activation_names();

}  // namespace ocellus::nn

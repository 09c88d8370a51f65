// An activation as a layer of its own.
#pragma once

#include <ocellus/nn/layer.h>
#include <ocellus/ops/activation.h>

namespace ocellus::nn {

/// f(x) for any shape: `nn::Activation(relu)(x)`.
class OCELLUS_API Activation final : public Layer {
 public:
  explicit Activation(ocellus::Activation function, std::string name = "");

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  ocellus::Activation function_;
};

}  // namespace ocellus::nn

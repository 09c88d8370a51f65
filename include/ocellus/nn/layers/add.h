// Sum of values.
#pragma once

#include <ocellus/nn/layer.h>
#include <ocellus/ops/activation.h>

namespace ocellus::nn {

struct AddConfig {
  ocellus::Activation activation = linear;
  std::string name = {};
};

/// f(a + b + ...) of two or more values of one shape: `nn::Add()({a, b})`.
class OCELLUS_API Add final : public Layer {
 public:
  explicit Add(AddConfig config = {});

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  AddConfig config_;
};

}  // namespace ocellus::nn

// Instance normalisation.
#pragma once

#include <ocellus/nn/layer.h>

namespace ocellus::nn {

/// As in networks for style transfer; PyTorch has neither scale nor shift unless asked.
struct InstanceNormConfig {
  double epsilon = 1e-5;
  bool scale = true, shift = true;
  std::string name = {};
};

/// Normalises each channel of each sample of [N,C,...] over its positions (Ulyanov et al. 2016): "gamma" and "beta",
/// both [C].
class OCELLUS_API InstanceNorm final : public Layer {
 public:
  explicit InstanceNorm(InstanceNormConfig config = {});

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  InstanceNormConfig config_;
};

}  // namespace ocellus::nn

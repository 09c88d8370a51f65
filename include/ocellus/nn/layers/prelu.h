// Leaky relu with a learned slope.
#pragma once

#include <ocellus/nn/initialiser.h>
#include <ocellus/nn/layer.h>

namespace ocellus::nn {

struct PReLUConfig {
  bool shared = false;  ///< one slope for all channels, as PyTorch has it unless asked otherwise
  Initialiser slope_initialiser = constant(0.25f);
  std::string name = {};
};

/// x for x > 0, slope x below, where the slopes are learnt (He et al. 2015, "Delving deep into rectifiers"): "slope"
/// [C] for an input [N,C,...], or [].
class OCELLUS_API PReLU final : public Layer {
 public:
  explicit PReLU(PReLUConfig config = {});

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  PReLUConfig config_;
};

}  // namespace ocellus::nn

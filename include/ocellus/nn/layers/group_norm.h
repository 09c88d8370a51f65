// Group normalisation.
#pragma once

#include <ocellus/nn/layer.h>

namespace ocellus::nn {

/// Defaults are Keras'; PyTorch's epsilon is 1e-5, and it has no default for the groups.
struct GroupNormConfig {
  int64_t groups = 32;  ///< must divide the channels; 1 is layer normalisation over channels and positions
  double epsilon = 1e-3;
  bool scale = true, shift = true;
  std::string name = {};
};

/// Normalises groups of channels of each sample of [N,C,...], with all their positions (Wu & He 2018): "gamma" and
/// "beta", both [C].
class OCELLUS_API GroupNorm final : public Layer {
 public:
  explicit GroupNorm(GroupNormConfig config = {});

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  GroupNormConfig config_;
};

}  // namespace ocellus::nn

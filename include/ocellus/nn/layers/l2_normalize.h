// L2 normalisation with a learned scale.
#pragma once

#include <ocellus/nn/layer.h>

namespace ocellus::nn {

struct L2NormalizeConfig {
  float scale = 20;  ///< of every channel at first
  double epsilon = 1e-10;
  std::string name = {};
};

/// Divides each position's channels by their length, and multiplies each channel by a number that is learnt, "scale"
/// [C] (ParseNet: Liu et al. 2015; SSD has it after conv4_3). Input: [N,C,...].
class OCELLUS_API L2Normalize final : public Layer {
 public:
  explicit L2Normalize(L2NormalizeConfig config = {});

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  L2NormalizeConfig config_;
};

}  // namespace ocellus::nn

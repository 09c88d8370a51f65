// Euclidean radial basis functions with fixed centres.
#pragma once

#include <ocellus/nn/layer.h>

namespace ocellus::nn {

struct RadialBasisConfig {
  Tensor centres = {};  ///< f32 [units,in], not trained
  std::string name = {};
};

/// -|x - centre_k|^2 for each centre: [N,in] to [N,units]. The sign makes it a logit: softmax of it is the posterior under
/// Gaussians of variance 1/2 (the output layer of LeNet-5, LeCun et al. 1998, section II.B).
class OCELLUS_API RadialBasis final : public Layer {
 public:
  explicit RadialBasis(RadialBasisConfig config);  ///< throws UsageError for centres that are no f32 matrix

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  RadialBasisConfig config_;
};

}  // namespace ocellus::nn

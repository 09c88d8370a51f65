// The trainable subsampling of LeNet-5.
#pragma once

#include <ocellus/nn/extent.h>
#include <ocellus/nn/initialiser.h>
#include <ocellus/nn/layer.h>
#include <ocellus/ops/activation.h>

namespace ocellus::nn {

struct Subsample2DConfig {
  Extent size = 2;
  ocellus::Activation activation = scaled_tanh;
  std::string name = {};
};

/// f(coefficient * mean of each window + bias) with one "coefficient" and one "bias" a channel [C,1,1] (LeCun et al. 1998,
/// section II.B, which takes the sum: the coefficient absorbs the factor). Windows do not overlap.
class OCELLUS_API Subsample2D final : public Layer {
 public:
  explicit Subsample2D(Subsample2DConfig config = {});

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  Subsample2DConfig config_;
};

}  // namespace ocellus::nn

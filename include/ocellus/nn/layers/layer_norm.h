// Layer normalisation.
#pragma once

#include <ocellus/nn/layer.h>

namespace ocellus::nn {

/// Keras' epsilon; PyTorch's is 1e-5.
struct LayerNormConfig {
  int64_t dimensions = 0;      ///< the last so many are normalised together; 0: all but the batch, as in the paper
  bool each_position = false;  ///< instead the channels of each position: Keras' axis -1 on images, ConvNeXt
  double epsilon = 1e-3;
  bool scale = true, shift = true;
  std::string name = {};
};

/// Normalises over the last dimensions, or over the channels of [N,C,...] at each position (Ba et al. 2016): "gamma"
/// and "beta", both of the shape of what is normalised together.
class OCELLUS_API LayerNorm final : public Layer {
 public:
  explicit LayerNorm(LayerNormConfig config = {});

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  LayerNormConfig config_;
};

}  // namespace ocellus::nn

// Local response normalisation.
#pragma once

#include <ocellus/nn/layer.h>

namespace ocellus::nn {

struct LocalResponseNormConfig {
  int64_t size = 5;  ///< channels around each channel, itself included; odd
  double alpha = 1e-4, beta = 0.75, k = 2;
  bool divide_alpha = false;  ///< alpha / size, as in Caffe, PyTorch and ONNX, instead of the paper's alpha
  std::string name = {};
};

/// Divides each element by a power of the sum of squares over the channels around it (Krizhevsky et al. 2012, whose
/// constants are the defaults; Caffe's AlexNet and GoogLeNet have k = 1 and divide alpha). Input: [N,C,...].
class OCELLUS_API LocalResponseNorm final : public Layer {
 public:
  explicit LocalResponseNorm(LocalResponseNormConfig config = {});

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  LocalResponseNormConfig config_;
};

}  // namespace ocellus::nn

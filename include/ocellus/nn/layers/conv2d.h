// Two-dimensional convolution.
#pragma once

#include <ocellus/nn/extent.h>
#include <ocellus/nn/initialiser.h>
#include <ocellus/nn/layer.h>
#include <ocellus/ops/conv.h>

namespace ocellus::nn {

struct Conv2DConfig {
  int64_t filters = 0;  ///< output channels; must be given
  Extent kernel = 3;
  Extent stride = 1;
  Padding padding = valid;
  Extent dilation = 1;
  int64_t groups = 1;
  ocellus::Activation activation = linear;
  bool use_bias = true;
  Initialiser kernel_initialiser = glorot_uniform();
  Initialiser bias_initialiser = zeros();
  std::string name = {};
};

/// Cross-correlation of [N,C,H,W] with "kernel" [filters,C/groups,kernel], then "bias" [filters], then the activation.
class OCELLUS_API Conv2D final : public Layer {
 public:
  explicit Conv2D(Conv2DConfig config);  ///< throws UsageError for sizes below 1

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  Conv2DConfig config_;
};

}  // namespace ocellus::nn

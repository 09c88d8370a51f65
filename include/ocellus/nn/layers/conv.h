// Convolution in one, two and three dimensions.
#pragma once

#include <ocellus/nn/extent.h>
#include <ocellus/nn/initialiser.h>
#include <ocellus/nn/layer.h>
#include <ocellus/ops/conv.h>

namespace ocellus::nn {

template <class E>
struct ConvConfig {
  int64_t filters = 0;  ///< output channels; must be given
  E kernel = 3;
  E stride = 1;
  Padding padding = valid;
  PadMode padding_mode = PadMode::constant;  ///< what the padding holds: zeros, or the input mirrored or continued
  E dilation = 1;
  int64_t groups = 1;
  bool flip = false;  ///< convolution as mathematics defines it: the kernel is mirrored in every spatial dimension
  ocellus::Activation activation = linear;
  bool use_bias = true;
  Initialiser kernel_initialiser = glorot_uniform();
  Initialiser bias_initialiser = zeros();
  std::string name = {};
};

/// Cross-correlation of [N,C,spatial...] with "kernel" [filters,C/groups,kernel...], then "bias" [filters], then the
/// activation.
template <class E>
class OCELLUS_API ConvLayer final : public Layer {
 public:
  explicit ConvLayer(ConvConfig<E> config);  ///< throws UsageError for sizes below 1

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  ConvConfig<E> config_;
};

extern template class ConvLayer<Extent1D>;
extern template class ConvLayer<Extent>;
extern template class ConvLayer<Extent3D>;

using Conv1DConfig = ConvConfig<Extent1D>;
using Conv2DConfig = ConvConfig<Extent>;
using Conv3DConfig = ConvConfig<Extent3D>;
using Conv1D = ConvLayer<Extent1D>;  ///< of signals [N,C,L]
using Conv2D = ConvLayer<Extent>;    ///< of images [N,C,H,W]
using Conv3D = ConvLayer<Extent3D>;  ///< of volumes [N,C,D,H,W]

}  // namespace ocellus::nn

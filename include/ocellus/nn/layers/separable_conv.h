// Convolutions that keep channels apart: depthwise, and depthwise followed by one across channels.
#pragma once

#include <ocellus/nn/extent.h>
#include <ocellus/nn/initialiser.h>
#include <ocellus/nn/layer.h>
#include <ocellus/ops/conv.h>

namespace ocellus::nn {

template <class E>
struct DepthwiseConvConfig {
  E kernel = 3;
  E stride = 1;
  Padding padding = valid;
  PadMode padding_mode = PadMode::constant;  ///< what the padding holds: zeros, or the input mirrored or continued
  E dilation = 1;
  int64_t depth_multiplier = 1;  ///< outputs of each channel, which lie next to each other
  ocellus::Activation activation = linear;
  bool use_bias = true;
  Initialiser kernel_initialiser = glorot_uniform();
  Initialiser bias_initialiser = zeros();
  std::string name = {};
};

/// Convolution of each channel by itself: [N,C,spatial...] with "kernel" [C*multiplier,1,kernel...], then "bias",
/// then the activation.
template <class E>
class OCELLUS_API DepthwiseConvLayer final : public Layer {
 public:
  explicit DepthwiseConvLayer(DepthwiseConvConfig<E> config = {});  ///< throws UsageError for sizes below 1

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  DepthwiseConvConfig<E> config_;
};

template <class E>
struct SeparableConvConfig {
  int64_t filters = 0;  ///< output channels; must be given
  E kernel = 3;
  E stride = 1;
  Padding padding = valid;
  E dilation = 1;
  int64_t depth_multiplier = 1;  ///< outputs of each channel between the two convolutions
  ocellus::Activation activation = linear;
  bool use_bias = true;
  Initialiser depthwise_initialiser = glorot_uniform();
  Initialiser pointwise_initialiser = glorot_uniform();
  Initialiser bias_initialiser = zeros();
  std::string name = {};
};

/// A depthwise convolution with "depthwise_kernel" [C*multiplier,1,kernel...], then one of size 1 with
/// "pointwise_kernel" [filters,C*multiplier,1...], then "bias" [filters], then the activation (Chollet 2017,
/// Xception).
template <class E>
class OCELLUS_API SeparableConvLayer final : public Layer {
 public:
  explicit SeparableConvLayer(SeparableConvConfig<E> config);  ///< throws UsageError for sizes below 1

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  SeparableConvConfig<E> config_;
};

extern template class DepthwiseConvLayer<Extent1D>;
extern template class DepthwiseConvLayer<Extent>;
extern template class SeparableConvLayer<Extent1D>;
extern template class SeparableConvLayer<Extent>;

using DepthwiseConv1DConfig = DepthwiseConvConfig<Extent1D>;
using DepthwiseConv2DConfig = DepthwiseConvConfig<Extent>;
using DepthwiseConv1D = DepthwiseConvLayer<Extent1D>;
using DepthwiseConv2D = DepthwiseConvLayer<Extent>;
using SeparableConv1DConfig = SeparableConvConfig<Extent1D>;
using SeparableConv2DConfig = SeparableConvConfig<Extent>;
using SeparableConv1D = SeparableConvLayer<Extent1D>;
using SeparableConv2D = SeparableConvLayer<Extent>;

}  // namespace ocellus::nn

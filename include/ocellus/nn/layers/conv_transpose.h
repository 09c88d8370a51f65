// Transposed convolution in one, two and three dimensions.
#pragma once

#include <optional>

#include <ocellus/nn/extent.h>
#include <ocellus/nn/initialiser.h>
#include <ocellus/nn/layer.h>
#include <ocellus/ops/conv.h>

namespace ocellus::nn {

template <class E>
struct ConvTransposeConfig {
  int64_t filters = 0;  ///< output channels; must be given
  E kernel = 3;
  E stride = 1;
  Padding padding = valid;
  std::optional<E> output_padding = std::nullopt;  ///< further elements at the end, fewer than the stride
  E dilation = 1;
  int64_t groups = 1;
  ocellus::Activation activation = linear;
  bool use_bias = true;
  Initialiser kernel_initialiser = glorot_uniform();
  Initialiser bias_initialiser = zeros();
  std::string name = {};
};

/// Transposed convolution (Zeiler et al. 2010) of [N,C,spatial...] with "kernel" [C,filters/groups,kernel...], then
/// "bias" [filters], then the activation. Sizes n become n * stride with `same` padding, (n - 1) * stride + kernel (n
/// * stride if that is more) with `valid`, and what PyTorch gives with numbers; see `place_transposed`.
template <class E>
class OCELLUS_API ConvTransposeLayer final : public Layer {
 public:
  explicit ConvTransposeLayer(ConvTransposeConfig<E> config);  ///< throws UsageError for sizes below 1

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  ConvTransposeConfig<E> config_;
};

extern template class ConvTransposeLayer<Extent1D>;
extern template class ConvTransposeLayer<Extent>;
extern template class ConvTransposeLayer<Extent3D>;

using Conv1DTransposeConfig = ConvTransposeConfig<Extent1D>;
using Conv2DTransposeConfig = ConvTransposeConfig<Extent>;
using Conv3DTransposeConfig = ConvTransposeConfig<Extent3D>;
using Conv1DTranspose = ConvTransposeLayer<Extent1D>;
using Conv2DTranspose = ConvTransposeLayer<Extent>;
using Conv3DTranspose = ConvTransposeLayer<Extent3D>;

}  // namespace ocellus::nn

// Pooling to a given size, whatever the input's: mean or maximum over bins.
#pragma once

#include <ocellus/nn/extent.h>
#include <ocellus/nn/layer.h>

namespace ocellus::nn {

template <class E>
struct AdaptivePoolConfig {
  E size = 1;  ///< of the output
  std::string name = {};
};

/// Means of [N,C,spatial...] over bins that cover it: [N,C,size...]. Of n elements bin i of o has floor(i * n / o) to
/// ceil((i + 1) * n / o) - 1 (PyTorch).
template <class E>
class OCELLUS_API AdaptiveAveragePoolLayer final : public Layer {
 public:
  explicit AdaptiveAveragePoolLayer(AdaptivePoolConfig<E> config = {});  ///< throws UsageError for sizes below 1

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  AdaptivePoolConfig<E> config_;
};

/// Maxima over the same bins.
template <class E>
class OCELLUS_API AdaptiveMaxPoolLayer final : public Layer {
 public:
  explicit AdaptiveMaxPoolLayer(AdaptivePoolConfig<E> config = {});  ///< throws UsageError for sizes below 1

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  AdaptivePoolConfig<E> config_;
};

extern template class AdaptiveAveragePoolLayer<Extent1D>;
extern template class AdaptiveAveragePoolLayer<Extent>;
extern template class AdaptiveAveragePoolLayer<Extent3D>;
extern template class AdaptiveMaxPoolLayer<Extent1D>;
extern template class AdaptiveMaxPoolLayer<Extent>;
extern template class AdaptiveMaxPoolLayer<Extent3D>;

using AdaptivePool1DConfig = AdaptivePoolConfig<Extent1D>;
using AdaptivePool2DConfig = AdaptivePoolConfig<Extent>;
using AdaptivePool3DConfig = AdaptivePoolConfig<Extent3D>;
using AdaptiveAveragePool1D = AdaptiveAveragePoolLayer<Extent1D>;
using AdaptiveAveragePool2D = AdaptiveAveragePoolLayer<Extent>;
using AdaptiveAveragePool3D = AdaptiveAveragePoolLayer<Extent3D>;
using AdaptiveMaxPool1D = AdaptiveMaxPoolLayer<Extent1D>;
using AdaptiveMaxPool2D = AdaptiveMaxPoolLayer<Extent>;
using AdaptiveMaxPool3D = AdaptiveMaxPoolLayer<Extent3D>;

}  // namespace ocellus::nn

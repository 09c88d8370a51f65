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

enum class AdaptivePoolKind : uint8_t { average, max };

/// Means or maxima of [N,C,spatial...] over bins that cover it: [N,C,size...]. Of n elements bin i of o has
/// floor(i * n / o) to ceil((i + 1) * n / o) - 1 (PyTorch).
template <class E, AdaptivePoolKind Kind>
class OCELLUS_API AdaptivePool final : public Layer {
 public:
  explicit AdaptivePool(AdaptivePoolConfig<E> config = {});  ///< throws UsageError for sizes below 1

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  AdaptivePoolConfig<E> config_;
};

extern template class AdaptivePool<Extent1D, AdaptivePoolKind::average>;
extern template class AdaptivePool<Extent, AdaptivePoolKind::average>;
extern template class AdaptivePool<Extent3D, AdaptivePoolKind::average>;
extern template class AdaptivePool<Extent1D, AdaptivePoolKind::max>;
extern template class AdaptivePool<Extent, AdaptivePoolKind::max>;
extern template class AdaptivePool<Extent3D, AdaptivePoolKind::max>;

using AdaptivePool1DConfig = AdaptivePoolConfig<Extent1D>;
using AdaptivePool2DConfig = AdaptivePoolConfig<Extent>;
using AdaptivePool3DConfig = AdaptivePoolConfig<Extent3D>;
using AdaptiveAveragePool1D = AdaptivePool<Extent1D, AdaptivePoolKind::average>;
using AdaptiveAveragePool2D = AdaptivePool<Extent, AdaptivePoolKind::average>;
using AdaptiveAveragePool3D = AdaptivePool<Extent3D, AdaptivePoolKind::average>;
using AdaptiveMaxPool1D = AdaptivePool<Extent1D, AdaptivePoolKind::max>;
using AdaptiveMaxPool2D = AdaptivePool<Extent, AdaptivePoolKind::max>;
using AdaptiveMaxPool3D = AdaptivePool<Extent3D, AdaptivePoolKind::max>;

}  // namespace ocellus::nn

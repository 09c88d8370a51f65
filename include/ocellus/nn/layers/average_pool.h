// Mean over windows in one, two and three dimensions.
#pragma once

#include <optional>

#include <ocellus/nn/extent.h>
#include <ocellus/nn/layer.h>
#include <ocellus/ops/window.h>

namespace ocellus::nn {

template <class E>
struct AveragePoolConfig {
  E size = 2;
  std::optional<E> stride = std::nullopt;  ///< the window's size when not given
  Padding padding = valid;
  bool ceil_mode = false;          ///< a last window may hang over the end
  bool count_include_pad = false;  ///< padding counts in the divisor
  std::string name = {};
};

/// Mean under each window of [N,C,spatial...].
template <class E>
class OCELLUS_API AveragePoolLayer final : public Layer {
 public:
  explicit AveragePoolLayer(AveragePoolConfig<E> config = {});  ///< throws UsageError for sizes below 1

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  AveragePoolConfig<E> config_;
};

extern template class AveragePoolLayer<Extent1D>;
extern template class AveragePoolLayer<Extent>;
extern template class AveragePoolLayer<Extent3D>;

using AveragePool1DConfig = AveragePoolConfig<Extent1D>;
using AveragePool2DConfig = AveragePoolConfig<Extent>;
using AveragePool3DConfig = AveragePoolConfig<Extent3D>;
using AveragePool1D = AveragePoolLayer<Extent1D>;
using AveragePool2D = AveragePoolLayer<Extent>;
using AveragePool3D = AveragePoolLayer<Extent3D>;

}  // namespace ocellus::nn

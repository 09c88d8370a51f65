// Maximum over windows in one, two and three dimensions.
#pragma once

#include <optional>

#include <ocellus/nn/extent.h>
#include <ocellus/nn/layer.h>
#include <ocellus/ops/window.h>

namespace ocellus::nn {

template <class E>
struct MaxPoolConfig {
  E size = 2;
  std::optional<E> stride = std::nullopt;  ///< the window's size when not given
  Padding padding = valid;
  E dilation = 1;
  bool ceil_mode = false;  ///< a last window may hang over the end
  std::string name = {};
};

/// Largest element under each window of [N,C,spatial...]; padding never wins.
template <class E>
class OCELLUS_API MaxPoolLayer final : public Layer {
 public:
  explicit MaxPoolLayer(MaxPoolConfig<E> config = {});  ///< throws UsageError for sizes below 1

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  MaxPoolConfig<E> config_;
};

extern template class MaxPoolLayer<Extent1D>;
extern template class MaxPoolLayer<Extent>;
extern template class MaxPoolLayer<Extent3D>;

using MaxPool1DConfig = MaxPoolConfig<Extent1D>;
using MaxPool2DConfig = MaxPoolConfig<Extent>;
using MaxPool3DConfig = MaxPoolConfig<Extent3D>;
using MaxPool1D = MaxPoolLayer<Extent1D>;
using MaxPool2D = MaxPoolLayer<Extent>;
using MaxPool3D = MaxPoolLayer<Extent3D>;

}  // namespace ocellus::nn

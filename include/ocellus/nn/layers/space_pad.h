// Padding of positions: zeros, the input mirrored at its edges, or its edges continued.
#pragma once

#include <optional>

#include <ocellus/nn/extent.h>
#include <ocellus/nn/layer.h>
#include <ocellus/ops/shape.h>

namespace ocellus::nn {

template <class E>
struct SpacePadConfig {
  E before = 1;                           ///< elements in front along each dimension, 0 included
  std::optional<E> after = std::nullopt;  ///< elements behind; as many as before when not given
  std::string name = {};
};

/// Adds positions around [N,C,spatial...], filled as `Mode` says.
template <class E, PadMode Mode>
class OCELLUS_API SpacePad final : public Layer {
 public:
  explicit SpacePad(SpacePadConfig<E> config = {});  ///< throws UsageError for negative numbers

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  SpacePadConfig<E> config_;
};

extern template class SpacePad<Extent1D, PadMode::constant>;
extern template class SpacePad<Extent, PadMode::constant>;
extern template class SpacePad<Extent3D, PadMode::constant>;
extern template class SpacePad<Extent1D, PadMode::reflect>;
extern template class SpacePad<Extent, PadMode::reflect>;
extern template class SpacePad<Extent3D, PadMode::reflect>;
extern template class SpacePad<Extent1D, PadMode::replicate>;
extern template class SpacePad<Extent, PadMode::replicate>;
extern template class SpacePad<Extent3D, PadMode::replicate>;

using Pad1DConfig = SpacePadConfig<Extent1D>;
using Pad2DConfig = SpacePadConfig<Extent>;
using Pad3DConfig = SpacePadConfig<Extent3D>;
using ZeroPad1D = SpacePad<Extent1D, PadMode::constant>;
using ZeroPad2D = SpacePad<Extent, PadMode::constant>;
using ZeroPad3D = SpacePad<Extent3D, PadMode::constant>;
using ReflectionPad1D = SpacePad<Extent1D, PadMode::reflect>;
using ReflectionPad2D = SpacePad<Extent, PadMode::reflect>;
using ReflectionPad3D = SpacePad<Extent3D, PadMode::reflect>;
using ReplicationPad1D = SpacePad<Extent1D, PadMode::replicate>;
using ReplicationPad2D = SpacePad<Extent, PadMode::replicate>;
using ReplicationPad3D = SpacePad<Extent3D, PadMode::replicate>;

}  // namespace ocellus::nn

// One number of each channel: its mean or its maximum over all positions.
#pragma once

#include <ocellus/nn/layer.h>

namespace ocellus::nn {

struct GlobalPoolConfig {
  bool keep_dims = false;  ///< [N,C,1...] instead of [N,C]
  std::string name = {};
};

enum class GlobalPoolKind : uint8_t { average, max };

/// Means (Lin et al. 2014) or maxima of [N,C] and `Rank` spatial dimensions as [N,C].
template <size_t Rank, GlobalPoolKind Kind>
class OCELLUS_API GlobalPool final : public Layer {
 public:
  explicit GlobalPool(GlobalPoolConfig config = {});

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  GlobalPoolConfig config_;
};

extern template class GlobalPool<1, GlobalPoolKind::average>;
extern template class GlobalPool<2, GlobalPoolKind::average>;
extern template class GlobalPool<3, GlobalPoolKind::average>;
extern template class GlobalPool<1, GlobalPoolKind::max>;
extern template class GlobalPool<2, GlobalPoolKind::max>;
extern template class GlobalPool<3, GlobalPoolKind::max>;

using GlobalAveragePool2DConfig = GlobalPoolConfig;
using GlobalAveragePool1D = GlobalPool<1, GlobalPoolKind::average>;
using GlobalAveragePool2D = GlobalPool<2, GlobalPoolKind::average>;
using GlobalAveragePool3D = GlobalPool<3, GlobalPoolKind::average>;
using GlobalMaxPool1D = GlobalPool<1, GlobalPoolKind::max>;
using GlobalMaxPool2D = GlobalPool<2, GlobalPoolKind::max>;
using GlobalMaxPool3D = GlobalPool<3, GlobalPoolKind::max>;

}  // namespace ocellus::nn

// One number of each channel: its mean or its maximum over all positions.
#pragma once

#include <ocellus/nn/layer.h>

namespace ocellus::nn {

struct GlobalPoolConfig {
  bool keep_dims = false;  ///< [N,C,1...] instead of [N,C]
  std::string name = {};
};

/// Means of [N,C,spatial...] as [N,C] (Lin et al. 2014).
template <size_t Rank>
class OCELLUS_API GlobalAveragePool final : public Layer {
 public:
  explicit GlobalAveragePool(GlobalPoolConfig config = {});

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  GlobalPoolConfig config_;
};

/// Maxima of [N,C,spatial...] as [N,C].
template <size_t Rank>
class OCELLUS_API GlobalMaxPool final : public Layer {
 public:
  explicit GlobalMaxPool(GlobalPoolConfig config = {});

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  GlobalPoolConfig config_;
};

extern template class GlobalAveragePool<1>;
extern template class GlobalAveragePool<2>;
extern template class GlobalAveragePool<3>;
extern template class GlobalMaxPool<1>;
extern template class GlobalMaxPool<2>;
extern template class GlobalMaxPool<3>;

using GlobalAveragePool2DConfig = GlobalPoolConfig;
using GlobalAveragePool1D = GlobalAveragePool<1>;
using GlobalAveragePool2D = GlobalAveragePool<2>;
using GlobalAveragePool3D = GlobalAveragePool<3>;
using GlobalMaxPool1D = GlobalMaxPool<1>;
using GlobalMaxPool2D = GlobalMaxPool<2>;
using GlobalMaxPool3D = GlobalMaxPool<3>;

}  // namespace ocellus::nn

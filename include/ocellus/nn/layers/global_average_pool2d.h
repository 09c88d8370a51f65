// Mean of each channel.
#pragma once

#include <ocellus/nn/layer.h>

namespace ocellus::nn {

struct GlobalAveragePool2DConfig {
  bool keep_dims = false;  ///< [N,C,1,1] instead of [N,C]
  std::string name = {};
};

/// [N,C,H,W] to [N,C] (Lin et al. 2014).
class OCELLUS_API GlobalAveragePool2D final : public Layer {
 public:
  explicit GlobalAveragePool2D(GlobalAveragePool2DConfig config = {});

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  GlobalAveragePool2DConfig config_;
};

}  // namespace ocellus::nn

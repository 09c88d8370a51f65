// Channels moved into blocks of positions.
#pragma once

#include <ocellus/nn/layer.h>
#include <ocellus/ops/rearrange.h>

namespace ocellus::nn {

struct DepthToSpaceConfig {
  int64_t block = 2;
  BlockOrder order = BlockOrder::dcr;
  std::string name = {};
};

/// [N,C,H,W] to [N, C / block^2, H block, W block], and likewise in 1 or 3 dimensions; with the order `crd` it is the
/// sub-pixel shuffle of Shi et al. 2016 as PyTorch has it.
class OCELLUS_API DepthToSpace final : public Layer {
 public:
  explicit DepthToSpace(DepthToSpaceConfig config = {});  ///< throws UsageError for a block below 1

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  DepthToSpaceConfig config_;
};

}  // namespace ocellus::nn

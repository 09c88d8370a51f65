// Blocks of positions moved into channels.
#pragma once

#include <ocellus/nn/layer.h>
#include <ocellus/ops/rearrange.h>

namespace ocellus::nn {

struct SpaceToDepthConfig {
  int64_t block = 2;
  BlockOrder order = BlockOrder::dcr;
  std::string name = {};
};

/// [N,C,H,W] to [N, C block^2, H / block, W / block], and likewise in 1 or 3 dimensions; with the order `darknet` it is
/// YOLOv2's [reorg].
class OCELLUS_API SpaceToDepth final : public Layer {
 public:
  explicit SpaceToDepth(SpaceToDepthConfig config = {});  ///< throws UsageError for a block below 1

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  SpaceToDepthConfig config_;
};

}  // namespace ocellus::nn

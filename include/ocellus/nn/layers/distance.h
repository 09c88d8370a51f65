// Distances of two inputs.
#pragma once

#include <ocellus/nn/layer.h>
#include <ocellus/ops/matmul.h>

namespace ocellus::nn {

struct DistanceConfig {
  DistanceKind kind = DistanceKind::l2;
  std::string name = {};
};

/// How far two embeddings [N,D] are apart: [N,1]. `nn::Distance()({left, right})` ends a siamese network.
class OCELLUS_API Distance final : public Layer {
 public:
  explicit Distance(DistanceConfig config = {});

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  DistanceConfig config_;
};

}  // namespace ocellus::nn

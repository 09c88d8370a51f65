// Gram matrices: what style is made of.
#pragma once

#include <ocellus/nn/layer.h>
#include <ocellus/ops/matmul.h>

namespace ocellus::nn {

struct GramConfig {
  GramDivisor divisor = GramDivisor::none;
  std::string name = {};
};

/// Inner products of the channels of features [N,C,...] over their positions: [N,C,C] (Gatys et al. 2015).
class OCELLUS_API Gram final : public Layer {
 public:
  explicit Gram(GramConfig config = {});

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  GramConfig config_;
};

}  // namespace ocellus::nn

// Softmax as a layer of its own.
#pragma once

#include <ocellus/nn/layer.h>

namespace ocellus::nn {

struct SoftmaxConfig {
  bool log = false;  ///< the logarithm of it
  std::string name = {};
};

/// Softmax of [N,C,...] along the channels. Not for use before `loss::softmax_cross_entropy`, which takes logits.
class OCELLUS_API Softmax final : public Layer {
 public:
  explicit Softmax(SoftmaxConfig config = {});

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  SoftmaxConfig config_;
};

}  // namespace ocellus::nn

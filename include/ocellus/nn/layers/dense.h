// Fully connected layer.
#pragma once

#include <ocellus/nn/initialiser.h>
#include <ocellus/nn/layer.h>
#include <ocellus/ops/activation.h>

namespace ocellus::nn {

struct DenseConfig {
  int64_t units = 0;  ///< outputs; must be given
  ocellus::Activation activation = linear;
  bool use_bias = true;
  Initialiser kernel_initialiser = glorot_uniform();
  Initialiser bias_initialiser = zeros();
  std::string name = {};
};

/// [N,in] by "kernel" [units,in], plus "bias" [units], then the activation.
class OCELLUS_API Dense final : public Layer {
 public:
  explicit Dense(DenseConfig config);  ///< throws UsageError for units below 1

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  DenseConfig config_;
};

}  // namespace ocellus::nn

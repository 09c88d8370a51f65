// Batch normalisation.
#pragma once

#include <ocellus/nn/initialiser.h>
#include <ocellus/nn/layer.h>
#include <ocellus/ops/activation.h>

namespace ocellus::nn {

/// Defaults are Keras'; PyTorch's are epsilon 1e-5, momentum 0.9 (which it calls 0.1) and an unbiased variance.
/// darknet has epsilon 1e-5 inside the root on graphics cards, and 1e-6 outside of it in its plain code.
struct BatchNormConfig {
  double epsilon = 1e-3;
  bool epsilon_outside = false;    ///< divides by sqrt(var) + epsilon instead of sqrt(var + epsilon)
  double momentum = 0.99;          ///< running = momentum * running + (1 - momentum) * batch
  bool unbiased_variance = false;  ///< the running variance takes n/(n-1) of the batch's
  ocellus::Activation activation = linear;
  Initialiser gamma_initialiser = ones();
  Initialiser beta_initialiser = zeros();
  std::string name = {};
};

/// Normalises the channels of [N,C,...] (Ioffe & Szegedy 2015): "gamma", "beta", and the statistics "moving_mean" and
/// "moving_variance", all [C]. A layer that does not learn uses the statistics in training too.
class OCELLUS_API BatchNorm final : public Layer {
 public:
  explicit BatchNorm(BatchNormConfig config = {});

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  BatchNormConfig config_;
};

}  // namespace ocellus::nn

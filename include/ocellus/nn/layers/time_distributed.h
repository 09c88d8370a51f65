// A layer for each step of a sequence.
#pragma once

#include <concepts>
#include <memory>

#include <ocellus/nn/layer.h>

namespace ocellus::nn {

struct TimeDistributedConfig {
  std::string name = {};
};

/// Calls a layer, or a whole model, on every step of sequences [N,T,...] as if it were a sample: steps and batch become one
/// dimension, [N*T,...], and two again. The layer is shared by all steps; its parameters and its name stay its own.
class OCELLUS_API TimeDistributed final : public Layer {
 public:
  template <std::derived_from<Layer> L>
  explicit TimeDistributed(L layer, TimeDistributedConfig config = {})
      : TimeDistributed(std::make_shared<L>(std::move(layer)), std::move(config.name)) {}

  void trainable(bool learns) override;
  std::vector<ParameterPtr> parameters() const override { return layer_->parameters(); }

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  TimeDistributed(std::shared_ptr<Layer> layer, std::string name);

  std::shared_ptr<Layer> layer_;
};

}  // namespace ocellus::nn

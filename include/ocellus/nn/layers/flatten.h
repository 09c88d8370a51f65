// Flattening of samples.
#pragma once

#include <ocellus/nn/layer.h>

namespace ocellus::nn {

/// [N,...] to [N,elements], in the order channels, rows, columns.
class OCELLUS_API Flatten final : public Layer {
 public:
  explicit Flatten(std::string name = "");

 protected:
  Values call(Build& build, const Values& inputs) const override;
};

}  // namespace ocellus::nn

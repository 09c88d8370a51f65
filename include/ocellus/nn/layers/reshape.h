// Reshaping of samples.
#pragma once

#include <ocellus/nn/layer.h>

namespace ocellus::nn {

struct ReshapeConfig {
  std::vector<int64_t> shape = {};  ///< of a sample, without the batch; one -1 is inferred
  std::string name = {};
};

/// [N,...] to [N,shape], elements in plain order.
class OCELLUS_API Reshape final : public Layer {
 public:
  explicit Reshape(ReshapeConfig config);

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  ReshapeConfig config_;
};

}  // namespace ocellus::nn

// Dropout.
#pragma once

#include <ocellus/nn/layer.h>

namespace ocellus::nn {

struct DropoutConfig {
  double rate = 0.5;  ///< probability of zero, in [0,1)
  int64_t seed = 0;   ///< masks depend on it, on the layer's name, on fit's seed and on the step
  std::string name = {};
};

/// In training sets elements to zero and scales the rest by 1/(1-rate) (Srivastava et al. 2014); else passes them on.
class OCELLUS_API Dropout final : public Layer {
 public:
  explicit Dropout(DropoutConfig config = {});  ///< throws UsageError for a rate outside [0,1)

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  DropoutConfig config_;
};

}  // namespace ocellus::nn

// Concatenation of values.
#pragma once

#include <ocellus/nn/layer.h>

namespace ocellus::nn {

struct ConcatConfig {
  int64_t axis = 1;  ///< channels
  std::string name = {};
};

/// Joins two or more values along an axis: `nn::Concat()({a, b})`.
class OCELLUS_API Concat final : public Layer {
 public:
  explicit Concat(ConcatConfig config = {});

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  ConcatConfig config_;
};

}  // namespace ocellus::nn

// Padding of samples.
#pragma once

#include <ocellus/nn/layer.h>
#include <ocellus/ops/shape.h>

namespace ocellus::nn {

/// Elements before and after each dimension of a sample (the batch left out): {channels, rows, columns} of an image.
struct PadConfig {
  std::vector<int64_t> before = {}, after = {};
  PadMode mode = PadMode::constant;
  double value = 0;
  std::string name = {};
};

/// Adds elements around samples; throws ShapeError for lists of another length than the sample's rank.
class OCELLUS_API Pad final : public Layer {
 public:
  explicit Pad(PadConfig config);

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  PadConfig config_;
};

}  // namespace ocellus::nn

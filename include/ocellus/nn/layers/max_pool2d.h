// Maximum over two-dimensional windows.
#pragma once

#include <optional>

#include <ocellus/nn/extent.h>
#include <ocellus/nn/layer.h>
#include <ocellus/ops/window.h>

namespace ocellus::nn {

struct MaxPool2DConfig {
  Extent size = 2;
  std::optional<Extent> stride = std::nullopt;  ///< the window's size when not given
  Padding padding = valid;
  bool ceil_mode = false;  ///< a last window may hang over the end
  std::string name = {};
};

/// Largest element under each window of [N,C,H,W]; padding never wins.
class OCELLUS_API MaxPool2D final : public Layer {
 public:
  explicit MaxPool2D(MaxPool2DConfig config = {});  ///< throws UsageError for sizes below 1

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  MaxPool2DConfig config_;
};

}  // namespace ocellus::nn

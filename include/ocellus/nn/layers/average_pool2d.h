// Mean over two-dimensional windows.
#pragma once

#include <optional>

#include <ocellus/nn/extent.h>
#include <ocellus/nn/layer.h>
#include <ocellus/ops/window.h>

namespace ocellus::nn {

struct AveragePool2DConfig {
  Extent size = 2;
  std::optional<Extent> stride = std::nullopt;  ///< the window's size when not given
  Padding padding = valid;
  bool ceil_mode = false;          ///< a last window may hang over the end
  bool count_include_pad = false;  ///< padding counts in the divisor
  std::string name = {};
};

/// Mean under each window of [N,C,H,W].
class OCELLUS_API AveragePool2D final : public Layer {
 public:
  explicit AveragePool2D(AveragePool2DConfig config = {});  ///< throws UsageError for sizes below 1

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  AveragePool2DConfig config_;
};

}  // namespace ocellus::nn

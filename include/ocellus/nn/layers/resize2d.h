// Images of another size.
#pragma once

#include <optional>

#include <ocellus/nn/extent.h>
#include <ocellus/nn/layer.h>
#include <ocellus/ops/resize.h>

namespace ocellus::nn {

struct Resize2DConfig {
  Extent factor = 2;                          ///< rows and columns that become of one
  std::optional<Extent> size = std::nullopt;  ///< rows and columns of the output; the factor does not count then
  ResizeMode mode = ResizeMode::nearest;
  ResizeCoordinates coordinates = ResizeCoordinates::half_pixel;
  ResizeRounding rounding = ResizeRounding::round_half_down;
  std::string name = {};
};

/// [N,C,H,W] at another size, by the nearest elements or bilinear. The defaults are Keras's UpSampling2D.
class OCELLUS_API Resize2D final : public Layer {
 public:
  explicit Resize2D(Resize2DConfig config = {});  ///< throws UsageError for sizes and factors below 1

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  Resize2DConfig config_;
};

}  // namespace ocellus::nn

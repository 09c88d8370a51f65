// Regions of interest brought to one size.
#pragma once

#include <ocellus/nn/extent.h>
#include <ocellus/nn/layer.h>

namespace ocellus::nn {

struct RoiPoolConfig {
  Extent size = 7;   ///< rows and columns of bins
  double scale = 1;  ///< elements of the features that one of the image becomes: 1.0 / 16
  std::string name = {};
};

/// The largest elements in bins of regions (Girshick 2015, Fast R-CNN): called on {features [N,C,H,W], regions
/// [R,5]}, gives [R,C,size]. A region is a row {image, x1, y1, x2, y2}; see ops/roi.h.
class OCELLUS_API RoiPool final : public Layer {
 public:
  explicit RoiPool(RoiPoolConfig config = {});  ///< throws UsageError for sizes below 1

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  RoiPoolConfig config_;
};

/// Means in bins of regions, each of channels of its own (Dai et al. 2016, R-FCN): called on {features
/// [N,C*bins,H,W], regions [R,5]}, gives [R,C,size].
class OCELLUS_API PositionSensitiveRoiPool final : public Layer {
 public:
  explicit PositionSensitiveRoiPool(RoiPoolConfig config = {});  ///< throws UsageError for sizes below 1

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  RoiPoolConfig config_;
};

struct RoiAlignConfig {
  Extent size = 7;             ///< rows and columns of bins
  double scale = 1;            ///< elements of the features that one of the image becomes: 1.0 / 16
  int64_t sampling_ratio = 0;  ///< samples of a bin along each dimension; 0 for as many as it has elements
  bool aligned = false;        ///< corners are moved by half an element, to where an element's centre is
  std::string name = {};
};

/// Means of bilinear samples in bins of regions (He et al. 2017, Mask R-CNN): called on {features [N,C,H,W], regions
/// [R,5]}, gives [R,C,size].
class OCELLUS_API RoiAlign final : public Layer {
 public:
  explicit RoiAlign(RoiAlignConfig config = {});  ///< throws UsageError for sizes below 1 and a negative sampling ratio

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  RoiAlignConfig config_;
};

}  // namespace ocellus::nn

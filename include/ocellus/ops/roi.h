// Regions of interest: parts of feature maps brought to one size.
//
// Regions are rows [image, x1, y1, x2, y2] of a value [R,5]: the image's number in the batch, and corners in the
// coordinates of the image that the features were computed from, which `scale` turns into those of the features. No
// gradient flows to them. Evaluation throws UsageError for a region that names no image of the batch or whose corners
// are not finite.
#pragma once

#include <ocellus/graph/op.h>

namespace ocellus {

/// Largest element of each bin of each region (Girshick 2015, Fast R-CNN): corners are rounded and belong to the
/// region, bins are those of adaptive pooling, cut to where there are features; an empty one gives 0. Inputs: x
/// [N,C,H,W], regions [R,5]. Outputs: y [R,C,output...], and the positions of the maxima in their planes (i32, -1 for
/// none).
class OCELLUS_API RoiPool final : public Op {
 public:
  std::vector<int64_t> output;
  double scale = 1;

  std::string_view name() const override { return "roi_pool"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.wide_inputs = 0b10}; }
};

/// Inputs: dy, the positions that the forward operator gave, regions, and x, of which only the shape counts.
class OCELLUS_API RoiPoolBackward final : public Op {
 public:
  std::string_view name() const override { return "roi_pool_backward"; }
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.wide_inputs = 0b100}; }
};

/// Mean of bilinear samples in each bin of each region, nothing rounded (He et al. 2017, Mask R-CNN). Inputs: x
/// [N,C,H,W], regions [R,5]. Output: y [R,C,output...]. `sampling_ratio` is the number of samples of a bin along each
/// dimension; 0 takes as many as it has elements, rounded up. `aligned` moves corners by half an element, so that an
/// element's centre is where its coordinates say; otherwise regions count as at least one element wide and high.
class OCELLUS_API RoiAlign final : public Op {
 public:
  std::vector<int64_t> output;
  double scale = 1;
  int64_t sampling_ratio = 0;
  bool aligned = false;

  std::string_view name() const override { return "roi_align"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.wide_inputs = 0b10}; }
};

/// Inputs: dy, regions, and x, of which only the shape counts.
class OCELLUS_API RoiAlignBackward final : public Op {
 public:
  double scale = 1;
  int64_t sampling_ratio = 0;
  bool aligned = false;

  std::string_view name() const override { return "roi_align_backward"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.wide_inputs = 0b10}; }
};

/// Position-sensitive pooling (Dai et al. 2016, R-FCN): each bin is the mean of a channel of its own. Inputs: x
/// [N,C*bins,H,W], regions [R,5]. Output: y [R,C,output...], whose channel c takes bin b from x's channel c * bins + b.
/// Corners are rounded, and the features' last row and column end the bins (torchvision); an empty bin gives 0.
class OCELLUS_API PositionSensitiveRoiPool final : public Op {
 public:
  std::vector<int64_t> output;
  double scale = 1;

  std::string_view name() const override { return "position_sensitive_roi_pool"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.wide_inputs = 0b10}; }
};

/// Inputs: dy, regions, and x, of which only the shape counts.
class OCELLUS_API PositionSensitiveRoiPoolBackward final : public Op {
 public:
  double scale = 1;

  std::string_view name() const override { return "position_sensitive_roi_pool_backward"; }
  void attrs(AttrVisitor& v) const override { v("scale", scale); }
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.wide_inputs = 0b10}; }
};

namespace ops {
struct RoiPoolConfig {
  std::vector<int64_t> size = {7, 7};  ///< rows and columns of bins
  double scale = 1;                    ///< elements of the features that one of the image becomes: 1.0 / 16
};
OCELLUS_API Value roi_pool(const Value& x, const Value& regions, const RoiPoolConfig& config = {});
OCELLUS_API Value position_sensitive_roi_pool(const Value& x, const Value& regions, const RoiPoolConfig& config = {});

struct RoiAlignConfig {
  std::vector<int64_t> size = {7, 7};  ///< rows and columns of bins
  double scale = 1;                    ///< elements of the features that one of the image becomes: 1.0 / 16
  int64_t sampling_ratio = 0;          ///< samples of a bin along each dimension; 0 for as many as it has elements
  bool aligned = false;
};
OCELLUS_API Value roi_align(const Value& x, const Value& regions, const RoiAlignConfig& config = {});
}  // namespace ops

}  // namespace ocellus

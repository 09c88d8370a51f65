// Boxes: how much they overlap, and how detectors write them down.
#pragma once

#include <cmath>

#include <ocellus/base/export.h>

namespace ocellus::vision {

/// Two corners, x to the right and y downwards, in pixels or as fractions of an image.
struct Box {
  float x1 = 0, y1 = 0, x2 = 0, y2 = 0;

  friend bool operator==(const Box&, const Box&) = default;
};

/// Where a box ends: at its second corner, or one pixel further, as in Pascal VOC, where corners are pixels that belong to
/// the box.
enum class Extent { exact, inclusive };

/// Width times height; 0 for a box whose corners are not finite or stand in the wrong order.
OCELLUS_API double area(const Box& box, Extent extent = Extent::exact);
/// The area that both cover: 0 for boxes that are apart or have no area.
OCELLUS_API double intersection(const Box& a, const Box& b, Extent extent = Extent::exact);
/// Intersection over union, area(a) + area(b) - intersection, in [0, 1]; 0 if neither has an area.
OCELLUS_API double iou(const Box& a, const Box& b, Extent extent = Extent::exact);
/// Corners moved into [0, width] and [0, height]; a NaN stays.
OCELLUS_API Box clip(const Box& box, float width, float height);

/// A box by its centre and its size.
struct CentreBox {
  float x = 0, y = 0, width = 0, height = 0;

  friend bool operator==(const CentreBox&, const CentreBox&) = default;
};
OCELLUS_API CentreBox centre_of(const Box& box);
OCELLUS_API Box corners_of(const CentreBox& box);

/// A box as seen from an anchor: the way between the centres in sizes of the anchor, and logarithms of the ratios of the
/// sizes.
struct Offsets {
  float x = 0, y = 0, width = 0, height = 0;
};

/// What offsets are divided by when they are learned (SSD's "variances", 0.1 and 0.2; 1 and 1 for an R-CNN that does not
/// normalise its targets), and the largest ratio of sizes that is believed.
struct OffsetCoding {
  float centre = 1, size = 1;
  float max_ratio = 1000.0f / 16;
};
/// Girshick et al. 2014 (R-CNN), appendix C; Liu et al. 2016 (SSD) for the divisors. Both boxes need an area: throws
/// UsageError for others.
OCELLUS_API Offsets encode(const Box& box, const Box& anchor, const OffsetCoding& coding = {});
OCELLUS_API Box decode(const Offsets& offsets, const Box& anchor, const OffsetCoding& coding = {});

/// One prior of one cell of YOLO's grid. Sizes of the prior are fractions of the image: a prior of YOLOv2, in cells, is
/// divided by the grid's size, one of YOLOv3, in pixels, by the network's input.
struct YoloCell {
  int column = 0, row = 0, columns = 1, rows = 1;
  float prior_width = 0, prior_height = 0;
  float scale_xy = 1;  ///< YOLOv4's: how far beyond the cell a centre may lie, 1 for not at all
};
/// The box, in fractions of the image, that the network's raw numbers mean: centre (column + sigmoid(x)) / columns, width
/// prior_width e^width, and so on (Redmon & Farhadi 2016, YOLO9000, section 2).
OCELLUS_API CentreBox decode(const Offsets& raw, const YoloCell& cell);

}  // namespace ocellus::vision

// From a detector's numbers to boxes and scores, as host operators. No gradient flows back through them.
#pragma once

#include <cstdint>
#include <vector>

#include <ocellus/graph/value.h>
#include <ocellus/vision/box.h>

namespace ocellus::vision {

/// Boxes f32 [N,R,4] (two corners) from offsets f32 [N,R,4] (x, y, width, height) and anchors f32 [R,4], for all images the
/// same, or [N,R,4]. With a size, boxes are clipped to it.
struct DecodeConfig {
  OffsetCoding coding = {};
  float clip_width = 0, clip_height = 0;  ///< of the image, in the anchors' units; 0: no clipping
};
OCELLUS_API Value decode_offsets(const Value& offsets, const Value& anchors, const DecodeConfig& config = {});

/// A prior's size, as a fraction of the image (`YoloCell` says how to get there).
struct Prior {
  float width = 0, height = 0;
};

struct YoloConfig {
  std::vector<Prior> priors;  ///< must be given
  bool softmax = false;       ///< the classes exclude each other (YOLOv2); otherwise each has its sigmoid (YOLOv3)
  float scale_xy = 1;         ///< YOLOv4's, see YoloCell
};
/// Boxes f32 [N,R,4] as fractions of the image and scores f32 [N,R,C], objectness times class, from a network's raw output x
/// f32 [N,A*(5+C),H,W]: for each of A priors x, y, width, height, objectness and C classes. Row (row * W + column) * A + a is
/// prior a of that cell. Without classes (C = 0) the objectness is the score of a single one.
OCELLUS_API Values decode_yolo(const Value& x, const YoloConfig& config);

}  // namespace ocellus::vision

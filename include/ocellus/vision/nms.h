// Non-maximum suppression: of boxes that overlap, the one with the highest score stays.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ocellus/graph/value.h>
#include <ocellus/vision/box.h>

namespace ocellus::vision {

/// What happens to a box that overlaps a kept one of a higher score. Greedy drops it if their IoU is above the threshold;
/// the soft forms lower its score instead (Bodla et al. 2017, "Soft-NMS"): linear by the factor 1 - IoU where that is above
/// the threshold, Gaussian by e^(-IoU^2 / sigma) everywhere.
enum class Suppression : uint8_t { greedy, soft_linear, soft_gaussian };

struct NmsConfig {
  double score_threshold = 0.05;  ///< only scores above it count, soft ones after they were lowered; at least 0
  double iou_threshold = 0.5;
  Suppression suppression = Suppression::greedy;
  double sigma = 0.5;           ///< of the Gaussian form
  bool class_agnostic = false;  ///< boxes suppress those of other classes too
  int64_t background = -1;      ///< a class that is never detected: SSD's 0
  int64_t candidates = 0;       ///< of each class only the best so many enter at all; 0: all
  int64_t max_per_class = 0;    ///< kept at most, of each class; 0: any number
  int64_t max_total = 200;      ///< kept at most in all
  Extent extent = Extent::exact;
};

struct Detection {
  int64_t box_class = 0;
  float score = 0;
  Box box;
  int64_t index = 0;  ///< of the box among those given

  friend bool operator==(const Detection&, const Detection&) = default;
};

/// The detections among `boxes`, best first; of equal scores the lower index comes first, then the lower class. `scores` has
/// `classes` numbers for each box, and there is one box for all of them or one for each: box i, class c is
/// boxes[i * classes + c]. Where scores are multiplied by an objectness they must be so already. Ignored are scores that
/// are not finite, and boxes without an area (`area`): corners that are not finite or in the wrong order. Takes O(n log n +
/// kept n). Throws UsageError for numbers that don't fit together or a setting that makes no sense.
OCELLUS_API std::vector<Detection> nms(std::span<const Box> boxes, std::span<const float> scores, int64_t classes,
                                       const NmsConfig& config = {});

/// The same as a host operator, for each image of a batch. Inputs: boxes f32 [N,R,4] or [N,R,C,4], scores f32 [N,R,C].
/// Outputs: f32 [N,max_total,6] with rows (class, score, x1, y1, x2, y2), filled up with rows (-1, 0, 0, 0, 0, 0), and the
/// number of detections, i32 [N]. No gradient flows back.
OCELLUS_API Values nms(const Value& boxes, const Value& scores, const NmsConfig& config = {});

}  // namespace ocellus::vision

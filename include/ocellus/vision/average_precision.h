// Average precision: how well boxes were found, over all thresholds of the score.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ocellus/vision/box.h>
#include <ocellus/vision/nms.h>

namespace ocellus::vision {

/// A box that is really there.
struct Truth {
  int64_t box_class = 0;
  Box box;
  bool difficult = false;  ///< finding it counts for nothing, and neither does missing it (Pascal VOC)
};

struct AveragePrecisionConfig {
  double iou = 0.5;            ///< a detection is right where it overlaps a truth of its class by this much
  bool eleven_points = false;  ///< the mean of 11 precisions (VOC until 2007) instead of the area under all of them
  Extent extent = Extent::exact;
};

/// Of one class.
struct ClassPrecision {
  int64_t box_class = 0;
  int64_t truths = 0;  ///< without difficult ones
  int64_t detections = 0;
  double average_precision = 0;
};

/// What one threshold of the score gives, over all classes.
struct DetectionCounts {
  int64_t right = 0, wrong = 0, missed = 0;
  double mean_iou = 0;  ///< of those that are right
  double precision() const { return right == 0 ? 0 : double(right) / double(right + wrong); }
  double recall() const { return right == 0 ? 0 : double(right) / double(right + missed); }
  double f1() const { return right == 0 ? 0 : 2 * double(right) / double(2 * right + wrong + missed); }
};

/// Collects pictures. As in Pascal VOC (Everingham et al. 2010) a class's detections are gone through best first; each takes the
/// truth of its picture that it overlaps most, and is wrong where another one has had that already.
class OCELLUS_API AveragePrecision {
 public:
  explicit AveragePrecision(AveragePrecisionConfig config = {}) : config_(config) {}

  void add(std::span<const Detection> detections, std::span<const Truth> truths);

  /// Of the classes that have truths, in their order.
  std::vector<ClassPrecision> classes() const;
  /// mAP: the mean over those classes; 0 without any.
  double mean() const;
  DetectionCounts at(double score) const;

 private:
  struct Scored {
    int64_t box_class;
    float score;
    double iou;  ///< with the truth that it took; 0 for a wrong one
  };
  AveragePrecisionConfig config_;
  std::vector<Scored> scored_;   ///< without those that took a difficult truth
  std::vector<int64_t> truths_;  ///< by class
};

}  // namespace ocellus::vision

// Detector: a model of YOLO's family and what its raw numbers mean: boxes in the pictures that it is shown.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <ocellus/data/image.h>
#include <ocellus/data/preprocess.h>
#include <ocellus/model/model.h>
#include <ocellus/vision/decode.h>
#include <ocellus/vision/nms.h>

namespace ocellus::vision {

/// `cells`: [A*(5+C),H,W], for each prior of each cell a box relative to it (YOLOv2 and later). `grid`: YOLOv1's row of
/// numbers, all classes of all cells, then all objectnesses, then all boxes (Redmon et al. 2015).
enum class HeadKind : uint8_t { cells, grid };

/// How one output of a network is read.
struct DetectionHead {
  HeadKind kind = HeadKind::cells;
  int64_t output = 0;  ///< which of the model's outputs
  int64_t classes = 0;
  bool softmax = false;            ///< the classes exclude each other; otherwise each has its sigmoid
  std::vector<Prior> priors = {};  ///< of cells, as fractions of the picture
  double scale_xy = 1;             ///< of cells, YOLOv4's: see YoloCell
  bool squared = false;  ///< of cells: numbers are in 0..1 already, and a size is prior * (2 x)^2 (Scaled-YOLOv4)
  int64_t side = 0, boxes = 0;  ///< of grids: cells along each side, boxes a cell
  bool roots = false;           ///< of grids: sizes are given by their square roots
};

/// What a model's metadata says under "detector": empty for a model that is no detector. Throws FormatError where it is damaged
/// or does not fit the model's outputs.
OCELLUS_API std::vector<DetectionHead> detection_heads(const Model& model);
OCELLUS_API void set_detection_heads(Model& model, std::span<const DetectionHead> heads);

/// Boxes as fractions of the network's input, and `classes` scores for each.
struct Candidates {
  std::vector<Box> boxes;
  std::vector<float> scores;
};
/// Reads one sample [A*(5+C),H,W] or [numbers] of a head's output. Boxes whose objectness is not above `threshold` are left out:
/// none of their scores can be. Throws ShapeError.
OCELLUS_API Candidates read_head(const DetectionHead& head, const Tensor& output, double threshold = 0);

/// A box on the network's input, in fractions of it, as pixels of the picture that was put there.
OCELLUS_API Box in_picture(const Box& box, const data::Preprocess& preprocess, const data::Image& picture);

struct DetectorConfig {
  NmsConfig nms = {.score_threshold = 0.25, .iou_threshold = 0.45};  ///< darknet's
  int64_t batch = 8;                                                 ///< pictures computed at once
};

/// A handle of a model, as the model itself.
class OCELLUS_API Detector {
 public:
  /// Throws UsageError for a model that is no detector.
  explicit Detector(Model model, DetectorConfig config = {});

  /// What is in a picture, best first, with corners in its pixels.
  std::vector<Detection> detect(const data::Image& picture) const;
  std::vector<std::vector<Detection>> detect(std::span<const data::Image> pictures) const;

  const Model& model() const { return model_; }
  const std::vector<DetectionHead>& heads() const { return heads_; }
  int64_t classes() const { return heads_.front().classes; }

 private:
  Model model_;
  DetectorConfig config_;
  std::vector<DetectionHead> heads_;
};

/// The picture in colour with a frame, the class's name and the score for each detection; a class without a name has its number.
OCELLUS_API data::Image draw_detections(const data::Image& picture, std::span<const Detection> detections,
                                        std::span<const std::string> names);

}  // namespace ocellus::vision

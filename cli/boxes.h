// What `predict` and `eval` do with a detector.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <ocellus/data/dataset.h>
#include <ocellus/model/model.h>
#include <ocellus/vision/detector.h>

namespace cli {

/// Boxes of pictures, printed or as JSON, and drawn.
struct BoxPrediction {
  std::span<const std::string> images;
  std::string draw;
  bool json = false;
  ocellus::vision::NmsConfig nms = {};
};
int predict_boxes(const ocellus::Model& model, const BoxPrediction& what);

/// Average precision on a set whose targets are boxes, [K,5] rows of class, centre and size.
struct BoxJudgement {
  const ocellus::Dataset& dataset;
  bool json = false;
  ocellus::vision::NmsConfig nms = {};
};
int judge_boxes(const ocellus::Model& model, const BoxJudgement& what);

}  // namespace cli

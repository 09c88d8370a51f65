#include "boxes.h"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ocellus/base/error.h>
#include <ocellus/data/draw.h>
#include <ocellus/train/progress.h>
#include <ocellus/vision/average_precision.h>

#include "common.h"

namespace cli {
namespace {

using namespace ocellus;
using nlohmann::ordered_json;

constexpr double iou = 0.5, shown_score = 0.25;  // what darknet's "map" counts right and wrong ones at

ordered_json detections_json(const Model& model, std::span<const vision::Detection> detections) {
  ordered_json list = ordered_json::array();
  for (const vision::Detection& d : detections)
    list.push_back({{"index", d.box_class},
                    {"class", class_name(model, d.box_class)},
                    {"score", d.score},
                    {"box", {d.box.x1, d.box.y1, d.box.x2, d.box.y2}}});
  return list;
}

void print_detections(const Model& model, const std::string& name, std::span<const vision::Detection> detections) {
  fmt::print("{}{}\n", name, detections.empty() ? ": nothing found" : "");
  for (const vision::Detection& d : detections)
    fmt::print("  {:>6.3f}  {:<16} {:>5.0f} {:>5.0f} {:>5.0f} {:>5.0f}\n", d.score, class_name(model, d.box_class),
               d.box.x1, d.box.y1, d.box.x2, d.box.y2);
}

/// One picture as it is, several in a montage.
void draw(const std::string& path, const std::vector<data::Captioned>& pictures) {
  data::save_image(path, pictures.size() == 1 ? pictures[0].image : data::montage(pictures, 384));
}

std::vector<vision::Truth> truths_of(const Tensor& rows, const data::Image& picture) {
  if (rows.shape().rank() != 2 || rows.shape()[1] != 5)
    throw UsageError("the data set has no boxes: a detector is judged on images/ and labels/ with a line a box");
  std::vector<vision::Truth> truths;
  const auto numbers = rows.as<float>();
  const auto width = static_cast<float>(picture.width), height = static_cast<float>(picture.height);
  for (size_t i = 0; i < numbers.size(); i += 5)
    truths.push_back({.box_class = static_cast<int64_t>(numbers[i]),
                      .box = vision::corners_of({numbers[i + 1] * width, numbers[i + 2] * height,
                                                 numbers[i + 3] * width, numbers[i + 4] * height})});
  return truths;
}

void print_judgement(const Model& model, const vision::AveragePrecision& precision, const Dataset& dataset) {
  fmt::print("{:<20} {:>8} {:>11} {:>9}\n", "class", "boxes", "detections", "AP@0.5");
  for (const auto& c : precision.classes())
    fmt::print("{:<20} {:>8} {:>11} {:>8.2f}%\n", class_name(model, c.box_class), c.truths, c.detections,
               100 * c.average_precision);
  const auto counts = precision.at(shown_score);
  fmt::print(
      "at score {}: precision {:.2f}, recall {:.2f}, F1 {:.2f}; {} right, {} wrong, {} missed, mean IoU {:.2f}\n",
      shown_score, counts.precision(), counts.recall(), counts.f1(), counts.right, counts.wrong, counts.missed,
      counts.mean_iou);
  fmt::print("{}: mAP@0.5 {:.2f} % over {} classes, {} images\n", dataset.name(), 100 * precision.mean(),
             precision.classes().size(), dataset.size());
}

ordered_json judgement_json(const Model& model, const vision::AveragePrecision& precision, const Dataset& dataset) {
  const auto counts = precision.at(shown_score);
  ordered_json j = {{"dataset", dataset.name()}, {"samples", dataset.size()},       {"map50", precision.mean()},
                    {"score", shown_score},      {"precision", counts.precision()}, {"recall", counts.recall()},
                    {"f1", counts.f1()},         {"right", counts.right},           {"wrong", counts.wrong},
                    {"missed", counts.missed},   {"mean_iou", counts.mean_iou}};
  for (const auto& c : precision.classes())
    j["classes"].push_back({{"name", class_name(model, c.box_class)},
                            {"boxes", c.truths},
                            {"detections", c.detections},
                            {"ap50", c.average_precision}});
  return j;
}

}  // namespace

int predict_boxes(const Model& model, const BoxPrediction& what) {
  const vision::Detector detector(model, {.nms = what.nms});
  std::vector<data::Image> images;
  for (const std::string& path : what.images) images.push_back(data::load_image(path));
  const auto found = detector.detect(images);
  ordered_json all = ordered_json::array();
  std::vector<data::Captioned> pictures;
  for (size_t i = 0; i < images.size(); ++i) {
    if (what.json)
      all.push_back({{"image", what.images[i]},
                     {"width", images[i].width},
                     {"height", images[i].height},
                     {"detections", detections_json(model, found[i])}});
    else
      print_detections(model, what.images[i], found[i]);
    if (!what.draw.empty())
      pictures.push_back({vision::draw_detections(images[i], found[i], model.class_names()), {what.images[i]}});
  }
  if (what.json) fmt::print("{}\n", all.dump(2));
  if (!what.draw.empty()) draw(what.draw, pictures);
  return 0;
}

int judge_boxes(const Model& model, const BoxJudgement& what) {
  const vision::Detector detector(model, {.nms = what.nms});
  vision::AveragePrecision precision({.iou = iou});
  std::optional<ProgressBar> bar;
  if (!what.json) bar.emplace(what.dataset.size(), ProgressConfig{}, what.dataset.name());
  Rng rng(0);
  for (int64_t i = 0; i < what.dataset.size(); ++i) {
    const Sample sample = what.dataset.get(i, rng);
    const data::Image picture = data::to_image(sample.input);
    precision.add(detector.detect(picture), truths_of(sample.target, picture));
    if (bar) bar->update(i + 1, {});
  }
  if (bar) bar->finish({});
  if (what.json)
    fmt::print("{}\n", judgement_json(model, precision, what.dataset).dump(2));
  else
    print_judgement(model, precision, what.dataset);
  return 0;
}

}  // namespace cli

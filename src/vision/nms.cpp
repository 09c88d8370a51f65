// Candidates, pairs of a box and a class, are put into groups that can suppress each other: one a class, or one in all.
// Each group is gone through from its best score down. Greedy suppression compares a candidate with those kept so far; the
// soft forms look for the best of those that are left and lower the rest by their overlap with it. A group keeps no more
// than the whole may, so the work is at most kept times candidates; the groups' detections are sorted together at the end.

#include <ocellus/vision/nms.h>

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include <ocellus/ops/host.h>

#include "vision/checks.h"

namespace ocellus::vision {
namespace {

bool before(const Detection& a, const Detection& b) {
  if (a.score != b.score) return a.score > b.score;
  return a.index != b.index ? a.index < b.index : a.box_class < b.box_class;
}

/// Compared as f32, so that a score equal to the threshold as it is written does not count.
bool counts(float score, const NmsConfig& config) {
  return std::isfinite(score) && score > static_cast<float>(config.score_threshold);
}

/// A group of candidates on its way to detections.
class Group {
 public:
  /// `of_class` counts the detections of each class.
  Group(std::vector<Detection> candidates, std::vector<int64_t>& of_class, const NmsConfig& config)
      : left_(std::move(candidates)), of_class_(of_class), config_(config) {}

  std::vector<Detection> detections() && {
    if (config_.suppression == Suppression::greedy)
      greedy();
    else
      soft();
    return std::move(kept_);
  }

 private:
  bool full() const { return static_cast<int64_t>(kept_.size()) == config_.max_total; }

  /// A class that has all it may have neither keeps a candidate nor lets it suppress others.
  void keep(const Detection& d) {
    ++of_class_[static_cast<size_t>(d.box_class)];
    kept_.push_back(d);
  }
  bool class_full(const Detection& d) const {
    return config_.max_per_class > 0 && of_class_[static_cast<size_t>(d.box_class)] >= config_.max_per_class;
  }

  void greedy() {
    std::ranges::sort(left_, before);
    for (const Detection& d : left_) {
      if (full()) return;
      const auto overlaps = [&](const Detection& other) {
        return iou(other.box, d.box, config_.extent) > config_.iou_threshold;
      };
      if (!class_full(d) && std::ranges::none_of(kept_, overlaps)) keep(d);
    }
  }

  void soft() {
    while (!full() && !left_.empty()) {
      const auto best = std::ranges::min_element(left_, before);
      const Detection d = *best;
      *best = left_.back();
      left_.pop_back();
      keep(d);
      for (Detection& other : left_) other.score = lowered(other.score, iou(d.box, other.box, config_.extent));
      std::erase_if(left_, [&](const Detection& other) { return !counts(other.score, config_) || class_full(other); });
    }
  }

  float lowered(float score, double overlap) const {
    if (config_.suppression == Suppression::soft_linear)
      return overlap > config_.iou_threshold ? static_cast<float>(score * (1 - overlap)) : score;
    return static_cast<float>(score * std::exp(-overlap * overlap / config_.sigma));
  }

  std::vector<Detection> left_, kept_;
  std::vector<int64_t>& of_class_;
  const NmsConfig& config_;
};

void expect_sense(const NmsConfig& config) {
  const auto at_least = [](std::string_view what, double value, double least) {
    if (!(value >= least && std::isfinite(value)))
      throw UsageError(fmt::format("nms: {} must be at least {}, got {}", what, least, value));
  };
  at_least("score_threshold", config.score_threshold, 0);
  at_least("iou_threshold", config.iou_threshold, 0);
  at_least("candidates", static_cast<double>(config.candidates), 0);
  at_least("max_per_class", static_cast<double>(config.max_per_class), 0);
  at_least("max_total", static_cast<double>(config.max_total), 1);
  if (!(config.sigma > 0)) throw UsageError(fmt::format("nms: sigma must be above 0, got {}", config.sigma));
}

/// The best of a class's candidates, in any order.
void cut(std::vector<Detection>& candidates, int64_t most) {
  if (most == 0 || static_cast<int64_t>(candidates.size()) <= most) return;
  std::ranges::nth_element(candidates, candidates.begin() + most, before);
  candidates.resize(static_cast<size_t>(most));
}

/// Every class's candidates.
std::vector<std::vector<Detection>> candidates_of(std::span<const Box> boxes, std::span<const float> scores,
                                                  int64_t classes, const NmsConfig& config) {
  std::vector<std::vector<Detection>> by_class(static_cast<size_t>(classes));
  const bool one_each = boxes.size() == scores.size();
  for (size_t i = 0; i < scores.size(); ++i) {
    const auto c = static_cast<int64_t>(i) % classes, row = static_cast<int64_t>(i) / classes;
    if (!counts(scores[i], config) || c == config.background) continue;
    const Box& box = boxes[one_each ? i : static_cast<size_t>(row)];
    if (area(box, config.extent) > 0) by_class[static_cast<size_t>(c)].push_back({c, scores[i], box, row});
  }
  for (auto& candidates : by_class) cut(candidates, config.candidates);
  return by_class;
}

/// Rows of one image: its detections, then padding.
void write_rows(const std::vector<Detection>& detections, std::span<float> rows) {
  constexpr std::array<float, 6> padding = {-1, 0, 0, 0, 0, 0};
  for (size_t i = 0; i < rows.size() / 6; ++i) {
    std::array<float, 6> row = padding;
    if (i < detections.size()) {
      const auto& [c, score, box, index] = detections[i];
      row = {static_cast<float>(c), score, box.x1, box.y1, box.x2, box.y2};
    }
    std::ranges::copy(row, rows.begin() + static_cast<std::ptrdiff_t>(i * 6));
  }
}

Types infer_nms(std::span<const TensorType> inputs, int64_t max_total) {
  const Shape &boxes = inputs[0].shape, &scores = inputs[1].shape;
  expect_real(inputs[0], "boxes");
  expect_real(inputs[1], "scores");
  if (scores.rank() != 3 || scores[2] < 1)
    throw ShapeError(fmt::format("scores must be [N,R,C], got {}", scores.to_string()));
  const Shape one = {scores[0], scores[1], 4}, each = {scores[0], scores[1], scores[2], 4};
  if (!(boxes == one) && !(boxes == each))
    throw ShapeError(fmt::format("boxes for scores {} must be {} or {}, got {}", scores.to_string(), one.to_string(),
                                 each.to_string(), boxes.to_string()));
  return {{DType::f32, {scores[0], max_total, 6}}, {DType::i32, {scores[0]}}};
}

void run_nms(std::span<const Tensor> inputs, std::span<Tensor> outputs, const NmsConfig& config) {
  const Shape& shape = inputs[1].shape();
  const auto scores = inputs[1].as<float>();
  const std::vector<Box> boxes = boxes_of(inputs[0].as<float>());
  const auto images = static_cast<size_t>(shape[0]), rows = static_cast<size_t>(config.max_total) * 6;
  for (size_t n = 0; n < images; ++n) {
    const auto part = [&](auto all) { return all.subspan(n * (all.size() / images), all.size() / images); };
    const auto found = nms(part(std::span<const Box>(boxes)), part(scores), shape[2], config);
    write_rows(found, outputs[0].as<float>().subspan(n * rows, rows));
    outputs[1].as<int32_t>()[n] = static_cast<int32_t>(found.size());
  }
}

}  // namespace

std::vector<Detection> nms(std::span<const Box> boxes, std::span<const float> scores, int64_t classes,
                           const NmsConfig& config) {
  expect_sense(config);
  const auto per_box = static_cast<size_t>(std::max<int64_t>(classes, 1));
  if (classes < 1 || scores.size() % per_box != 0 ||
      (boxes.size() != scores.size() / per_box && boxes.size() != scores.size()))
    throw UsageError(
        fmt::format("nms: {} scores of {} classes don't fit {} boxes", scores.size(), classes, boxes.size()));
  auto groups = candidates_of(boxes, scores, classes, config);
  if (config.class_agnostic) {
    for (size_t c = 1; c < groups.size(); ++c) groups[0].insert(groups[0].end(), groups[c].begin(), groups[c].end());
    groups.resize(1);
  }
  std::vector<Detection> all;
  std::vector<int64_t> of_class(static_cast<size_t>(classes));
  for (auto& group : groups) {
    const auto kept = Group(std::move(group), of_class, config).detections();
    all.insert(all.end(), kept.begin(), kept.end());
  }
  std::ranges::sort(all, before);
  all.resize(std::min(all.size(), static_cast<size_t>(config.max_total)));
  return all;
}

Values nms(const Value& boxes, const Value& scores, const NmsConfig& config) {
  expect_sense(config);
  HostSpec spec;
  spec.name = "nms";
  spec.infer = [most = config.max_total](std::span<const TensorType> inputs) { return infer_nms(inputs, most); };
  spec.run = [config](std::span<const Tensor> in, std::span<Tensor> out) { run_nms(in, out, config); };
  return host_op(std::move(spec), {boxes, scores});
}

}  // namespace ocellus::vision

#include <ocellus/vision/detector.h>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ocellus/base/error.h>

namespace ocellus::vision {
namespace {

using nlohmann::json;

constexpr const char* key = "detector";
constexpr int64_t most = 1 << 20;  // classes, or numbers of anything: what is more is no detector

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

json to_json(const DetectionHead& head) {
  json j = {{"output", head.output}, {"classes", head.classes}, {"softmax", head.softmax}};
  if (head.kind == HeadKind::grid) {
    j.update({{"kind", "grid"}, {"side", head.side}, {"boxes", head.boxes}, {"sqrt", head.roots}});
    return j;
  }
  j.update({{"kind", "cells"}, {"scale_xy", head.scale_xy}, {"squared", head.squared}, {"priors", json::array()}});
  for (const Prior& prior : head.priors) j["priors"].push_back({prior.width, prior.height});
  return j;
}

int64_t count(const json& j, const char* name, int64_t least = 1) {
  const auto n = j.at(name).get<int64_t>();
  if (n < least || n > most) throw UsageError(fmt::format("{} is {}", name, n));
  return n;
}

DetectionHead from_json(const json& j) {
  DetectionHead head{
      .output = count(j, "output", 0), .classes = count(j, "classes"), .softmax = j.at("softmax").get<bool>()};
  if (j.at("kind").get<std::string>() == "grid") {
    head.kind = HeadKind::grid;
    head.side = count(j, "side");
    head.boxes = count(j, "boxes");
    head.roots = j.at("sqrt").get<bool>();
    return head;
  }
  j.at("scale_xy").get_to(head.scale_xy);
  j.at("squared").get_to(head.squared);
  for (const json& prior : j.at("priors")) head.priors.push_back({prior.at(0).get<float>(), prior.at(1).get<float>()});
  if (head.priors.empty()) throw UsageError("a head has no priors");
  return head;
}

/// Throws where an output of this shape, [N,...], is not what the head reads.
void expect_shape(const DetectionHead& head, const Shape& shape) {
  const auto priors = static_cast<int64_t>(head.priors.size());
  const bool fits = head.kind == HeadKind::cells
                        ? shape.rank() == 4 && shape[1] == priors * (5 + head.classes)
                        : shape.rank() == 2 && head.side <= 1 << 10 && head.boxes <= 1 << 10 &&
                              shape[1] == head.side * head.side * (head.classes + head.boxes * 5);
  if (!fits)
    throw ShapeError("detector", "", fmt::format("an output {} is not what its head reads", shape.to_string()));
}

/// Numbers of one sample, by prior and cell.
class CellReader {
 public:
  CellReader(const DetectionHead& head, const Tensor& x)
      : head_(head), x_(x.as<float>()), rows_(x.shape()[1]), columns_(x.shape()[2]) {}

  void read(double threshold, Candidates& out) const {
    for (int64_t row = 0; row < rows_; ++row)
      for (int64_t column = 0; column < columns_; ++column)
        for (int64_t prior = 0; prior < static_cast<int64_t>(head_.priors.size()); ++prior) {
          const auto raw = [&](int64_t k) { return at(prior, k, row, column); };
          const double object = head_.squared ? static_cast<double>(raw(4)) : sigmoid(static_cast<double>(raw(4)));
          if (!(object > threshold)) continue;
          out.boxes.push_back(corners_of(box(raw, prior, row, column)));
          scores(raw, object, out.scores);
        }
  }

 private:
  float at(int64_t prior, int64_t k, int64_t row, int64_t column) const {
    return x_[static_cast<size_t>(((prior * (5 + head_.classes) + k) * rows_ + row) * columns_ + column)];
  }

  CentreBox box(auto raw, int64_t prior, int64_t row, int64_t column) const {
    const Prior& p = head_.priors[static_cast<size_t>(prior)];
    if (!head_.squared)
      return decode({raw(0), raw(1), raw(2), raw(3)}, {.column = static_cast<int>(column),
                                                       .row = static_cast<int>(row),
                                                       .columns = static_cast<int>(columns_),
                                                       .rows = static_cast<int>(rows_),
                                                       .prior_width = p.width,
                                                       .prior_height = p.height,
                                                       .scale_xy = static_cast<float>(head_.scale_xy)});
    const auto centre = [&](float t, int64_t cell, int64_t cells) {
      const double within = static_cast<double>(t) * head_.scale_xy - (head_.scale_xy - 1) / 2;
      return static_cast<float>((static_cast<double>(cell) + within) / static_cast<double>(cells));
    };
    const auto size = [](float t, float from) { return 4 * t * t * from; };
    return {centre(raw(0), column, columns_), centre(raw(1), row, rows_), size(raw(2), p.width),
            size(raw(3), p.height)};
  }

  void scores(auto raw, double object, std::vector<float>& out) const {
    double largest = -INFINITY, sum = 0;
    for (int64_t c = 0; c < head_.classes; ++c) largest = std::max(largest, static_cast<double>(raw(5 + c)));
    for (int64_t c = 0; head_.softmax && c < head_.classes; ++c)
      sum += std::exp(static_cast<double>(raw(5 + c)) - largest);
    for (int64_t c = 0; c < head_.classes; ++c) {
      const auto t = static_cast<double>(raw(5 + c));
      const double share = head_.softmax ? std::exp(t - largest) / sum : head_.squared ? t : sigmoid(t);
      out.push_back(static_cast<float>(object * share));
    }
  }

  const DetectionHead& head_;
  std::span<const float> x_;
  int64_t rows_, columns_;
};

void read_grid(const DetectionHead& head, std::span<const float> x, double threshold, Candidates& out) {
  const int64_t cells = head.side * head.side;
  const auto number = [&](int64_t i) { return static_cast<double>(x[static_cast<size_t>(i)]); };
  for (int64_t i = 0; i < cells * head.boxes; ++i) {
    const int64_t cell = i / head.boxes, box = cells * (head.classes + head.boxes) + 4 * i;
    const double object = number(cells * head.classes + i);
    if (!(object > threshold)) continue;
    const auto centre = [&](int64_t k, int64_t at) {
      return static_cast<float>((static_cast<double>(at) + number(box + k)) / static_cast<double>(head.side));
    };
    const auto size = [&](int64_t k) {
      const double n = number(box + k);
      return static_cast<float>(head.roots ? n * n : n);
    };
    out.boxes.push_back(corners_of({centre(0, cell % head.side), centre(1, cell / head.side), size(2), size(3)}));
    double largest = -INFINITY, sum = 0;
    for (int64_t c = 0; c < head.classes; ++c) largest = std::max(largest, number(cell * head.classes + c));
    for (int64_t c = 0; c < head.classes; ++c) sum += std::exp(number(cell * head.classes + c) - largest);
    for (int64_t c = 0; c < head.classes; ++c) {
      const double n = number(cell * head.classes + c);
      out.scores.push_back(static_cast<float>(object * (head.softmax ? std::exp(n - largest) / sum : n)));
    }
  }
}

}  // namespace

std::vector<DetectionHead> detection_heads(const Model& model) {
  const auto it = model.metadata().find(key);
  if (it == model.metadata().end()) return {};
  const std::string name = "model " + model.name();
  std::vector<DetectionHead> heads;
  try {
    const json description = json::parse(it->second);
    for (const json& j : description.at("heads")) heads.push_back(from_json(j));
    const Values& outputs = model.graph().outputs;
    for (const DetectionHead& head : heads) {
      if (head.output >= static_cast<int64_t>(outputs.size()))
        throw UsageError("a head reads an output that is not there");
      if (head.classes != heads[0].classes) throw UsageError("heads have different numbers of classes");
      expect_shape(head, outputs[static_cast<size_t>(head.output)].shape());
    }
  } catch (const json::exception& e) {
    throw FormatError(name, "metadata detector", e.what());
  } catch (const Error& e) {
    throw FormatError(name, "metadata detector", e.what());
  }
  return heads;
}

void set_detection_heads(Model& model, std::span<const DetectionHead> heads) {
  json list = json::array();
  for (const DetectionHead& head : heads) list.push_back(to_json(head));
  model.set_metadata(key, list.empty() ? "" : json{{"heads", list}}.dump());
}

Candidates read_head(const DetectionHead& head, const Tensor& output, double threshold) {
  std::vector<int64_t> dims(output.shape().begin(), output.shape().end());
  dims.insert(dims.begin(), 1);
  expect_shape(head, Shape(std::span<const int64_t>(dims)));
  Candidates candidates;
  if (head.kind == HeadKind::cells)
    CellReader(head, output).read(threshold, candidates);
  else
    read_grid(head, output.as<float>(), threshold, candidates);
  return candidates;
}

Box in_picture(const Box& box, const data::Preprocess& preprocess, const data::Image& picture) {
  const data::Placement at = data::place(preprocess, picture.width, picture.height);
  const int width = preprocess.width > 0 ? preprocess.width : at.width;
  const int height = preprocess.height > 0 ? preprocess.height : at.height;
  const auto back = [](float fraction, int side, int begin, int length, int pixels) {
    const double on_input = static_cast<double>(fraction) * side;
    return static_cast<float>((on_input - begin) * pixels / length);
  };
  const Box moved = {
      back(box.x1, width, at.x, at.width, picture.width), back(box.y1, height, at.y, at.height, picture.height),
      back(box.x2, width, at.x, at.width, picture.width), back(box.y2, height, at.y, at.height, picture.height)};
  return clip(moved, static_cast<float>(picture.width), static_cast<float>(picture.height));
}

Detector::Detector(Model model, DetectorConfig config)
    : model_(std::move(model)), config_(config), heads_(detection_heads(model_)) {
  if (heads_.empty())
    throw UsageError("model " + model_.name() + " is no detector: it does not say how boxes are read");
  if (config_.batch < 1) throw UsageError(fmt::format("a detector's batch must be at least 1, not {}", config_.batch));
}

std::vector<Detection> Detector::detect(const data::Image& picture) const {
  return detect(std::span(&picture, 1)).front();
}

std::vector<std::vector<Detection>> Detector::detect(std::span<const data::Image> pictures) const {
  std::vector<std::vector<Detection>> found;
  const data::Preprocess& preprocess = model_.preprocess();
  for (size_t begin = 0; begin < pictures.size(); begin += static_cast<size_t>(config_.batch)) {
    const auto part = pictures.subspan(begin, std::min(static_cast<size_t>(config_.batch), pictures.size() - begin));
    const Shape sample = model_.graph().inputs[0].shape();
    Tensor batch(DType::f32, sample.with(0, static_cast<int64_t>(part.size())));
    for (size_t i = 0; i < part.size(); ++i)
      batch.rows(static_cast<int64_t>(i), static_cast<int64_t>(i) + 1).copy_from(data::apply(preprocess, part[i]));
    const auto outputs = model_.predict(std::vector<Tensor>{batch}, model_.output_names());
    for (size_t i = 0; i < part.size(); ++i) {
      Candidates all;
      for (const DetectionHead& head : heads_) {
        const Tensor rows =
            outputs[static_cast<size_t>(head.output)].rows(static_cast<int64_t>(i), static_cast<int64_t>(i) + 1);
        const auto dims = rows.shape().dims().subspan(1);
        const Candidates of_head = read_head(head, rows.reshape(Shape(dims)), config_.nms.score_threshold);
        all.boxes.insert(all.boxes.end(), of_head.boxes.begin(), of_head.boxes.end());
        all.scores.insert(all.scores.end(), of_head.scores.begin(), of_head.scores.end());
      }
      for (Box& box : all.boxes) box = in_picture(box, preprocess, part[i]);
      found.push_back(nms(all.boxes, all.scores, classes(), config_.nms));
    }
  }
  return found;
}

}  // namespace ocellus::vision

#include <ocellus/vision/decode.h>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <ocellus/base/threads.h>
#include <ocellus/ops/host.h>

#include "vision/checks.h"

namespace ocellus::vision {
namespace {

constexpr int64_t grain = 256;  // boxes worth a thread

Types infer_offsets(std::span<const TensorType> inputs) {
  expect_real(inputs[0], "offsets");
  expect_real(inputs[1], "anchors");
  const Shape &offsets = inputs[0].shape, &anchors = inputs[1].shape;
  if (offsets.rank() != 3 || offsets[2] != 4)
    throw ShapeError(fmt::format("offsets must be [N,R,4], got {}", offsets.to_string()));
  const Shape shared = {offsets[1], 4};
  if (!(anchors == shared) && !(anchors == offsets))
    throw ShapeError(fmt::format("anchors for offsets {} must be {} or {}, got {}", offsets.to_string(),
                                 shared.to_string(), offsets.to_string(), anchors.to_string()));
  return {inputs[0]};
}

void run_offsets(std::span<const Tensor> inputs, std::span<Tensor> outputs, const DecodeConfig& config) {
  const auto offsets = inputs[0].as<float>(), anchors = inputs[1].as<float>();
  const auto boxes = outputs[0].as<float>();
  const size_t own = anchors.size() / 4;
  parallel_for(static_cast<int64_t>(boxes.size() / 4), grain, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      const Offsets raw = {offsets[4 * i], offsets[4 * i + 1], offsets[4 * i + 2], offsets[4 * i + 3]};
      Box box = decode(raw, box_at(anchors, i % own), config.coding);
      if (config.clip_width > 0) box = clip(box, config.clip_width, config.clip_height);
      put_box(box, boxes, i);
    }
  });
}

float sigmoid(float x) { return static_cast<float>(1 / (1 + std::exp(-double(x)))); }

/// A network's output as cells and priors.
class Grid {
 public:
  Grid(const Shape& x, const YoloConfig& config)
      : config_(config),
        priors_(static_cast<int64_t>(config.priors.size())),
        rows_(x[2]),
        columns_(x[3]),
        classes_(x[1] / priors_ - 5),
        image_(x[1] * x[2] * x[3]) {}

  int64_t boxes() const { return rows_ * columns_ * priors_; }
  int64_t scores() const { return std::max<int64_t>(classes_, 1); }

  /// Box i of all images.
  Box box(const float* x, int64_t i) const {
    const int64_t cell = i % boxes() / priors_;
    const Prior& prior = config_.priors[static_cast<size_t>(i % priors_)];
    const auto raw = [&](int64_t k) { return at(x, i, k); };
    return corners_of(decode({raw(0), raw(1), raw(2), raw(3)}, {.column = static_cast<int>(cell % columns_),
                                                                .row = static_cast<int>(cell / columns_),
                                                                .columns = static_cast<int>(columns_),
                                                                .rows = static_cast<int>(rows_),
                                                                .prior_width = prior.width,
                                                                .prior_height = prior.height,
                                                                .scale_xy = config_.scale_xy}));
  }

  void write_scores(const float* x, int64_t i, float* scores) const {
    const float object = sigmoid(at(x, i, 4));
    if (classes_ == 0) scores[0] = object;
    if (config_.softmax) return write_shares(x, i, object, scores);
    for (int64_t c = 0; c < classes_; ++c) scores[c] = object * sigmoid(at(x, i, 5 + c));
  }

 private:
  float at(const float* x, int64_t i, int64_t k) const {
    const int64_t n = i / boxes(), cell = i % boxes() / priors_, channel = i % priors_ * (5 + classes_) + k;
    return x[n * image_ + channel * rows_ * columns_ + cell];
  }

  void write_shares(const float* x, int64_t i, float object, float* scores) const {
    float largest = classes_ > 0 ? at(x, i, 5) : 0;
    for (int64_t c = 1; c < classes_; ++c) largest = std::max(largest, at(x, i, 5 + c));
    double sum = 0;
    for (int64_t c = 0; c < classes_; ++c) sum += std::exp(double(at(x, i, 5 + c) - largest));
    for (int64_t c = 0; c < classes_; ++c)
      scores[c] = static_cast<float>(object * std::exp(double(at(x, i, 5 + c) - largest)) / sum);
  }

  const YoloConfig& config_;
  int64_t priors_, rows_, columns_, classes_, image_;
};

Types infer_yolo(std::span<const TensorType> inputs, const YoloConfig& config) {
  expect_real(inputs[0], "input");
  const Shape& x = inputs[0].shape;
  if (x.rank() != 4) throw ShapeError(fmt::format("input must be [N,A*(5+C),H,W], got {}", x.to_string()));
  const auto priors = static_cast<int64_t>(config.priors.size());
  if (x[1] % priors != 0 || x[1] / priors < 5)
    throw ShapeError(fmt::format("{} channels of input {} don't make 5 numbers and classes for each of {} priors", x[1],
                                 x.to_string(), priors));
  const Grid grid(x, config);
  return {{DType::f32, {x[0], grid.boxes(), 4}}, {DType::f32, {x[0], grid.boxes(), grid.scores()}}};
}

void run_yolo(std::span<const Tensor> inputs, std::span<Tensor> outputs, const YoloConfig& config) {
  const Grid grid(inputs[0].shape(), config);
  const float* x = inputs[0].as<float>().data();
  const auto boxes = outputs[0].as<float>();
  float* scores = outputs[1].as<float>().data();
  parallel_for(static_cast<int64_t>(boxes.size() / 4), grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      put_box(grid.box(x, i), boxes, static_cast<size_t>(i));
      grid.write_scores(x, i, scores + i * grid.scores());
    }
  });
}

}  // namespace

Value decode_offsets(const Value& offsets, const Value& anchors, const DecodeConfig& config) {
  HostSpec spec;
  spec.name = "decode_offsets";
  spec.infer = infer_offsets;
  spec.run = [config](std::span<const Tensor> in, std::span<Tensor> out) { run_offsets(in, out, config); };
  return host_op(std::move(spec), {offsets, anchors})[0];
}

Values decode_yolo(const Value& x, const YoloConfig& config) {
  if (config.priors.empty()) throw UsageError("decode_yolo: there must be at least one prior");
  HostSpec spec;
  spec.name = "decode_yolo";
  spec.infer = [config](std::span<const TensorType> inputs) { return infer_yolo(inputs, config); };
  spec.run = [config](std::span<const Tensor> in, std::span<Tensor> out) { run_yolo(in, out, config); };
  return host_op(std::move(spec), {x});
}

}  // namespace ocellus::vision

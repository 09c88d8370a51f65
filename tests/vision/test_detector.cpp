#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <fstream>

#include <nlohmann/json.hpp>

#include <ocellus/base/error.h>
#include <ocellus/data/sets/yolo_folder.h>
#include <ocellus/io/format.h>
#include <ocellus/nn/layers/conv.h>
#include <ocellus/vision/average_precision.h>
#include <ocellus/vision/detector.h>

#include "tensor/files.h"

namespace ocellus::vision {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_files::message_of;
using testing_files::TemporaryFolder;

std::filesystem::path shared(const std::string& path) {
  const char* folder = std::getenv("OCELLUS_SHARED");
  return std::filesystem::path(folder != nullptr ? folder : OCELLUS_TEST_DATA "/../../../shared") / path;
}

float logit(float p) { return std::log(p / (1 - p)); }

void expect_box(const Box& box, const Box& expected, float tolerance = 1e-5f) {
  EXPECT_NEAR(box.x1, expected.x1, tolerance);
  EXPECT_NEAR(box.y1, expected.y1, tolerance);
  EXPECT_NEAR(box.x2, expected.x2, tolerance);
  EXPECT_NEAR(box.y2, expected.y2, tolerance);
}

TEST(ReadHead, cells_of_yolo_and_of_region) {
  DetectionHead head{.classes = 2, .priors = {{0.1f, 0.1f}, {0.25f, 0.5f}}};
  Tensor x = Tensor::full(DType::f32, {14, 2, 4}, -20);
  const auto put = [&](int64_t k, float value) {
    x.as<float>()[static_cast<size_t>(((7 + k) * 2 + 1) * 4 + 2)] = value;
  };
  put(0, 0), put(1, logit(0.25f)), put(2, std::log(0.5f)), put(3, 0), put(4, logit(0.8f)), put(5, logit(0.5f)),
      put(6, 1);
  Candidates c = read_head(head, x, 0.1);
  ASSERT_EQ(c.boxes.size(), 1u);
  expect_box(c.boxes[0], {0.625f - 0.0625f, 0.625f - 0.25f, 0.625f + 0.0625f, 0.625f + 0.25f});
  EXPECT_NEAR(c.scores[0], 0.4f, 1e-6f);
  head.softmax = true;
  put(5, 1);
  c = read_head(head, x, 0.1);
  EXPECT_NEAR(c.scores[0], 0.4f, 1e-6f);
  head.scale_xy = 2;  // the centre may lie half a cell outside: 0.25 becomes 2 * 0.25 - 0.5
  expect_box(read_head(head, x, 0.1).boxes[0], {0.5625f, 0.25f, 0.6875f, 0.75f});
  EXPECT_EQ(read_head(head, x).boxes.size(), 16u);
}

TEST(ReadHead, squared_numbers_are_in_0_to_1_already) {
  const DetectionHead head{.classes = 1, .priors = {{0.25f, 0.5f}}, .scale_xy = 2, .squared = true};
  const Tensor x = Tensor::of<float>({6, 1, 1}, {0.5f, 0.75f, 0.25f, 0.5f, 0.75f, 0.5f});
  const Candidates c = read_head(head, x);
  expect_box(c.boxes.at(0), {0.5f - 0.03125f, 1.0f - 0.25f, 0.5f + 0.03125f, 1.0f + 0.25f});
  EXPECT_FLOAT_EQ(c.scores.at(0), 0.375f);
}

TEST(ReadHead, the_grid_of_yolov1) {
  const DetectionHead head{.kind = HeadKind::grid, .classes = 2, .side = 2, .boxes = 2, .roots = true};
  Tensor x(DType::f32, {4 * (2 + 2 * 5)});
  const auto at = [&](int64_t i) -> float& { return x.as<float>()[static_cast<size_t>(i)]; };
  at(3 * 2 + 1) = 0.5f;          // class 1 of cell 3
  at(4 * 2 + 3 * 2 + 1) = 0.8f;  // its second box's objectness
  const int64_t box = 4 * 2 + 4 * 2 + 4 * (3 * 2 + 1);
  at(box) = 0.5f, at(box + 1) = 0.25f, at(box + 2) = 0.5f, at(box + 3) = 0.2f;
  const Candidates c = read_head(head, x, 0.1);
  ASSERT_EQ(c.boxes.size(), 1u);
  expect_box(c.boxes[0], {0.75f - 0.125f, 0.625f - 0.02f, 0.75f + 0.125f, 0.625f + 0.02f});
  EXPECT_THAT(c.scores, ElementsAre(0, 0.4f));
  EXPECT_THROW(read_head(head, Tensor(DType::f32, {47})), ShapeError);
}

TEST(InPicture, undoes_each_way_of_resizing) {
  const data::Image wide(200, 100, 3);
  data::Preprocess p{.height = 100, .width = 100};
  expect_box(in_picture({0.25f, 0.25f, 0.5f, 0.75f}, p, wide), {50, 25, 100, 75}, 1e-3f);
  p.resize = data::ResizeRule::letterbox;  // 100 x 50, 25 from the top
  expect_box(in_picture({0.25f, 0.25f, 0.5f, 0.5f}, p, wide), {50, 0, 100, 50}, 1e-3f);
  p.resize = data::ResizeRule::crop;  // 200 x 100, 50 cut off at the left
  expect_box(in_picture({0, 0, 0.5f, 1}, p, wide), {50, 0, 100, 100}, 1e-3f);
  expect_box(in_picture({-1, 0, 2, 1}, p, wide), {0, 0, 200, 100}, 1e-3f);
}

Model tiny_detector() {
  const Value x = nn::input({3, 8, 8});
  const Value y = nn::Conv2D({.filters = 7, .kernel = 4, .stride = 4})(x);
  return Model({x}, {y});
}

TEST(Detector, heads_are_kept_in_the_models_file) {
  Model model = tiny_detector();
  EXPECT_TRUE(detection_heads(model).empty());
  EXPECT_THAT(message_of<UsageError>([&] { Detector{model}; }), HasSubstr("is no detector"));
  const std::vector<DetectionHead> heads = {
      {.classes = 2, .softmax = true, .priors = {{0.5f, 0.25f}}, .scale_xy = 1.05}};
  set_detection_heads(model, heads);
  const TemporaryFolder folder;
  model.save(folder / "m.safetensors");
  const auto loaded = detection_heads(Model::load(folder / "m.safetensors"));
  ASSERT_EQ(loaded.size(), 1u);
  EXPECT_EQ(loaded[0].priors[0].height, 0.25f);
  EXPECT_EQ(loaded[0].scale_xy, 1.05);
  EXPECT_TRUE(loaded[0].softmax);
  set_detection_heads(model, {});
  EXPECT_TRUE(model.metadata().empty());
}

TEST(Detector, a_damaged_description_is_refused) {
  Model model = tiny_detector();
  for (
      const char* text :
      {"{", "[]", R"({"heads": 3})", R"({"heads": [{"output": 1}]})",
       R"({"heads":[{"kind":"cells","output":1,"classes":2,"softmax":false,"scale_xy":1,"squared":false,"priors":[[1,1]]}]})",
       R"({"heads":[{"kind":"cells","output":0,"classes":3,"softmax":false,"scale_xy":1,"squared":false,"priors":[[1,1]]}]})",
       R"({"heads":[{"kind":"cells","output":0,"classes":-3,"softmax":false,"scale_xy":1,"squared":false,"priors":[]}]})",
       R"({"heads":[{"kind":"grid","output":0,"classes":2,"softmax":false,"side":9999999999,"boxes":1,"sqrt":true}]})"}) {
    model.set_metadata("detector", text);
    EXPECT_THROW(detection_heads(model), FormatError) << text;
  }
}

struct RealDetector {
  std::string folder, stem;
  double score;  ///< the expectations of YOLO-LITE leave out what its [region] calls too uncertain: thresh=.5
};

class RealDetectors : public testing::TestWithParam<RealDetector> {};

TEST_P(RealDetectors, find_what_is_expected) {
  const auto folder = shared("weights") / GetParam().folder;
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not there";
  const Model model = io::read_model(folder / (GetParam().stem + ".cfg"));
  const auto expected = nlohmann::json::parse(std::ifstream(folder / "expected_detections.json")).at("detections");
  const Detector detector(model, {.nms = {.score_threshold = GetParam().score, .iou_threshold = 0.45}});
  const auto found = detector.detect(data::load_image(shared("weights/images/dog.jpg")));
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(model.class_names().at(static_cast<size_t>(found[i].box_class)), expected[i].at("class"));
    EXPECT_NEAR(found[i].score, expected[i].at("score").get<double>(), 0.01);
    const auto xywh = expected[i].at("box_xywh").get<std::vector<float>>();
    expect_box(found[i].box, {xywh[0], xywh[1], xywh[0] + xywh[2], xywh[1] + xywh[3]}, 3);
  }
}

INSTANTIATE_TEST_SUITE_P(All, RealDetectors,
                         testing::Values(RealDetector{"yolo-fastest-1.1-coco", "yolo-fastest-1.1", 0.3},
                                         RealDetector{"yolo-lite-voc", "tiny-yolov2-trial3-noBatch", 0.5}),
                         [](const auto& info) { return "net" + std::to_string(info.index); });

TEST(RealDetection, yolo_fastest_on_coco128) {
  const auto data = shared("data/coco128"), cfg = shared("weights/yolo-fastest-1.1-coco/yolo-fastest-1.1.cfg");
  if (!std::filesystem::exists(data) || !std::filesystem::exists(cfg)) GTEST_SKIP() << data << " is not there";
  const Detector detector(io::read_model(cfg), {.nms = {.score_threshold = 0.005, .iou_threshold = 0.45}});
  const data::YoloFolder set(data, Split::validation);
  AveragePrecision precision;
  for (int64_t i = 0; i < set.size(); ++i) {
    const data::Image picture = data::load_image(set.path(i), {.channels = 3});
    const Tensor rows = set.boxes(i);
    std::vector<Truth> truths;
    const auto w = static_cast<float>(picture.width), h = static_cast<float>(picture.height);
    for (auto row = rows.as<float>(); !row.empty(); row = row.subspan(5))
      truths.push_back({static_cast<int64_t>(row[0]), corners_of({row[1] * w, row[2] * h, row[3] * w, row[4] * h})});
    precision.add(detector.detect(picture), truths);
  }
  EXPECT_EQ(precision.classes().size(), 63u);
  EXPECT_NEAR(precision.mean(), 0.384, 0.01);
}

TEST(DrawDetections, frames_what_was_found) {
  const data::Image grey(100, 80, 1, 128);
  const std::vector<Detection> found = {{.box_class = 1, .score = 0.9f, .box = {20, 30, 60, 70}},
                                        {.box_class = 5, .score = 0.8f, .box = {-5, -5, 300, 300}}};
  const std::vector<std::string> names = {"a", "b"};
  const data::Image drawn = draw_detections(grey, found, names);
  EXPECT_EQ(drawn.channels, 3);
  EXPECT_NE(drawn.at(20, 60)[0] | drawn.at(20, 60)[1] << 8, 128 | 128 << 8);
  EXPECT_EQ(drawn.at(40, 50)[0], 128);
}

}  // namespace
}  // namespace ocellus::vision

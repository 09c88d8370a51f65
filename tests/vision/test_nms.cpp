#include <ocellus/vision/nms.h>

#include <algorithm>
#include <limits>

#include <ocellus/base/rng.h>

#include "engine/evaluated.h"

namespace ocellus::vision {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

std::vector<int64_t> indices(const std::vector<Detection>& found) {
  std::vector<int64_t> all;
  for (const Detection& d : found) all.push_back(d.index);
  return all;
}

/// Three boxes in a row, neighbours with an IoU of 6 / 14 and the outer ones with 2 / 18, and one far away.
const std::vector<Box> row = {{0, 0, 10, 1}, {4, 0, 14, 1}, {8, 0, 18, 1}, {100, 0, 110, 1}};

TEST(Nms, KeepsTheBestOfBoxesThatOverlap) {
  EXPECT_THAT(indices(nms(row, std::vector{0.7f, 0.8f, 0.6f, 0.9f}, 1, {.iou_threshold = 0.4})), ElementsAre(3, 1));
  EXPECT_THAT(indices(nms(row, std::vector{0.9f, 0.8f, 0.6f, 0.7f}, 1, {.iou_threshold = 0.4})), ElementsAre(0, 3, 2))
      << "a suppressed box suppresses nothing";
  EXPECT_THAT(indices(nms(row, std::vector{0.7f, 0.8f, 0.6f, 0.9f}, 1, {.iou_threshold = 6.0 / 14})),
              ElementsAre(3, 1, 0, 2))
      << "an IoU equal to the threshold is not above it";
}

TEST(Nms, GivesClassScoreAndBox) {
  const auto found = nms(row, std::vector{0.1f, 0.2f, 0.9f, 0.1f, 0.2f, 0.3f, 0.2f, 0.2f}, 2, {.score_threshold = 0.2});
  ASSERT_EQ(found.size(), 2);
  EXPECT_EQ(found[0], (Detection{0, 0.9f, row[1], 1}));
  EXPECT_EQ(found[1], (Detection{1, 0.3f, row[2], 2}));
}

TEST(Nms, ClassesAreApartUnlessTheyAreNot) {
  const std::vector<Box> twice = {{0, 0, 2, 2}, {0, 0, 2, 2}};
  const std::vector<float> scores = {0.9f, 0, 0, 0.8f};
  EXPECT_THAT(indices(nms(twice, scores, 2)), ElementsAre(0, 1));
  EXPECT_THAT(indices(nms(twice, scores, 2, {.class_agnostic = true})), ElementsAre(0));
  EXPECT_THAT(indices(nms(twice, scores, 2, {.background = 0})), ElementsAre(1));
}

TEST(Nms, ABoxForEachClass) {
  const std::vector<Box> each = {{0, 0, 1, 1}, {0, 0, 2, 2}, {5, 5, 6, 6}, {0, 0, 2, 2}};
  const auto found = nms(each, std::vector{0.5f, 0.6f, 0.7f, 0.8f}, 2);
  ASSERT_EQ(found.size(), 3);
  EXPECT_EQ(found[0], (Detection{1, 0.8f, each[3], 1}));
  EXPECT_EQ(found[1], (Detection{0, 0.7f, each[2], 1}));
  EXPECT_EQ(found[2], (Detection{0, 0.5f, each[0], 0}));
}

TEST(Nms, LowerIndexAndClassWinTies) {
  const std::vector<Box> same = {{0, 0, 2, 2}, {0, 0, 2, 2}, {9, 9, 10, 10}};
  const std::vector<float> scores(6, 0.5f);
  const auto found = nms(same, scores, 2);
  ASSERT_THAT(indices(found), ElementsAre(0, 0, 2, 2));
  EXPECT_EQ(found[0].box_class, 0);
  EXPECT_EQ(found[1].box_class, 1);
  EXPECT_THAT(indices(nms(same, scores, 2, {.suppression = Suppression::soft_linear, .class_agnostic = true})),
              ElementsAre(0, 2));
}

TEST(Nms, LimitsEachClassAndTheWhole) {
  std::vector<Box> apart;
  std::vector<float> scores;
  for (int i = 0; i < 10; ++i) {
    apart.push_back({10.0f * static_cast<float>(i), 0, 10.0f * static_cast<float>(i) + 5, 5});
    scores.insert(scores.end(), {0.9f - 0.01f * static_cast<float>(i), 0.5f - 0.01f * static_cast<float>(i)});
  }
  for (const Suppression s : {Suppression::greedy, Suppression::soft_linear, Suppression::soft_gaussian})
    for (const bool agnostic : {false, true}) {
      const NmsConfig config = {.suppression = s, .class_agnostic = agnostic};
      NmsConfig few = config, some = config, best = config;
      few.max_per_class = 2;
      some.max_total = 3;
      best.candidates = 1;
      const auto each = nms(apart, scores, 2, few);
      EXPECT_EQ(std::ranges::count(each, 0, &Detection::box_class), 2);
      EXPECT_EQ(std::ranges::count(each, 1, &Detection::box_class), 2);
      EXPECT_THAT(indices(nms(apart, scores, 2, some)), ElementsAre(0, 1, 2));
      EXPECT_EQ(std::ranges::count(nms(apart, scores, 2, best), 0, &Detection::box_class), 1);
    }
}

TEST(SoftNms, LowersScoresByTheOverlap) {
  const std::vector<Box> pair = {{0, 0, 10, 1}, {0, 0, 5, 1}};  // IoU 1/2
  const std::vector<float> scores = {0.8f, 0.6f};
  const auto linear = nms(pair, scores, 1, {.iou_threshold = 0.3, .suppression = Suppression::soft_linear});
  ASSERT_EQ(linear.size(), 2);
  EXPECT_FLOAT_EQ(linear[1].score, 0.3f);
  const auto far = nms(pair, scores, 1, {.iou_threshold = 0.6, .suppression = Suppression::soft_linear});
  EXPECT_EQ(far[1].score, 0.6f);
  const auto gaussian = nms(pair, scores, 1, {.suppression = Suppression::soft_gaussian, .sigma = 0.25});
  EXPECT_FLOAT_EQ(gaussian[1].score, 0.6f * std::exp(-1.0f));
  EXPECT_THAT(indices(nms(pair, scores, 1,
                          {.score_threshold = 0.35, .iou_threshold = 0.3, .suppression = Suppression::soft_linear})),
              ElementsAre(0));
}

// The second's score falls below the third's, which is therefore next.
TEST(SoftNms, GoesOnWithTheBestThatIsLeft) {
  const std::vector<Box> boxes = {{0, 0, 10, 1}, {1, 0, 11, 1}, {50, 0, 60, 1}};
  EXPECT_THAT(indices(nms(boxes, std::vector{0.9f, 0.8f, 0.5f}, 1, {.suppression = Suppression::soft_linear})),
              ElementsAre(0, 2, 1));
}

TEST(Nms, IgnoresWhatIsNoBoxAndNoScore) {
  const std::vector<Box> boxes = {{0, 0, 4, 4}, {4, 0, 0, 4}, {0, 0, nan, 4}, {0, 0, inf, 4}, {-inf, 0, 4, 4},
                                  {1, 1, 1, 1}, {0, 0, 4, 4}, {0, 0, 4, 4},   {0, 0, 4, 4},   {-9, -9, -8, -8}};
  const std::vector<float> scores = {0.5f, 0.9f, 0.9f, 0.9f, 0.9f, 0.9f, nan, inf, -inf, 0.6f};
  for (const Suppression s : {Suppression::greedy, Suppression::soft_linear, Suppression::soft_gaussian})
    EXPECT_THAT(indices(nms(boxes, scores, 1, {.suppression = s})), ElementsAre(9, 0));
  EXPECT_THAT(nms(std::vector<Box>{}, std::vector<float>{}, 3), IsEmpty());
  EXPECT_THAT(indices(nms(std::vector<Box>{{3, 3, 3, 3}}, std::vector{0.9f}, 1, {.extent = Extent::inclusive})),
              ElementsAre(0));
}

TEST(Nms, RefusesWhatMakesNoSense) {
  const std::vector<float> scores(4, 0.5f);
  EXPECT_MESSAGE(nms(row, scores, 3), UsageError, "nms: 4 scores of 3 classes don't fit 4 boxes");
  EXPECT_MESSAGE(nms(row, scores, 0), UsageError, "nms: 4 scores of 0 classes don't fit 4 boxes");
  EXPECT_MESSAGE(nms(row, scores, 1, {.score_threshold = -1}), UsageError,
                 "nms: score_threshold must be at least 0, got -1");
  EXPECT_MESSAGE(nms(row, scores, 1, {.iou_threshold = double(nan)}), UsageError,
                 "nms: iou_threshold must be at least 0, got nan");
  EXPECT_MESSAGE(nms(row, scores, 1, {.sigma = 0}), UsageError, "nms: sigma must be above 0, got 0");
  EXPECT_MESSAGE(nms(row, scores, 1, {.max_total = 0}), UsageError, "nms: max_total must be at least 1, got 0");
}

/// By the definition: the best that is left is taken, and lowers or removes the rest; one score at a time, no classes apart.
std::vector<Detection> by_definition(const std::vector<Box>& boxes, std::vector<float> scores, int64_t classes,
                                     const NmsConfig& config) {
  const auto overlap = [](const Box& a, const Box& b) {
    const double w = std::max(0.0, std::min<double>(a.x2, b.x2) - std::max<double>(a.x1, b.x1));
    const double h = std::max(0.0, std::min<double>(a.y2, b.y2) - std::max<double>(a.y1, b.y1));
    const auto size = [](const Box& box) { return (double(box.x2) - box.x1) * (double(box.y2) - box.y1); };
    return w * h / (size(a) + size(b) - w * h);
  };
  std::vector<Detection> found;
  while (static_cast<int64_t>(found.size()) < config.max_total) {
    const auto best = std::ranges::max_element(scores);
    if (!(*best > static_cast<float>(config.score_threshold))) break;
    const int64_t at = best - scores.begin(), c = at % classes;
    const Box box = boxes[static_cast<size_t>(at / classes)];
    found.push_back({c, *best, box, at / classes});
    *best = -1;
    for (int64_t i = 0; i < static_cast<int64_t>(scores.size()); ++i) {
      float& score = scores[static_cast<size_t>(i)];
      if (score < 0 || (!config.class_agnostic && i % classes != c)) continue;
      const double o = overlap(box, boxes[static_cast<size_t>(i / classes)]);
      if (config.suppression == Suppression::greedy && o > config.iou_threshold) score = -1;
      if (config.suppression == Suppression::soft_linear && o > config.iou_threshold)
        score = static_cast<float>(score * (1 - o));
      if (config.suppression == Suppression::soft_gaussian)
        score = static_cast<float>(score * std::exp(-o * o / config.sigma));
    }
  }
  return found;
}

TEST(Nms, AgreesWithItsDefinitionOnRandomBoxes) {
  Rng rng(11);
  size_t kept = 0, dropped = 0;
  for (int trial = 0; trial < 60; ++trial) {
    const auto classes = static_cast<int64_t>(1 + rng.below(4));
    std::vector<Box> boxes(1 + rng.below(60));
    for (Box& box : boxes) {
      const float x = rng.uniform(0.0f, 30.0f), y = rng.uniform(0.0f, 30.0f);
      box = {x, y, x + rng.uniform(1.0f, 20.0f), y + rng.uniform(1.0f, 20.0f)};
    }
    std::vector<float> scores(boxes.size() * static_cast<size_t>(classes));
    for (float& s : scores) s = static_cast<float>(rng.below(40)) / 40;  // many ties
    for (const Suppression s : {Suppression::greedy, Suppression::soft_linear, Suppression::soft_gaussian})
      for (const bool agnostic : {false, true}) {
        const NmsConfig config = {.score_threshold = 0.1,
                                  .iou_threshold = rng.uniform(0.2f, 0.7f),
                                  .suppression = s,
                                  .class_agnostic = agnostic,
                                  .max_total = static_cast<int64_t>(1 + rng.below(100))};
        const auto found = nms(boxes, scores, classes, config);
        EXPECT_EQ(found, by_definition(boxes, scores, classes, config)) << "trial " << trial;
        kept += found.size();
        dropped += scores.size() - found.size();
      }
  }
  EXPECT_GT(kept, 1000);
  EXPECT_GT(dropped, 1000);
}

TEST(NmsOperator, PadsEachImageOfABatch) {
  const Value boxes = real({2, 2, 4}, {0, 0, 4, 4, 0, 0, 4, 5, 0, 0, 1, 1, 2, 2, 3, 3});
  const Value scores = real({2, 2, 2}, {0, 0.5f, 0, 0.75f, 0.25f, 0, 0.125f, 0});
  const Values found = nms(boxes, scores, {.score_threshold = 0, .max_total = 3});
  EXPECT_THAT(numbers(found[0]), ElementsAre(1, 0.75, 0, 0, 4, 5, -1, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0,  //
                                             0, 0.25, 0, 0, 1, 1, 0, 0.125, 2, 2, 3, 3, -1, 0, 0, 0, 0, 0));
  EXPECT_THAT(numbers(found[1]), ElementsAre(1, 2));
  const Value each = real({1, 1, 2, 4}, {0, 0, 1, 1, 0, 0, 2, 2});
  EXPECT_THAT(numbers(nms(each, real({1, 1, 2}, {0.5f, 0.75f}), {.max_total = 2})[0]),
              ElementsAre(1, 0.75, 0, 0, 2, 2, 0, 0.5, 0, 0, 1, 1));
}

TEST(NmsOperator, KnowsItsShapes) {
  const Value boxes = open_batch({7, 4}), scores = open_batch({7, 3});
  const Values found = nms(boxes, scores, {.max_total = 5});
  EXPECT_EQ(found[0].type(), (TensorType{DType::f32, {any_dim, 5, 6}}));
  EXPECT_EQ(found[1].type(), (TensorType{DType::i32, {any_dim}}));
  EXPECT_MESSAGE(nms(boxes, open_batch({7})), ShapeError, "[host] nms: scores must be [N,R,C], got [N,7]");
  EXPECT_MESSAGE(nms(boxes, open_batch({6, 3})), ShapeError,
                 "[host] nms: boxes for scores [N,6,3] must be [N,6,4] or [N,6,3,4], got [N,7,4]");
  EXPECT_MESSAGE(nms(open_batch({7, 4}, DType::i32), scores), TypeError,
                 "[host] nms: boxes must be f32, got i32[N,7,4]");
}

}  // namespace
}  // namespace ocellus::vision

#include <ocellus/vision/box.h>

#include <gmock/gmock.h>

#include <limits>

#include <ocellus/base/error.h>
#include <ocellus/base/rng.h>

namespace ocellus::vision {
namespace {

constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

TEST(Box, OverlapsByHand) {
  const Box a = {0, 0, 4, 2};
  EXPECT_EQ(area(a), 8);
  EXPECT_EQ(intersection(a, {3, 1, 7, 3}), 1);
  EXPECT_EQ(iou(a, {3, 1, 7, 3}), 1.0 / 15);
  EXPECT_EQ(iou({3, 1, 7, 3}, a), 1.0 / 15);
  EXPECT_EQ(iou(a, {1, 0.5f, 2, 1.5f}), 1.0 / 8) << "one inside the other";
  EXPECT_EQ(iou(a, a), 1);
  EXPECT_EQ(iou(a, {4, 0, 8, 2}), 0) << "touching";
  EXPECT_EQ(iou(a, {5, 5, 6, 6}), 0) << "apart in both directions: two negative sides make no area";
}

TEST(Box, InclusiveCornersAreOnePixelMore) {
  EXPECT_EQ(area({2, 3, 2, 3}, Extent::inclusive), 1);
  EXPECT_EQ(iou({0, 0, 1, 1}, {1, 1, 2, 2}, Extent::inclusive), 1.0 / 7);
  EXPECT_EQ(iou({0, 0, 1, 1}, {2, 0, 3, 1}, Extent::inclusive), 0) << "neighbours share no pixel";
}

TEST(Box, WhatIsNoBoxHasNoArea) {
  const Box good = {0, 0, 4, 4};
  for (const Box& box : {Box{2, 0, 1, 4}, Box{0, 3, 4, 2}, Box{nan, 0, 1, 1}, Box{0, 0, nan, 1}, Box{0, 0, 1, nan},
                         Box{0, 0, inf, 1}, Box{-inf, 0, 1, 1}, Box{-inf, -inf, inf, inf}, Box{1, 1, 1, 3}}) {
    EXPECT_EQ(area(box), 0) << box.x1 << " " << box.y1 << " " << box.x2 << " " << box.y2;
    EXPECT_EQ(iou(box, good), 0);
    EXPECT_EQ(iou(good, box), 0);
    EXPECT_EQ(iou(box, box), 0);
  }
  EXPECT_EQ(area({2, 0, 1.5f, 4}, Extent::inclusive), 0) << "in the wrong order by less than a pixel";
}

TEST(Box, OverlapsItselfFullyAtAnySize) {
  const float most = std::numeric_limits<float>::max(), least = std::numeric_limits<float>::denorm_min();
  for (const Box& box : {Box{-most, -most, most, most}, Box{0, 0, least, least}, Box{1e7f, 1e7f, 1e7f + 1, 1e7f + 1}})
    EXPECT_EQ(iou(box, box), 1);
}

TEST(Box, IsClipped) {
  EXPECT_EQ(clip({-1, 2, 30, 9}, 20, 8), (Box{0, 2, 20, 8}));
  EXPECT_EQ(clip({-inf, -inf, inf, inf}, 20, 8), (Box{0, 0, 20, 8}));
  EXPECT_TRUE(std::isnan(clip({nan, 0, 1, 1}, 20, 8).x1));
}

TEST(Box, CentreAndBack) {
  EXPECT_EQ(centre_of({2, 4, 8, 5}), (CentreBox{5, 4.5f, 6, 1}));
  EXPECT_EQ(corners_of({5, 4.5f, 6, 1}), (Box{2, 4, 8, 5}));
}

TEST(Offsets, ByHand) {
  const Box anchor = {0, 0, 10, 20}, box = {5, 0, 25, 20};  // centres (5, 10) and (15, 10), widths 10 and 20
  const Offsets plain = encode(box, anchor);
  EXPECT_FLOAT_EQ(plain.x, 1);
  EXPECT_FLOAT_EQ(plain.y, 0);
  EXPECT_FLOAT_EQ(plain.width, std::log(2.0f));
  EXPECT_FLOAT_EQ(plain.height, 0);
  const Offsets ssd = encode(box, anchor, {.centre = 0.1f, .size = 0.2f});
  EXPECT_FLOAT_EQ(ssd.x, 10);
  EXPECT_FLOAT_EQ(ssd.width, std::log(2.0f) / 0.2f);
}

TEST(Offsets, DecodeWhatWasEncoded) {
  Rng rng(3);
  const auto draw = [&] {
    const float x = rng.uniform(-50.0f, 50.0f), y = rng.uniform(-50.0f, 50.0f);
    return Box{x, y, x + rng.uniform(1.0f, 40.0f), y + rng.uniform(1.0f, 40.0f)};
  };
  for (const OffsetCoding& coding : {OffsetCoding{}, OffsetCoding{.centre = 0.1f, .size = 0.2f}})
    for (int i = 0; i < 200; ++i) {
      const Box box = draw(), anchor = draw(), again = decode(encode(box, anchor, coding), anchor, coding);
      EXPECT_NEAR(again.x1, box.x1, 1e-4);
      EXPECT_NEAR(again.y1, box.y1, 1e-4);
      EXPECT_NEAR(again.x2, box.x2, 1e-4);
      EXPECT_NEAR(again.y2, box.y2, 1e-4);
    }
}

TEST(Offsets, SizesAreBelievedUpToARatio) {
  const Box anchor = {0, 0, 2, 2};
  EXPECT_EQ(decode({0, 0, 100, 100}, anchor), (Box{-61.5f, -61.5f, 63.5f, 63.5f}));  // 62.5 times
  EXPECT_EQ(decode({0, 0, inf, -inf}, anchor, {.max_ratio = 3}), (Box{-2, 1, 4, 1}));
}

TEST(Offsets, NeedAnArea) {
  const auto refuses = [](const Box& box, const Box& anchor, const char* message) {
    EXPECT_THAT([&] { encode(box, anchor); }, testing::ThrowsMessage<UsageError>(message));
  };
  refuses({1, 1, 1, 2}, {0, 0, 1, 1}, "box [1, 1, 1, 2] has no area: it has no offsets");
  refuses({1, 1, 2, 2}, {0, 0, 1, inf}, "anchor [0, 0, 1, inf] has no area: it has no offsets");
}

// Cell (3, 1) of 13 by 10: sigmoid(0) is the cell's middle.
TEST(YoloCell, ByHand) {
  const YoloCell cell = {.column = 3, .row = 1, .columns = 13, .rows = 10, .prior_width = 0.25f, .prior_height = 0.5f};
  const CentreBox box = decode({0, std::log(3.0f), std::log(2.0f), 0}, cell);
  EXPECT_FLOAT_EQ(box.x, 3.5f / 13);
  EXPECT_FLOAT_EQ(box.y, 1.75f / 10);
  EXPECT_FLOAT_EQ(box.width, 0.5f);
  EXPECT_FLOAT_EQ(box.height, 0.5f);
}

TEST(YoloCell, MayReachBeyondItself) {
  const YoloCell cell = {.columns = 2, .rows = 2, .scale_xy = 1.5f};
  EXPECT_FLOAT_EQ(decode({0, 0, 0, 0}, cell).x, 0.25f);
  EXPECT_FLOAT_EQ(decode({100, -100, 0, 0}, cell).x, 1.25f / 2);
  EXPECT_FLOAT_EQ(decode({100, -100, 0, 0}, cell).y, -0.25f / 2);
}

}  // namespace
}  // namespace ocellus::vision

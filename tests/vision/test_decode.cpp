#include <ocellus/vision/decode.h>

#include <cmath>

#include "engine/evaluated.h"

namespace ocellus::vision {
namespace {

using testing::ElementsAre;

TEST(DecodeOffsets, OfAnchorsThatImagesShareOrHave) {
  const Value offsets = real({2, 1, 4}, {1, 0, 0, 0, 0, -1, 0, std::log(2.0f)});
  const Value anchor = real({1, 4}, {0, 0, 4, 2}), own = real({2, 1, 4}, {0, 0, 4, 2, 10, 10, 14, 12});
  EXPECT_THAT(numbers(decode_offsets(offsets, anchor)), near({4, 0, 8, 2, 0, -3, 4, 1}));
  EXPECT_THAT(numbers(decode_offsets(offsets, own)), near({4, 0, 8, 2, 10, 7, 14, 11}));
  EXPECT_THAT(numbers(decode_offsets(offsets, anchor, {.coding = {.centre = 0.5f}})), near({2, 0, 6, 2, 0, -2, 4, 2}));
  EXPECT_THAT(numbers(decode_offsets(offsets, anchor, {.clip_width = 6, .clip_height = 1})),
              near({4, 0, 6, 1, 0, 0, 4, 1}));
}

TEST(DecodeOffsets, KnowsItsShapes) {
  EXPECT_EQ(decode_offsets(open_batch({7, 4}), open_batch({7, 4})).shape(), (Shape{any_dim, 7, 4}));
  EXPECT_MESSAGE(decode_offsets(open_batch({7, 5}), real({1, 4}, {0, 0, 1, 1})), ShapeError,
                 "[host] decode_offsets: offsets must be [N,R,4], got [N,7,5]");
  EXPECT_MESSAGE(decode_offsets(open_batch({7, 4}), real({1, 4}, {0, 0, 1, 1})), ShapeError,
                 "[host] decode_offsets: anchors for offsets [N,7,4] must be [7,4] or [N,7,4], got [1,4]");
}

/// One row of two cells, two priors, two classes: every number is 0 but those of prior 1 in the second cell.
Value output() {
  std::vector<float> x(14 * 2, 0.0f);
  const std::vector<float> second = {0, 0, std::log(2.0f), 0, std::log(3.0f), 0, std::log(3.0f)};
  for (size_t k = 0; k < second.size(); ++k) x[(7 + k) * 2 + 1] = second[k];
  return real({1, 14, 1, 2}, x);
}

TEST(DecodeYolo, ByHand) {
  const YoloConfig config = {.priors = {{0.5f, 0.5f}, {0.25f, 1}}};
  const Values found = decode_yolo(output(), config);
  EXPECT_EQ(found[0].shape(), (Shape{1, 4, 4}));
  EXPECT_THAT(numbers(found[0]), near({0, 0.25, 0.5, 0.75, 0.125, 0, 0.375, 1, 0.5, 0.25, 1, 0.75, 0.5, 0, 1, 1}));
  EXPECT_THAT(numbers(found[1]), near({0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.375, 0.5625}));
}

TEST(DecodeYolo, ClassesMayExcludeEachOther) {
  const Values found = decode_yolo(output(), {.priors = {{1, 1}, {1, 1}}, .softmax = true});
  EXPECT_THAT(numbers(found[1]), near({0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.1875, 0.5625}));
}

TEST(DecodeYolo, WithoutClassesTheObjectIsOne) {
  const Values found = decode_yolo(real({1, 5, 1, 1}, {0, 0, 0, 0, std::log(3.0f)}), {.priors = {{1, 1}}});
  EXPECT_EQ(found[1].shape(), (Shape{1, 1, 1}));
  EXPECT_THAT(numbers(found[1]), near({0.75}));
}

TEST(DecodeYolo, KnowsItsShapes) {
  const YoloConfig five = {.priors = std::vector<Prior>(5)};
  const Values found = decode_yolo(open_batch({425, 19, 19}), five);  // YOLOv2 at 608, COCO's classes
  EXPECT_EQ(found[0].shape(), (Shape{any_dim, 1805, 4}));
  EXPECT_EQ(found[1].shape(), (Shape{any_dim, 1805, 80}));
  EXPECT_MESSAGE(
      decode_yolo(open_batch({426, 19, 19}), five), ShapeError,
      "[host] decode_yolo: 426 channels of input [N,426,19,19] don't make 5 numbers and classes for each of 5 "
      "priors");
  EXPECT_MESSAGE(decode_yolo(open_batch({425, 19}), five), ShapeError,
                 "[host] decode_yolo: input must be [N,A*(5+C),H,W], got [N,425,19]");
  EXPECT_MESSAGE(decode_yolo(open_batch({425, 19, 19}), {}), UsageError,
                 "decode_yolo: there must be at least one prior");
}

}  // namespace
}  // namespace ocellus::vision

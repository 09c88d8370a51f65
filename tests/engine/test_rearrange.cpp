#include <numeric>

#include <ocellus/ops/rearrange.h>
#include <ocellus/ops/reduce.h>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;
using testing::ElementsAre;
using testing::ElementsAreArray;

BuildFn deeper(ops::BlockConfig config) {
  return [=](const Values& in) { return Values{ops::space_to_depth(in[0], config)}; };
}

BuildFn wider(ops::BlockConfig config) {
  return [=](const Values& in) { return Values{ops::depth_to_space(in[0], config)}; };
}

constexpr BlockOrder orders[] = {BlockOrder::dcr, BlockOrder::crd, BlockOrder::darknet};

std::vector<OpCase> cases() {
  std::vector<OpCase> cases;
  for (const BlockOrder order : orders) {
    const std::string name(enum_names(order)[static_cast<size_t>(order)]);
    cases.push_back({name + "_deeper", deeper({.order = order}), {batch_of({2, 8, 4, 6})}});
    cases.push_back({name + "_wider", wider({.order = order}), {batch_of({2, 32, 2, 3})}});
    cases.push_back({name + "_deeper_by_3", deeper({.block = 3, .order = order}), {batch_of({2, 9, 3, 6})}});
    cases.push_back({name + "_deeper_1d", deeper({.order = order}), {batch_of({2, 4, 6})}});
    cases.push_back({name + "_wider_3d", wider({.order = order}), {batch_of({1, 64, 2, 1, 3})}});
    cases.push_back({name + "_by_1", deeper({.block = 1, .order = order}), {batch_of({2, 3, 2, 3})}});
  }
  return cases;
}

TensorType f32(Shape shape) { return {DType::f32, shape}; }

std::vector<Refused> refused() {
  return {
      {"matrix",
       deeper({}),
       {f32({4, 4})},
       "[space_to_depth] input must be [N,C] and 1 to 3 spatial dimensions, got [4,4]"},
      {"matrix_wider",
       wider({}),
       {f32({4, 4})},
       "[depth_to_space] input must be [N,C] and 1 to 3 spatial dimensions, got [4,4]"},
      {"block_0", deeper({.block = 0}), {f32({1, 4, 4, 4})}, "[space_to_depth] block 0 must be at least 1"},
      {"block_below_0", wider({.block = -2}), {f32({1, 4, 4, 4})}, "[depth_to_space] block -2 must be at least 1"},
      {"odd_width",
       deeper({}),
       {f32({1, 4, 4, 5})},
       "[space_to_depth] the spatial sizes of input [1,4,4,5] must be multiples of 2"},
      {"nothing_there",
       deeper({}),
       {f32({1, 4, 0, 4})},
       "[space_to_depth] the spatial sizes of input [1,4,0,4] must be multiples of 2"},
      {"darknet_channels",
       deeper({.order = BlockOrder::darknet}),
       {f32({1, 6, 4, 4})},
       "[space_to_depth] the 6 channels of input [1,6,4,4] must be a multiple of 2^2"},
      {"channels",
       wider({}),
       {f32({1, 6, 4, 4})},
       "[depth_to_space] the 6 channels of input [1,6,4,4] must be a multiple of 2^2"},
      {"channels_3d",
       wider({}),
       {f32({1, 4, 1, 1, 1})},
       "[depth_to_space] the 4 channels of input [1,4,1,1,1] must be a multiple of 2^3"},
      {"darknet_channels_wider",
       wider({.order = BlockOrder::darknet}),
       {f32({1, 8, 4, 4})},
       "[depth_to_space] the 8 channels of input [1,8,4,4] must be a multiple of 2^4"},
      {"block_beyond_all",
       wider({.block = int64_t{1} << 62}),
       {f32({1, 8, 4, 4})},
       "[depth_to_space] the 8 channels of input [1,8,4,4] must be a multiple of 4611686018427387904^2"},
  };
}

OP_CHECK(Rearrange, cases(), refused());

/// 0, 1, 2, ... in a shape.
Value counted(Shape shape) {
  std::vector<float> values(static_cast<size_t>(shape.numel()));
  std::iota(values.begin(), values.end(), 0.0f);
  return real(shape, values);
}

// Two channels of 2 x 4: 0..3 and 4..7, then 8..11 and 12..15.
TEST(SpaceToDepth, PutsBlockPlacesBeforeChannelsOrAfter) {
  const Value x = counted({1, 2, 2, 4});
  const Value dcr = ops::space_to_depth(x), crd = ops::space_to_depth(x, {.order = BlockOrder::crd});
  EXPECT_EQ(dcr.shape(), (Shape{1, 8, 1, 2}));
  EXPECT_THAT(numbers(dcr), ElementsAre(0, 2, 8, 10, 1, 3, 9, 11, 4, 6, 12, 14, 5, 7, 13, 15));
  EXPECT_THAT(numbers(crd), ElementsAre(0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15));
}

// The example of the ONNX specification of DepthToSpace.
TEST(DepthToSpace, FollowsOnnx) {
  const Value x = real(
      {1, 8, 2, 3}, {0,  1,  2,  3,  4,  5,  9,  10, 11, 12, 13, 14, 18, 19, 20, 21, 22, 23, 27, 28, 29, 30, 31, 32,
                     36, 37, 38, 39, 40, 41, 45, 46, 47, 48, 49, 50, 54, 55, 56, 57, 58, 59, 63, 64, 65, 66, 67, 68});
  const Value dcr = ops::depth_to_space(x), crd = ops::depth_to_space(x, {.order = BlockOrder::crd});
  EXPECT_EQ(dcr.shape(), (Shape{1, 2, 4, 6}));
  EXPECT_THAT(numbers(dcr),
              ElementsAre(0, 18, 1, 19, 2, 20, 36, 54, 37, 55, 38, 56, 3, 21, 4, 22, 5, 23, 39, 57, 40, 58, 41, 59, 9,
                          27, 10, 28, 11, 29, 45, 63, 46, 64, 47, 65, 12, 30, 13, 31, 14, 32, 48, 66, 49, 67, 50, 68));
  EXPECT_THAT(numbers(crd),
              ElementsAre(0, 9, 1, 10, 2, 11, 18, 27, 19, 28, 20, 29, 3, 12, 4, 13, 5, 14, 21, 30, 22, 31, 23, 32, 36,
                          45, 37, 46, 38, 47, 54, 63, 55, 64, 56, 65, 39, 48, 40, 49, 41, 50, 57, 66, 58, 67, 59, 68));
}

// Four channels of 2 x 4 are taken for one of 4 x 8, whose rows begin at 0, 8, 16 and 24.
TEST(SpaceToDepth, DarknetTakesTheMemoryForFewerChannels) {
  const Value x = counted({1, 4, 2, 4});
  const Value y = ops::space_to_depth(x, {.order = BlockOrder::darknet});
  EXPECT_EQ(y.shape(), (Shape{1, 16, 1, 2}));
  EXPECT_THAT(numbers(y), ElementsAre(0, 2, 4, 6, 16, 18, 20, 22,       // even rows, even columns
                                      1, 3, 5, 7, 17, 19, 21, 23,       // even rows, odd columns
                                      8, 10, 12, 14, 24, 26, 28, 30,    // odd rows, even columns
                                      9, 11, 13, 15, 25, 27, 29, 31));  // odd rows, odd columns
  EXPECT_THAT(numbers(ops::space_to_depth(x)), testing::Not(ElementsAreArray(numbers(y))));
}

// The place that darknet's loop over output channel, row and column reads, by its own arithmetic.
TEST(SpaceToDepth, DarknetOnYoloSizes) {
  const int64_t channels = 64, height = 4, width = 6, few = channels / 4;
  const std::vector<double> y =
      numbers(ops::space_to_depth(counted({1, channels, height, width}), {.order = BlockOrder::darknet}));
  size_t at = 0;
  for (int64_t k = 0; k < channels; ++k)
    for (int64_t row = 0; row < height; ++row)
      for (int64_t column = 0; column < width; ++column) {
        const int64_t place = k / few, source_row = 2 * row + place / 2, source_column = 2 * column + place % 2;
        ASSERT_EQ(y[at++], (k % few * 2 * height + source_row) * 2 * width + source_column);
      }
}

TEST(Rearrange, IsUndoneByItsInverseAndMovesAnyType) {
  for (const BlockOrder order : orders) {
    const ops::BlockConfig config{.block = 2, .order = order};
    const Value x = counted({2, 4, 4, 6});
    const Value back = ops::depth_to_space(ops::space_to_depth(x, config), config);
    EXPECT_EQ(back.shape(), x.shape());
    EXPECT_THAT(numbers(back), ElementsAreArray(numbers(x)));
  }
  EXPECT_THAT(numbers(ops::space_to_depth(ints({1, 1, 2, 2}, {1, 2, 3, 4}))), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(numbers(ops::space_to_depth(ints({1, 2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}))),
              ElementsAre(1, 3, 5, 7, 2, 4, 6, 8));
}

}  // namespace
}  // namespace ocellus

#include <gtest/gtest.h>

#include <ocellus/ops/window.h>

namespace ocellus {
namespace {

struct Placement {
  Window window;
  int64_t input, kernel;
  bool ceil_mode;
  int64_t output, begin, end;
};

TEST(Window, PlacesByRule) {
  const Window any;
  const std::vector<Placement> placements = {
      {any, 7, 3, false, 5, 0, 0},
      {{.stride = {2}}, 7, 3, false, 3, 0, 0},
      {{.stride = {2}}, 8, 3, false, 3, 0, 0},
      {{.stride = {2}}, 8, 3, true, 4, 0, 1},                        // the last window hangs over by one
      {{.stride = {2}, .padding = same}, 5, 2, false, 3, 0, 1},      // ceil(5 / 2)
      {{.stride = {2}, .padding = same}, 224, 7, false, 112, 2, 3},  // the odd element at the end
      {{.stride = {2}, .padding = same_lower}, 224, 7, false, 112, 3, 2},
      {{.stride = {3}, .padding = same}, 7, 1, false, 3, 0, 0},  // never a negative padding
      {{.dilation = {2}, .padding = same}, 9, 3, false, 9, 2, 2},
      {{.dilation = {3}}, 9, 3, false, 3, 0, 0},
      {{.padding = Padding(2)}, 5, 5, false, 5, 2, 2},
      {{.padding = {{1}, {0}}}, 5, 2, false, 5, 1, 0},
      {{.stride = {2}, .padding = Padding(1)},
       112,
       3,
       true,
       57,
       1,
       2},  // GoogLeNet's first pooling with Caffe's rounding
      {{.stride = {2}, .padding = Padding(1)},
       3,
       2,
       true,
       2,
       1,
       1},  // a third window would begin beyond the input: dropped
      {{.stride = {2}}, 1, 2, true, 1, 0, 1},
  };
  for (const Placement& p : placements) {
    SCOPED_TRACE(testing::Message() << "input " << p.input << ", kernel " << p.kernel << ", ceil " << p.ceil_mode);
    const PlacedWindow placed = place(p.window, std::vector{p.input}, std::vector{p.kernel}, p.ceil_mode);
    EXPECT_EQ(placed.output[0], p.output);
    EXPECT_EQ(placed.pad_begin[0], p.begin);
    EXPECT_EQ(placed.pad_end[0], p.end);
  }
}

TEST(Window, OneElementStandsForAllDimensions) {
  const PlacedWindow p =
      place({.stride = {2}, .dilation = {}}, std::vector<int64_t>{8, 9, 10}, std::vector<int64_t>{2, 2, 2});
  EXPECT_EQ(p.stride, (std::vector<int64_t>{2, 2, 2}));
  EXPECT_EQ(p.dilation, (std::vector<int64_t>{1, 1, 1}));
  EXPECT_EQ(p.output, (std::vector<int64_t>{4, 4, 5}));
}

}  // namespace
}  // namespace ocellus

#include <gmock/gmock.h>

#include <algorithm>

#include <ocellus/nn/layers/roi.h>

#include "nn/layer_check.h"
#include "tensor/files.h"

namespace ocellus::nn {
namespace {

using testing_files::message_of;

/// Rows of the second input become regions of images 0 to 3 of 32x32 elements.
void regions_of_batch(size_t input, std::span<float> values) {
  if (input != 1) return;
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = i % 5 == 0 ? static_cast<float>(i / 5) : std::clamp(16 + 8 * values[i], 0.0f, 31.0f);
}

TEST(Layer, regions) {
  layer_check({.title = "pool",
               .make = maker<RoiPool>(RoiPoolConfig{.size = {2, 3}, .scale = 0.25}),
               .samples = {{3, 8, 8}, {5}},
               .output = {3, 2, 3},
               .smooth = false,
               .adjust = regions_of_batch});
  layer_check({.title = "align",
               .make = maker<RoiAlign>(RoiAlignConfig{.size = 2, .scale = 0.25, .sampling_ratio = 2, .aligned = true}),
               .samples = {{3, 8, 8}, {5}},
               .output = {3, 2, 2},
               .adjust = regions_of_batch});
  layer_check({.title = "position-sensitive",
               .make = maker<PositionSensitiveRoiPool>(RoiPoolConfig{.size = 2, .scale = 0.25}),
               .samples = {{12, 8, 8}, {5}},
               .output = {3, 2, 2},
               .adjust = regions_of_batch});
}

TEST(Layer, regions_name_themselves) {
  EXPECT_EQ(message_of<ShapeError>([] {
              RoiPool({.name = "heads"})(input({3, 8, 8}));
            }),
            "[roi_pool heads] takes features and regions, got 1 inputs");
  EXPECT_EQ(message_of<ShapeError>([] {
              RoiAlign()({input({3, 8, 8}), input({4})});
            }),
            "[roi_align] regions must be [R,5], got [N,4]");
  EXPECT_EQ(message_of<UsageError>([] { RoiAlign({.sampling_ratio = -1}); }),
            "RoiAlign: sampling ratio must be at least 0, got -1");
  EXPECT_EQ(message_of<UsageError>([] {
              PositionSensitiveRoiPool({.size = {0, 2}});
            }),
            "PositionSensitiveRoiPool: size must be at least 1, got 0");
}

}  // namespace
}  // namespace ocellus::nn

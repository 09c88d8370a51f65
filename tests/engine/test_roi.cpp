#include <limits>

#include <ocellus/ops/roi.h>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;
using testing::Each;
using testing::ElementsAre;

/// Regions of images that are in any batch of two, corners in [-4, 28] in either order.
void draw_regions(Tensor& t, Rng& rng) {
  const auto values = t.as<float>();
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = i % 5 == 0 ? static_cast<float>(i / 5 % 2) : rng.uniform(-4.0f, 28.0f);
}

BuildFn pool(ops::RoiPoolConfig config) {
  return [=](const Values& in) { return Values{ops::roi_pool(in[0], in[1], config)}; };
}

BuildFn align(ops::RoiAlignConfig config) {
  return [=](const Values& in) { return Values{ops::roi_align(in[0], in[1], config)}; };
}

BuildFn position_sensitive(ops::RoiPoolConfig config) {
  return [=](const Values& in) { return Values{ops::position_sensitive_roi_pool(in[0], in[1], config)}; };
}

std::vector<OpCase> cases() {
  const OpInput regions = still(fixed({5, 5}, draw_regions));
  const OpInput x = batch_of({2, 3, 7, 6});
  return {
      {"pool", pool({.size = {2, 3}, .scale = 0.25}), {batch_of({2, 3, 7, 6}, distinct()), regions}},
      {"pool_at_full_size", pool({.size = {3, 2}}), {batch_of({2, 17, 24, 20}, distinct()), regions}},
      {"align", align({.size = {2, 3}, .scale = 0.25}), {x, regions}},
      {"align_sampled", align({.size = {3, 2}, .scale = 0.25, .sampling_ratio = 2}), {x, regions}},
      {"align_aligned", align({.size = {2, 2}, .scale = 0.25, .aligned = true}), {batch_of({2, 17, 7, 6}), regions}},
      {"position_sensitive", position_sensitive({.size = {2, 3}, .scale = 0.25}), {batch_of({2, 12, 7, 6}), regions}},
  };
}

TensorType f32(Shape shape) { return {DType::f32, shape}; }

std::vector<Refused> refused() {
  return {
      {"volume",
       pool({}),
       {f32({1, 2, 4, 4, 4}), f32({3, 5})},
       "[roi_pool] input must be [N,C,H,W] with rows and columns, got [1,2,4,4,4]"},
      {"regions", align({}), {f32({1, 2, 4, 4}), f32({3, 4})}, "[roi_align] regions must be [R,5], got [3,4]"},
      {"size",
       align({.size = {7}}),
       {f32({1, 2, 4, 4}), f32({3, 5})},
       "[roi_align] size [7] must be two numbers of at least 1"},
      {"sampling_ratio",
       align({.sampling_ratio = -1}),
       {f32({1, 2, 4, 4}), f32({3, 5})},
       "[roi_align] sampling ratio must be at least 0, got -1"},
      {"channels",
       position_sensitive({.size = {3, 3}}),
       {f32({any_dim, 20, 4, 4}), f32({3, 5})},
       "[position_sensitive_roi_pool] 20 channels of input [N,20,4,4] don't divide into 9 bins"},
      {"integers",
       pool({}),
       {f32({1, 2, 4, 4}), {DType::i32, {3, 5}}},
       "[roi_pool] regions must be floating-point, got i32[3,5]"},
      {"gradient",
       [](const Values& in) { return Values{apply(RoiAlignBackward(), in)}; },
       {f32({3, 4, 2, 2}), f32({3, 5}), f32({1, 2, 4, 4})},
       "[roi_align_backward] dy must be [3,2] and rows and columns of bins, got [3,4,2,2]"},
  };
}

OP_CHECK(Roi, cases(), refused());

/// Features 0, 1, 2, ... in rows of four.
Value counted(int64_t channels = 1) {
  std::vector<float> values(static_cast<size_t>(channels) * 16);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return real({1, channels, 4, 4}, values);
}

TEST(RoiValues, PoolingTakesMaxima) {
  const Value region = real({1, 5}, {0, 0, 0, 2, 2});  // three rows and columns
  EXPECT_THAT(numbers(ops::roi_pool(counted(), region, {.size = {1, 1}})), ElementsAre(10));
  EXPECT_THAT(numbers(ops::roi_pool(counted(), region, {.size = {2, 2}})), ElementsAre(5, 6, 9, 10));
  EXPECT_THAT(numbers(ops::roi_pool(counted(), real({1, 5}, {0, 0, 0, 6, 6}), {.size = {1, 1}, .scale = 0.5})),
              ElementsAre(15));
}

TEST(RoiValues, OutsideTheFeaturesThereIsNothing) {
  const Value region = real({1, 5}, {0, 8, 8, 11, 11});
  EXPECT_THAT(numbers(ops::roi_pool(counted(), region)), Each(0));
  EXPECT_THAT(numbers(Value(ops::roi_pool(counted(), region).node_ptr(), 1)), Each(-1));
  EXPECT_THAT(numbers(ops::roi_align(counted(), region)), Each(0));
  EXPECT_THAT(numbers(ops::position_sensitive_roi_pool(counted(4), region, {.size = {2, 2}})), Each(0));
}

// Element i of a row has its centre at i, or aligned at i + 0.5.
TEST(RoiValues, AligningInterpolates) {
  const Value region = real({1, 5}, {0, 0, 0, 2, 2});
  EXPECT_THAT(numbers(ops::roi_align(counted(), region, {.size = {1, 1}, .sampling_ratio = 1})), ElementsAre(5));
  EXPECT_THAT(numbers(ops::roi_align(counted(), region, {.size = {1, 1}, .sampling_ratio = 1, .aligned = true})),
              ElementsAre(2.5));
  EXPECT_THAT(numbers(ops::roi_align(counted(), region, {.size = {1, 2}, .sampling_ratio = 1})), ElementsAre(4.5, 5.5));
}

TEST(RoiValues, EachBinHasItsChannel) {
  const Value region = real({1, 5}, {0, 0, 0, 2, 2});
  EXPECT_THAT(numbers(ops::position_sensitive_roi_pool(counted(4), region, {.size = {2, 2}})),
              ElementsAre(0, 16 + 1, 32 + 4, 48 + 5));
}

// As in torchvision, the last row and column are never read.
TEST(RoiValues, PositionSensitivePoolingEndsBeforeTheLastRowAndColumn) {
  const Value region = real({1, 5}, {0, 2, 2, 8, 8});
  EXPECT_THAT(numbers(ops::position_sensitive_roi_pool(counted(), region, {.size = {1, 1}})), ElementsAre(10));
}

TEST(RoiValues, RegionsThatNameNothingAreRefused) {
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_MESSAGE(evaluated({ops::roi_align(counted(), real({2, 5}, {0, 0, 0, 1, 1, 1, 0, 0, 1, 1}))}), UsageError,
                 "[roi_align] region 1 names image 1 of a batch of 1");
  EXPECT_MESSAGE(evaluated({ops::roi_pool(counted(), real({1, 5}, {0, 0, -inf, 1, 1}))}), UsageError,
                 "[roi_pool] region 0 has a corner at -inf");
}

}  // namespace
}  // namespace ocellus

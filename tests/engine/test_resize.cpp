#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/resize.h>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;
using testing::ElementsAre;
using enum ResizeMode;
using enum ResizeCoordinates;

BuildFn resize(ops::ResizeConfig config) {
  return [=](const Values& in) { return Values{ops::resize(in[0], config)}; };
}

std::string text(auto e) { return std::string(enum_names(e)[static_cast<size_t>(e)]); }

constexpr ResizeCoordinates all_coordinates[] = {half_pixel, align_corners, asymmetric};

std::vector<OpCase> cases() {
  struct Sizes {
    std::string name;
    Shape from;
    std::vector<int64_t> to;
  };
  const std::vector<Sizes> all = {{"double", {2, 16, 3, 4}, {6, 8}},  {"odd", {2, 3, 5, 4}, {7, 9}},
                                  {"smaller", {2, 3, 7, 6}, {3, 4}},  {"mixed", {1, 3, 4, 9}, {11, 2}},
                                  {"to_one", {2, 3, 4, 5}, {1, 1}},   {"from_one", {2, 3, 1, 1}, {3, 2}},
                                  {"one_dimension", {2, 3, 5}, {12}}, {"three_dimensions", {1, 2, 2, 3, 4}, {3, 5, 3}}};
  std::vector<OpCase> cases;
  for (const ResizeCoordinates coordinates : all_coordinates)
    for (const Sizes& s : all) {
      const std::string name = "_" + text(coordinates) + "_" + s.name;
      ops::ResizeConfig config{.size = s.to, .mode = linear, .coordinates = coordinates};
      cases.push_back({"linear" + name, resize(config), {batch_of(s.from)}});
      config.mode = nearest;
      cases.push_back({"nearest" + name, resize(config), {batch_of(s.from)}});
    }
  for (const ResizeRounding rounding : {ResizeRounding::round_half_up, ResizeRounding::floor, ResizeRounding::ceil})
    cases.push_back({text(rounding), resize({.size = {4, 9}, .rounding = rounding}), {batch_of({2, 3, 8, 6})}});
  return cases;
}

TensorType f32(Shape shape) { return {DType::f32, shape}; }

std::vector<Refused> refused() {
  return {
      {"matrix",
       resize({.size = {2}}),
       {f32({4, 4})},
       "[resize] input must be [N,C] and 1 to 3 spatial dimensions, got [4,4]"},
      {"integers",
       resize({.size = {2, 2}}),
       {{DType::u8, {1, 2, 4, 4}}},
       "[resize] input must be floating-point, got u8[1,2,4,4]"},
      {"no_size", resize({}), {f32({1, 2, 4, 4})}, "[resize] size [] has 0 elements for 2 spatial dimensions"},
      {"rank_of_size",
       resize({.size = {2, 2}}),
       {f32({1, 2, 4})},
       "[resize] size [2,2] has 2 elements for 1 spatial dimensions"},
      {"size_0", resize({.size = {2, 0}}), {f32({1, 2, 4, 4})}, "[resize] size [2,0] must be at least 1"},
      {"nothing_there",
       resize({.size = {2}}),
       {f32({1, 2, 4, 0})},
       "[resize] input [1,2,4,0] has no spatial positions"},
  };
}

OP_CHECK(Resize, cases(), refused());

/// One row 10, 20, 30, ... of n elements, resized to m.
std::vector<double> row(int64_t n, int64_t m, ops::ResizeConfig config) {
  std::vector<float> values;
  for (int64_t i = 1; i <= n; ++i) values.push_back(static_cast<float>(10 * i));
  config.size = {m};
  return numbers(ops::resize(real({1, 1, n}, values), config));
}

TEST(Resize, LinearPlacesItsElements) {
  // Half pixel: places -1/4, 1/4, 3/4, 5/4, the first outside the border.
  EXPECT_THAT(row(2, 4, {.mode = linear}), ElementsAre(10, 12.5, 17.5, 20));
  // The corners stay the corners: places 0, 1/3, 2/3, 1.
  EXPECT_THAT(row(2, 4, {.mode = linear, .coordinates = align_corners}), near({10, 40 / 3.0, 50 / 3.0, 20}));
  // Places 0, 1/2, 1, 3/2.
  EXPECT_THAT(row(2, 4, {.mode = linear, .coordinates = asymmetric}), ElementsAre(10, 15, 20, 20));
  // Smaller: places 1/2 and 5/2, 0 and 3, 0 and 2.
  EXPECT_THAT(row(4, 2, {.mode = linear}), ElementsAre(15, 35));
  EXPECT_THAT(row(4, 2, {.mode = linear, .coordinates = align_corners}), ElementsAre(10, 40));
  EXPECT_THAT(row(4, 2, {.mode = linear, .coordinates = asymmetric}), ElementsAre(10, 30));
  // One element: the middle, or the first.
  EXPECT_THAT(row(4, 1, {.mode = linear}), ElementsAre(25));
  EXPECT_THAT(row(4, 1, {.mode = linear, .coordinates = align_corners}), ElementsAre(10));
}

TEST(Resize, NearestRoundsAsAsked) {
  // Half pixel from 6 to 3: places 1/2, 5/2, 9/2, all ties.
  EXPECT_THAT(row(6, 3, {}), ElementsAre(10, 30, 50));
  EXPECT_THAT(row(6, 3, {.rounding = ResizeRounding::round_half_up}), ElementsAre(20, 40, 60));
  EXPECT_THAT(row(6, 3, {.rounding = ResizeRounding::floor}), ElementsAre(10, 30, 50));
  EXPECT_THAT(row(6, 3, {.rounding = ResizeRounding::ceil}), ElementsAre(20, 40, 60));
  // From 3 to 5: asymmetric places 0, 3/5, 6/5, 9/5, 12/5; half-pixel places -1/5, 2/5, 1, 8/5, 11/5.
  EXPECT_THAT(row(3, 5, {.coordinates = asymmetric, .rounding = ResizeRounding::floor}),
              ElementsAre(10, 10, 20, 20, 30));
  EXPECT_THAT(row(3, 5, {.coordinates = asymmetric, .rounding = ResizeRounding::ceil}),
              ElementsAre(10, 20, 30, 30, 30));
  EXPECT_THAT(row(3, 5, {.coordinates = asymmetric}), ElementsAre(10, 20, 20, 30, 30));
  EXPECT_THAT(row(3, 5, {.rounding = ResizeRounding::round_half_up}), ElementsAre(10, 10, 20, 30, 30));
  EXPECT_THAT(row(3, 5, {.rounding = ResizeRounding::floor}), ElementsAre(10, 10, 20, 20, 30));
  // Corners aligned from 4 to 3: places 0, 3/2, 3.
  EXPECT_THAT(row(4, 3, {.coordinates = align_corners}), ElementsAre(10, 20, 40));
  EXPECT_THAT(row(4, 3, {.coordinates = align_corners, .rounding = ResizeRounding::round_half_up}),
              ElementsAre(10, 30, 40));
}

TEST(Resize, BilinearIsLinearInBothDimensions) {
  const Value x = real({1, 1, 2, 2}, {1, 2, 3, 4});
  EXPECT_THAT(numbers(ops::resize(x, {.size = {4}, .mode = linear})),
              ElementsAre(1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4));
  EXPECT_THAT(numbers(ops::resize(x, {.size = {3, 3}, .mode = linear, .coordinates = align_corners})),
              ElementsAre(1, 1.5, 2, 2, 2.5, 3, 3, 3.5, 4));
  EXPECT_THAT(numbers(ops::resize(x, {.size = {4, 2}})), ElementsAre(1, 2, 1, 2, 3, 4, 3, 4));
}

TEST(Resize, KeepsAnImageOfTheSameSize) {
  const Value x = real({1, 2, 1, 3}, {5, 1, 4, 2, 8, 3});
  for (const ResizeCoordinates coordinates : all_coordinates)
    for (const ResizeMode mode : {nearest, linear})
      EXPECT_THAT(numbers(ops::resize(x, {.size = {1, 3}, .mode = mode, .coordinates = coordinates})),
                  ElementsAre(5, 1, 4, 2, 8, 3));
}

TEST(Resize, GradientGoesBackWhereElementsCameFrom) {
  const Value x = real({1, 1, 3}, {1, 2, 3});
  const auto gradient = [&](const ops::ResizeConfig& config, const std::vector<float>& dy) {
    const Value y = ops::resize(x, config);
    return gradient_of(ops::reduce_sum(ops::mul(y, real(y.shape(), dy))), x);
  };
  // Elements 0, 0, 1, 1, 2.
  EXPECT_THAT(gradient({.size = {5}, .coordinates = asymmetric, .rounding = ResizeRounding::floor}, {1, 2, 4, 8, 16}),
              ElementsAre(3, 12, 16));
  // Places 0, 1/2, 1, 3/2, 2.
  EXPECT_THAT(gradient({.size = {5}, .mode = linear, .coordinates = align_corners}, {1, 2, 4, 8, 16}),
              ElementsAre(2, 9, 20));
}

}  // namespace
}  // namespace ocellus

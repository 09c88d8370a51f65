#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/shape.h>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

using testing::ElementsAre;

Value six() { return real({2, 3}, {1, 2, 3, 4, 5, 6}); }

/// Sum of the elements, each times its number in plain order counted from 1: its gradient tells the elements apart.
Value numbered_sum(const Value& y) {
  std::vector<float> weights;
  for (int64_t i = 0; i < y.shape().numel(); ++i) weights.push_back(static_cast<float>(i + 1));
  return ops::reduce_sum(ops::mul(y, real(y.shape(), weights)));
}

TEST(Reshape, KeepsTheElementsInPlainOrder) {
  EXPECT_EQ(ops::reshape(six(), {3, 2}).shape(), (Shape{3, 2}));
  EXPECT_EQ(ops::reshape(six(), {0, -1, 1}).shape(), (Shape{2, 3, 1}));
  EXPECT_EQ(ops::reshape(six(), {-1}).shape(), (Shape{6}));
  EXPECT_EQ(ops::reshape(real({1, 1}, {3}), {}).shape(), Shape{});
  EXPECT_THAT(numbers(ops::reshape(six(), {3, 2})), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(numbers(ops::reshape(ints({2, 2}, {1, 2, 3, 4}), {4})), ElementsAre(1, 2, 3, 4));
  const Value x = six();
  EXPECT_THAT(gradient_of(numbered_sum(ops::reshape(x, {3, 2})), x), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(Reshape, LetsAnUnknownBatchThrough) {
  const Value x = open_batch({3, 4});
  EXPECT_EQ(ops::reshape(x, {0, 12}).shape(), (Shape{any_dim, 12}));
  EXPECT_EQ(ops::reshape(x, {0, -1, 2}).shape(), (Shape{any_dim, 6, 2}));
  EXPECT_EQ(ops::reshape(x, {-1, 12}).shape(), (Shape{any_dim, 12}));
  EXPECT_EQ(ops::reshape(x, {-1, 4}).shape(), (Shape{any_dim, 4}));
  EXPECT_EQ(ops::reshape(x, {-1, 5, 3, 4}).shape(), (Shape{any_dim, 5, 3, 4}));
  EXPECT_EQ(ops::flatten(x).shape(), (Shape{any_dim, 12}));
  EXPECT_EQ(ops::flatten(open_batch({})).shape(), (Shape{any_dim, 1}));
  EXPECT_MESSAGE(ops::reshape(x, {12, -1}), ShapeError, "[reshape] [N,3,4] can't be reshaped to [12,-1]");
  EXPECT_MESSAGE(ops::reshape(x, {0, 11}), ShapeError, "[reshape] [N,3,4] can't be reshaped to [0,11]");
  EXPECT_MESSAGE(ops::reshape(x, {-1, 30}), ShapeError, "[reshape] [N,3,4] can't be reshaped to [-1,30]");
}

TEST(Reshape, RefusesAnotherNumberOfElements) {
  EXPECT_MESSAGE(ops::reshape(six(), {4, 2}), ShapeError, "[reshape] [2,3] can't be reshaped to [4,2]");
  EXPECT_MESSAGE(ops::reshape(six(), {4, -1}), ShapeError, "[reshape] [2,3] can't be reshaped to [4,-1]");
  EXPECT_MESSAGE(ops::reshape(six(), {-1, -1}), ShapeError, "[reshape] dims [-1,-1] have more than one -1");
  EXPECT_MESSAGE(ops::reshape(six(), {2, 3, 0}), ShapeError, "[reshape] [2,3] can't be reshaped to [2,3,0]");
  EXPECT_MESSAGE(ops::reshape(six(), {int64_t{1} << 62, 8}), ShapeError,
                 "[reshape] [2,3] can't be reshaped to [4611686018427387904,8]");
}

TEST(Transpose, MovesDimensions) {
  EXPECT_THAT(numbers(ops::transpose(six(), {1, 0})), ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(numbers(ops::transpose(ints({2, 2}, {1, 2, 3, 4}), {1, 0})), ElementsAre(1, 3, 2, 4));
  const Value x = real({2, 2, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  const Value y = ops::transpose(x, {2, 0, 1});
  EXPECT_EQ(y.shape(), (Shape{3, 2, 2}));
  EXPECT_THAT(numbers(y), ElementsAre(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11));
  EXPECT_THAT(gradient_of(numbered_sum(y), x), ElementsAre(1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12));
  EXPECT_THAT(numbers(ops::transpose(y, {1, 2, 0})), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
}

TEST(Transpose, RefusesWhatIsNoPermutation) {
  EXPECT_MESSAGE(ops::transpose(six(), {1, 1}), ShapeError,
                 "[transpose] perm [1,1] is no permutation of the 2 dimensions of [2,3]");
  EXPECT_MESSAGE(ops::transpose(six(), {0}), ShapeError,
                 "[transpose] perm [0] needs one element for each of the 2 dimensions of [2,3]");
  EXPECT_MESSAGE(ops::transpose(open_batch({3}), {1, 0}), ShapeError,
                 "[transpose] perm [1,0] moves the batch of [N,3], whose size is not known");
  EXPECT_EQ(ops::transpose(open_batch({3, 4}), {0, 2, 1}).shape(), (Shape{any_dim, 4, 3}));
}

TEST(Concat, JoinsAlongAnyDimension) {
  const Value a = six(), b = real({2, 1}, {10, 20}), c = real({1, 3}, {7, 8, 9});
  EXPECT_THAT(numbers(ops::concat({a, b})), ElementsAre(1, 2, 3, 10, 4, 5, 6, 20));
  EXPECT_THAT(numbers(ops::concat({b, a}, -1)), ElementsAre(10, 1, 2, 3, 20, 4, 5, 6));
  EXPECT_THAT(numbers(ops::concat({a, c}, 0)), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_THAT(numbers(ops::concat({ints({1}, {1}), ints({2}, {2, 3})}, 0)), ElementsAre(1, 2, 3));
  const Value loss = numbered_sum(ops::concat({a, b, a}));
  EXPECT_THAT(gradient_of(loss, b), ElementsAre(4, 11));
  EXPECT_THAT(gradient_of(loss, a), ElementsAre(1 + 5, 2 + 6, 3 + 7, 8 + 12, 9 + 13, 10 + 14));
}

TEST(Concat, RefusesWhatDoesNotFit) {
  const Value a = constant(Tensor(DType::f32, {2, 3, 4, 4})), b = constant(Tensor(DType::f32, {2, 2, 5, 4}));
  EXPECT_MESSAGE(ops::concat({a, b}), ShapeError,
                 "[concat] inputs [2,3,4,4] and [2,2,5,4] can't be joined along dimension 1: dimension 2 is 4 and 5");
  EXPECT_MESSAGE(ops::concat({a, six()}), ShapeError,
                 "[concat] inputs [2,3,4,4] and [2,3] can't be joined: they have 4 and 2 dimensions");
  EXPECT_MESSAGE(ops::concat({six(), ints({2, 1}, {1, 2})}), TypeError,
                 "[concat] inputs are of two dtypes: f32[2,3] and i32[2,1]");
  EXPECT_MESSAGE(ops::concat({a, a}, 4), ShapeError, "[concat] there is no dimension 4 in [2,3,4,4]");
  EXPECT_MESSAGE(ops::concat({}), ShapeError, "[concat] needs at least one input");
  EXPECT_EQ(ops::concat({open_batch({3}), open_batch({4})}).shape(), (Shape{any_dim, 7}));
  EXPECT_EQ(ops::concat({open_batch({3}), six()}, 0).shape(), (Shape{any_dim, 3}));
  EXPECT_MESSAGE(ops::concat({open_batch({3}), six()}), ShapeError,
                 "[concat] inputs [N,3] and [2,3] can't be joined along dimension 1: dimension 0 is N and 2");
}

TEST(Slice, TakesARangeWithSteps) {
  EXPECT_THAT(numbers(ops::slice(six(), {.axis = 1, .begin = 1, .end = 3})), ElementsAre(2, 3, 5, 6));
  EXPECT_THAT(numbers(ops::slice(six(), {.axis = -1, .begin = 0, .end = 3, .step = 2})), ElementsAre(1, 3, 4, 6));
  EXPECT_THAT(numbers(ops::slice(six(), {.axis = 0, .begin = -1, .end = 2})), ElementsAre(4, 5, 6));
  EXPECT_THAT(numbers(ops::slice(six(), {.axis = 1, .begin = -3, .end = -1})), ElementsAre(1, 2, 4, 5));
  EXPECT_THAT(numbers(ops::slice(six(), {0, 0}, {any_dim, 3}, {1, 2})), ElementsAre(1, 3, 4, 6));
  EXPECT_THAT(numbers(ops::slice(ints({4}, {1, 2, 3, 4}), {.axis = 0, .begin = 1, .end = 4, .step = 2})),
              ElementsAre(2, 4));
}

TEST(Slice, GradientGoesBackToItsPlaces) {
  const Value x = six();
  const Value y = ops::slice(x, {.axis = 1, .begin = 0, .end = 3, .step = 2});
  EXPECT_THAT(gradient_of(numbered_sum(y), x), ElementsAre(1, 0, 2, 3, 0, 4));
  // The gradient of the gradient: slicing again.
  const Value dx = apply(SliceBackward(*gradients(numbered_sum(y), std::array{x})[0].node().as<SliceBackward>()), {y});
  EXPECT_THAT(gradient_of(numbered_sum(dx), x), ElementsAre(1, 0, 3, 4, 0, 6));
}

TEST(Slice, RefusesWhatIsOutside) {
  EXPECT_MESSAGE(ops::slice(six(), {.axis = 1, .begin = 1, .end = 4}), ShapeError,
                 "[slice] elements [1,4) of dimension 1 are not in [2,3]");
  EXPECT_MESSAGE(ops::slice(six(), {.axis = 1, .begin = 2, .end = 2}), ShapeError,
                 "[slice] elements [2,2) of dimension 1 are not in [2,3]");
  EXPECT_MESSAGE(ops::slice(six(), {.axis = 1, .begin = 0, .end = 2, .step = 0}), ShapeError,
                 "[slice] step 0 of dimension 1 must be at least 1");
  EXPECT_MESSAGE(ops::slice(six(), {.axis = 2, .begin = 0, .end = 1}), ShapeError,
                 "[slice] there is no dimension 2 in [2,3]");
  EXPECT_MESSAGE(ops::slice(six(), {0}, {1}, {1}), ShapeError,
                 "[slice] begin [0] needs one element for each of the 2 dimensions of [2,3]");
  EXPECT_MESSAGE(ops::slice(open_batch({3}), {.axis = 0, .begin = 0, .end = 1}), ShapeError,
                 "[slice] the batch of [N,3] can't be sliced before its size is known");
  EXPECT_EQ(ops::slice(open_batch({3}), {.axis = 1, .begin = 0, .end = 2}).shape(), (Shape{any_dim, 2}));
}

TEST(Pad, AddsConstantsReflectionsOrCopies) {
  const Value x = real({1, 3}, {1, 2, 3});
  const auto padded = [&](PadMode mode) {
    return ops::pad(x, {.before = {0, 2}, .after = {0, 1}, .mode = mode, .value = 9});
  };
  EXPECT_THAT(numbers(padded(PadMode::constant)), ElementsAre(9, 9, 1, 2, 3, 9));
  EXPECT_THAT(numbers(padded(PadMode::reflect)), ElementsAre(3, 2, 1, 2, 3, 2));
  EXPECT_THAT(numbers(padded(PadMode::replicate)), ElementsAre(1, 1, 1, 2, 3, 3));
  EXPECT_THAT(gradient_of(numbered_sum(padded(PadMode::constant)), x), ElementsAre(3, 4, 5));
  EXPECT_THAT(gradient_of(numbered_sum(padded(PadMode::reflect)), x), ElementsAre(3, 2 + 4 + 6, 1 + 5));
  EXPECT_THAT(gradient_of(numbered_sum(padded(PadMode::replicate)), x), ElementsAre(1 + 2 + 3, 4, 5 + 6));
}

TEST(Pad, WorksInTwoDimensionsAndOnIntegers) {
  const Value x = ints({1, 1, 2, 2}, {1, 2, 3, 4});
  EXPECT_THAT(numbers(ops::pad(x, {.before = {0, 0, 1, 0}, .after = {0, 0, 0, 1}, .value = -7})),
              ElementsAre(-7, -7, -7, 1, 2, -7, 3, 4, -7));
  EXPECT_THAT(numbers(ops::pad(x, {.before = {0, 0, 1, 1}, .after = {0, 0, 0, 0}, .mode = PadMode::reflect})),
              ElementsAre(4, 3, 4, 2, 1, 2, 4, 3, 4));
}

TEST(Pad, RefusesWhatDoesNotFit) {
  EXPECT_MESSAGE(ops::pad(six(), {.before = {0, 3}, .after = {0, 0}, .mode = PadMode::reflect}), ShapeError,
                 "[pad] dimension 1 of [2,3] is too small to be reflected by 3: at most 2");
  EXPECT_MESSAGE(ops::pad(six(), {.before = {0, -1}, .after = {0, 0}}), ShapeError,
                 "[pad] dimension 1 can't be padded by -1 and 0");
  EXPECT_MESSAGE(ops::pad(six(), {.before = {1}, .after = {0, 0}}), ShapeError,
                 "[pad] before [1] needs one element for each of the 2 dimensions of [2,3]");
  EXPECT_MESSAGE(ops::pad(open_batch({3}), {.before = {1, 0}, .after = {0, 0}}), ShapeError,
                 "[pad] the batch of [N,3] can't be padded before its size is known");
  EXPECT_EQ(ops::pad(open_batch({3}), {.before = {0, 1}, .after = {0, 2}}).shape(), (Shape{any_dim, 6}));
}

TEST(Reverse, TurnsDimensionsRound) {
  const Value x = six();
  EXPECT_THAT(numbers(ops::reverse(x, {1})), ElementsAre(3, 2, 1, 6, 5, 4));
  EXPECT_THAT(numbers(ops::reverse(x, {0})), ElementsAre(4, 5, 6, 1, 2, 3));
  EXPECT_THAT(numbers(ops::reverse(x, {-2, -1})), ElementsAre(6, 5, 4, 3, 2, 1));
  EXPECT_THAT(numbers(ops::reverse(x, {})), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_MESSAGE(ops::reverse(x, {2}), ShapeError, "[reverse] there is no dimension 2 in [2,3]");
  EXPECT_MESSAGE(ops::reverse(x, {1, -1}), ShapeError, "[reverse] axes [1,1] name dimension 1 twice");
}

std::vector<op_check::OpCase> moving_cases() {
  using namespace op_check;
  const OpInput x = batch_of({2, 3, 4, 5});
  const auto reshape = [](std::vector<int64_t> dims) -> BuildFn {
    return [=](const Values& in) { return Values{ops::reshape(in[0], dims)}; };
  };
  const auto transpose = [](std::vector<int64_t> perm) -> BuildFn {
    return [=](const Values& in) { return Values{ops::transpose(in[0], perm)}; };
  };
  const auto concat = [](int64_t axis) -> BuildFn {
    return [=](const Values& in) { return Values{ops::concat(in, axis)}; };
  };
  const auto reverse = [](std::vector<int64_t> axes) -> BuildFn {
    return [=](const Values& in) { return Values{ops::reverse(in[0], axes)}; };
  };
  return {
      {"reshape", reshape({0, 2, -1}), {x}},
      {"reshape_leaves_batch_open", reshape({-1, 60}), {x}},
      {"reshape_to_vector", reshape({120}), {fixed({2, 3, 4, 5})}},
      {"flatten", [](const Values& in) { return Values{ops::flatten(in[0])}; }, {x}},
      {"channels_last", transpose({0, 2, 3, 1}), {x}},
      {"transpose_matrix", transpose({1, 0}), {fixed({3, 7})}},
      {"transpose_all", transpose({3, 1, 0, 2}), {fixed({2, 3, 4, 5})}},
      {"transpose_nothing", transpose({0, 1, 2, 3}), {x}},
      {"concat_channels", concat(1), {x, batch_of({2, 2, 4, 5}), batch_of({2, 17, 4, 5})}},
      {"concat_last", concat(-1), {batch_of({2, 3, 4}), batch_of({2, 3, 1})}},
      {"concat_batch", concat(0), {fixed({2, 3}), fixed({4, 3})}},
      {"concat_one", concat(1), {x}},
      {"concat_with_itself",
       [](const Values& in) {
         return Values{ops::concat({in[0], in[0]})};
       },
       {x}},
      {"reverse_plane", reverse({2, 3}), {x}},
      {"reverse_channels", reverse({-3}), {x}},
      {"reverse_samples", reverse({0, 1}), {fixed({3, 5})}},
      {"concat_part_learns", concat(1), {x, still(batch_of({2, 2, 4, 5}))}},
  };
}

std::vector<op_check::OpCase> window_cases() {
  using namespace op_check;
  const OpInput x = batch_of({2, 3, 4, 5});
  const auto slice = [](ops::SliceConfig config) -> BuildFn {
    return [=](const Values& in) { return Values{ops::slice(in[0], config)}; };
  };
  const auto pad = [](ops::PadConfig config) -> BuildFn {
    return [=](const Values& in) { return Values{ops::pad(in[0], config)}; };
  };
  const std::vector<int64_t> before = {0, 0, 2, 1}, after = {0, 0, 1, 3};
  return {
      {"slice_channels", slice({.axis = 1, .begin = 1, .end = 3}), {x}},
      {"slice_every_second", slice({.axis = 3, .begin = 0, .end = 5, .step = 2}), {x}},
      {"slice_from_the_end", slice({.axis = 2, .begin = -3, .end = -1}), {x}},
      {"slice_samples", slice({.axis = 0, .begin = 1, .end = 2}), {fixed({2, 3, 4, 5})}},
      {"slice_all_at_once",
       [](const Values& in) {
         return Values{ops::slice(in[0], {0, 1, 0, 1}, {any_dim, 3, 4, 5}, {1, 1, 3, 2})};
       },
       {x}},
      {"pad_zeros", pad({.before = before, .after = after}), {x}},
      {"pad_value", pad({.before = before, .after = after, .value = -1.5}), {x}},
      {"pad_reflect", pad({.before = before, .after = after, .mode = PadMode::reflect}), {x}},
      {"pad_replicate", pad({.before = before, .after = after, .mode = PadMode::replicate}), {x}},
      {"pad_channels", pad({.before = {0, 1, 0, 0}, .after = {0, 2, 0, 0}}), {x}},
      {"pad_samples", pad({.before = {1, 0}, .after = {1, 2}, .mode = PadMode::replicate}), {fixed({2, 3})}},
      {"pad_nothing", pad({.before = {0, 0, 0, 0}, .after = {0, 0, 0, 0}}), {x}},
  };
}

INSTANTIATE_TEST_SUITE_P(Moving, OpCheck, testing::ValuesIn(moving_cases()),
                         [](const auto& i) { return i.param.name; });
INSTANTIATE_TEST_SUITE_P(SliceAndPad, OpCheck, testing::ValuesIn(window_cases()),
                         [](const auto& i) { return i.param.name; });

}  // namespace
}  // namespace ocellus

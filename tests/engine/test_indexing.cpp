#include <ocellus/ops/cast.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/indexing.h>
#include <ocellus/ops/reduce.h>

#include <limits>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;
using testing::ElementsAre;

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

OpInput indices(Shape shape, int64_t n, bool batch = false) {
  return {.shape = shape, .fill = below(n), .dtype = DType::i32, .batch = batch};
}

BuildFn gathered(int64_t axis) {
  return [=](const Values& in) { return Values{ops::gather(in[0], in[1], axis)}; };
}

BuildFn gathered_along(int64_t axis) {
  return [=](const Values& in) { return Values{ops::gather_along(in[0], in[1], axis)}; };
}

BuildFn hot(ops::OneHotConfig config) {
  return [=](const Values& in) { return Values{ops::one_hot(in[0], config)}; };
}

/// Values and indices; the latter also as f32, which backends are compared by.
BuildFn best(ops::TopKConfig config) {
  return [=](const Values& in) {
    const Values found = ops::top_k(in[0], config);
    return Values{found[0], ops::cast(found[1], DType::f32)};
  };
}

BuildFn extremum(Value (*f)(const Value&, const ops::ArgConfig&), ops::ArgConfig config) {
  return [=](const Values& in) { return Values{ops::cast(f(in[0], config), DType::f32)}; };
}

std::vector<OpCase> gather_cases() {
  const OpInput x = batch_of({3, 5, 4});
  return {
      {"table", gathered(0), {fixed({7, 4}), indices({6}, 7, true)}},
      {"table_of_vectors", gathered(0), {fixed({7}), indices({3, 2}, 7, true)}},
      {"channels", gathered(1), {x, indices({7}, 5)}},
      {"last", gathered(-1), {x, indices({2, 3}, 4)}},
      {"one_channel", gathered(1), {x, indices({}, 5)}},
      {"batch", gathered(0), {fixed({3, 5, 4}), indices({2}, 3)}},
      {"again_and_again", gathered(1), {x, indices({9}, 1)}},
      {"gradient",  // of the gradient: what was scattered is gathered
       [](const Values& in) {
         GatherBackward op;
         op.axis = 1;
         op.dims = {any_dim, 5, 4};
         return Values{apply(std::move(op), {in[0], in[1]})};
       },
       {batch_of({3, 7, 4}), indices({7}, 5)}},
      {"along_channels", gathered_along(1), {x, indices({3, 7, 4}, 5, true)}},
      {"along_last", gathered_along(2), {x, indices({3, 5, 2}, 4, true)}},
      {"along_first", gathered_along(0), {fixed({3, 5}), indices({2, 5}, 3)}},
      {"along_gradient",
       [](const Values& in) {
         GatherAlongBackward op;
         op.axis = 1;
         op.size = 5;
         return Values{apply(std::move(op), {in[0], in[1]})};
       },
       {batch_of({3, 7, 4}), indices({3, 7, 4}, 5, true)}},
  };
}

std::vector<OpCase> choice_cases() {
  const OpInput x = batch_of({3, 6, 4}, distinct()), still_x = still(x);
  return {
      {"one_hot", hot({.depth = 5}), {indices({4}, 5, true)}},
      {"one_hot_pixels", hot({.depth = 3, .axis = 1}), {indices({2, 3, 4}, 4, true)}},
      {"one_hot_in_front", hot({.depth = 3, .axis = 0, .on = 2, .off = -1}), {indices({2, 3}, 3)}},
      {"argmax_channels", extremum(ops::argmax, {.axis = 1}), {still_x}},
      {"argmax_kept", extremum(ops::argmax, {.axis = 2, .keep_dims = true}), {still_x}},
      {"argmin_last", extremum(ops::argmin, {}), {still_x}},
      {"argmin_of_a_few_values", extremum(ops::argmin, {.axis = 0}), {still(fixed({5, 3}))}},
      {"top_1", best({.axis = 1}), {x}},
      {"top_3_channels", best({.k = 3, .axis = 1}), {x}},
      {"top_all", best({.k = 4}), {x}},
      {"lowest_2", best({.k = 2, .smallest = true}), {x}},
      {"top_2_first", best({.k = 2, .axis = 0}), {fixed({5, 3}, distinct())}},
  };
}

TensorType f32(Shape shape) { return {DType::f32, shape}; }
TensorType i32(Shape shape) { return {DType::i32, shape}; }

std::vector<Refused> refused_gathers() {
  return {
      {"axis", gathered(2), {f32({2, 3}), i32({4})}, "[gather] there is no dimension 2 in [2,3]"},
      {"indices", gathered(0), {f32({2, 3}), f32({4})}, "[gather] indices must be i32, got f32[4]"},
      {"batch_inside",
       gathered(1),
       {f32({2, 3}), i32({any_dim})},
       "[gather] indices [N] along axis 1 of [2,3] would put the batch, whose size is not known, inside"},
      {"along_rank",
       gathered_along(1),
       {f32({2, 3}), i32({2})},
       "[gather_along] indices [2] must have the shape of x [2,3] but for axis 1"},
      {"along_other_dimension",
       gathered_along(1),
       {f32({2, 3}), i32({3, 3})},
       "[gather_along] indices [3,3] must have the shape of x [2,3] but for axis 1"},
      {"along_indices",
       gathered_along(1),
       {f32({2, 3}), f32({2, 3})},
       "[gather_along] indices must be i32, got f32[2,3]"},
  };
}

std::vector<Refused> refused_choices() {
  const BuildFn argmax = [](const Values& in) { return Values{ops::argmax(in[0], {.axis = 1})}; };
  return {
      {"one_hot_of_reals", hot({.depth = 3}), {f32({2})}, "[one_hot] indices must be i32, got f32[2]"},
      {"one_hot_depth", hot({}), {i32({2})}, "[one_hot] depth 0 must be at least 1"},
      {"one_hot_axis",
       hot({.depth = 3, .axis = 2}),
       {i32({2})},
       "[one_hot] there is no axis 2 in an output with one dimension more than [2]"},
      {"one_hot_moves_the_batch",
       hot({.depth = 3, .axis = 0}),
       {i32({any_dim})},
       "[one_hot] axis 0 would move the batch of [N], whose size is not known"},
      {"argmax_axis", argmax, {f32({2})}, "[arg_extremum] there is no dimension 1 in [2]"},
      {"argmax_of_nothing", argmax, {f32({2, 0})}, "[arg_extremum] dimension 1 of [2,0] has no elements"},
      {"argmax_of_integers", argmax, {i32({2, 2})}, "[arg_extremum] takes floating inputs, got i32[2,2]"},
      {"top_0", best({.k = 0}), {f32({2, 3})}, "[top_k] k 0 must be in [1,3], the size of dimension 1 of [2,3]"},
      {"top_4_of_3", best({.k = 4}), {f32({2, 3})}, "[top_k] k 4 must be in [1,3], the size of dimension 1 of [2,3]"},
      {"top_of_the_batch",
       best({.axis = 0}),
       {f32({any_dim, 3})},
       "[top_k] the best of the batch of [N,3] can't be found before its size is known"},
  };
}

OP_CHECK(Gather, gather_cases(), refused_gathers());
OP_CHECK(Choice, choice_cases(), refused_choices());

TEST(Gather, TakesSlicesInTheOrderOfTheIndices) {
  const Value x = real({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_THAT(numbers(ops::gather(x, ints({3}, {2, 0, 2}), 1)), ElementsAre(3, 1, 3, 6, 4, 6));
  EXPECT_THAT(numbers(ops::gather(x, ints({1, 1}, {1}), 0)), ElementsAre(4, 5, 6));
  EXPECT_EQ(ops::gather(x, ints({1, 1}, {1}), 0).shape(), (Shape{1, 1, 3}));
  EXPECT_THAT(numbers(ops::gather(ints({3}, {7, 8, 9}), ints({2}, {1, 1}), 0)), ElementsAre(8, 8));
  EXPECT_THAT(numbers(ops::gather_along(x, ints({2, 2}, {2, 0, 1, 1}), 1)), ElementsAre(3, 1, 5, 5));
}

TEST(Gather, ItsGradientAddsUpWhatWasTakenTwice) {
  const Value x = real({2, 3}, {1, 2, 3, 4, 5, 6}), weights = real({2, 3}, {1, 2, 4, 8, 16, 32});
  const Value columns = ops::reduce_sum(ops::mul(ops::gather(x, ints({3}, {2, 0, 2}), 1), weights));
  EXPECT_THAT(gradient_of(columns, x), ElementsAre(2, 0, 5, 16, 0, 40));
  const Value each = ops::reduce_sum(ops::mul(ops::gather_along(x, ints({2, 3}, {0, 0, 1, 2, 2, 2}), 1), weights));
  EXPECT_THAT(gradient_of(each, x), ElementsAre(3, 4, 0, 0, 0, 56));
}

TEST(Gather, RefusesIndicesThatAreNone) {
  const Value x = real({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_MESSAGE(numbers(ops::gather(x, ints({2}, {0, 3}), 1)), UsageError,
                 "[gather] index 3 at position 1 is outside [0,3)");
  EXPECT_MESSAGE(numbers(ops::gather_along(x, ints({1, 3}, {0, -1, 1}), 0)), UsageError,
                 "[gather_along] index -1 at position 1 is outside [0,2)");
  const Value open = open_batch({3});
  const std::array wrt = {open};
  EXPECT_MESSAGE(gradients(ops::reduce_sum(ops::gather(open, ints({2}, {0, 1}), 0)), wrt), ShapeError,
                 "[gather] what is taken from the batch of [N,3] has no gradient before its size is known");
  EXPECT_MESSAGE(gradients(ops::reduce_sum(ops::gather_along(open, ints({2, 3}, {0, 1, 0, 1, 0, 1}), 0)), wrt),
                 ShapeError,
                 "[gather_along] what is taken from the batch of [N,3] has no gradient before its size is known");
}

TEST(OneHot, MarksThePlaceOfEachIndex) {
  EXPECT_THAT(numbers(ops::one_hot(ints({2}, {2, 0}), {.depth = 3})), ElementsAre(0, 0, 1, 1, 0, 0));
  EXPECT_THAT(numbers(ops::one_hot(ints({1, 2}, {1, 0}), {.depth = 2, .axis = 1})), ElementsAre(0, 1, 1, 0));
  EXPECT_THAT(numbers(ops::one_hot(ints({3}, {-1, 255, 1}), {.depth = 2, .on = 5, .off = -1})),
              ElementsAre(-1, -1, -1, -1, -1, 5));
}

TEST(ArgExtremum, TakesTheFirstOfEqualElements) {
  const Value x = real({2, 4}, {1, 7, 7, 0, -2, -2, -2, -3});
  EXPECT_THAT(numbers(ops::argmax(x)), ElementsAre(1, 0));
  EXPECT_THAT(numbers(ops::argmin(x)), ElementsAre(3, 3));
  EXPECT_THAT(numbers(ops::argmax(x, {.axis = 0})), ElementsAre(0, 0, 0, 0));
  EXPECT_EQ(ops::argmax(x, {.axis = 1, .keep_dims = true}).shape(), (Shape{2, 1}));
  EXPECT_EQ(ops::argmax(open_batch({4}), {.axis = 1}).type(), (TensorType{DType::i32, {any_dim}}));
  EXPECT_THAT(numbers(ops::argmax(real({4}, {1, nan, 9, nan}), {.axis = 0})), ElementsAre(1));
  EXPECT_THAT(numbers(ops::argmin(real({4}, {1, nan, -9, nan}), {.axis = 0})), ElementsAre(1));
}

TEST(TopK, SortsTheBestAndKeepsEqualOnesInOrder) {
  const Value x = real({6}, {3, 9, 3, 1, 9, 3});
  const Values best = ops::top_k(x, {.k = 5});
  EXPECT_THAT(numbers(best[0]), ElementsAre(9, 9, 3, 3, 3));
  EXPECT_THAT(numbers(best[1]), ElementsAre(1, 4, 0, 2, 5));
  const Values least = ops::top_k(x, {.k = 3, .smallest = true});
  EXPECT_THAT(numbers(least[0]), ElementsAre(1, 3, 3));
  EXPECT_THAT(numbers(least[1]), ElementsAre(3, 0, 2));
  const Value loss = ops::reduce_sum(ops::mul(best[0], real({5}, {1, 2, 3, 4, 5})));
  EXPECT_THAT(gradient_of(loss, x), ElementsAre(3, 1, 4, 0, 2, 5));
}

TEST(TopK, CountsNanAsTheLargest) {
  const Value x = real({4}, {1, nan, 5, -1});
  EXPECT_THAT(numbers(ops::top_k(x, {.k = 3})[1]), ElementsAre(1, 2, 0));
  EXPECT_THAT(numbers(ops::top_k(x, {.k = 4, .smallest = true})[1]), ElementsAre(3, 0, 2, 1));
}

}  // namespace
}  // namespace ocellus

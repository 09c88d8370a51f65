#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>

#include <limits>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

using testing::ElementsAre;

Value cube() { return real({2, 3, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}); }

TEST(Reduce, SumsOverTheAxesGiven) {
  EXPECT_THAT(numbers(ops::reduce_sum(cube())), ElementsAre(78));
  EXPECT_THAT(numbers(ops::reduce_sum(cube(), {.axes = {0}})), ElementsAre(8, 10, 12, 14, 16, 18));
  EXPECT_THAT(numbers(ops::reduce_sum(cube(), {.axes = {1}})), ElementsAre(9, 12, 27, 30));
  EXPECT_THAT(numbers(ops::reduce_sum(cube(), {.axes = {-1}})), ElementsAre(3, 7, 11, 15, 19, 23));
  EXPECT_THAT(numbers(ops::reduce_sum(cube(), {.axes = {2, 0}})), ElementsAre(18, 26, 34));
  EXPECT_THAT(numbers(ops::reduce_mean(cube(), {.axes = {1, 2}})), ElementsAre(3.5, 9.5));
  EXPECT_THAT(numbers(ops::reduce_max(cube(), {.axes = {0, 1}})), ElementsAre(11, 12));
}

TEST(Reduce, TakesExtremaProductsAndNorms) {
  const Value x = real({2, 3}, {1, -2, 2, 0, 3, -4});
  EXPECT_THAT(numbers(ops::reduce_min(x, {.axes = {1}})), ElementsAre(-2, -4));
  EXPECT_THAT(numbers(ops::reduce_product(x, {.axes = {1}})), ElementsAre(-4, 0));
  EXPECT_THAT(numbers(ops::reduce_product(x, {.axes = {0}})), ElementsAre(0, -6, -8));
  EXPECT_THAT(numbers(ops::reduce_l1(x, {.axes = {1}})), ElementsAre(5, 7));
  EXPECT_THAT(numbers(ops::reduce_l2(x, {.axes = {1}})), near({3, 5}));
}

TEST(Reduce, AProductWithZerosHasTheGradientOfTheOthers) {
  const Value x = real({3, 3}, {2, 3, 4, 2, 0, 4, 0, 3, 0});
  EXPECT_THAT(gradient_of(ops::reduce_sum(ops::reduce_product(x, {.axes = {1}})), x),
              ElementsAre(12, 8, 6, 0, 8, 0, 0, 0, 0));
}

TEST(Reduce, NormsHaveAGradientOfZeroAtZero) {
  const Value x = real({2, 2}, {0, 0, 3, -4});
  EXPECT_THAT(gradient_of(ops::reduce_sum(ops::reduce_l2(x, {.axes = {1}})), x), near({0, 0, 0.6, -0.8}));
  EXPECT_THAT(gradient_of(ops::reduce_sum(ops::reduce_l1(x, {.axes = {1}})), x), ElementsAre(0, 0, 1, -1));
}

TEST(CumulativeSum, RunsAlongTheAxisFromEitherEnd) {
  const Value x = real({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_THAT(numbers(ops::cumulative_sum(x)), ElementsAre(1, 3, 6, 4, 9, 15));
  EXPECT_THAT(numbers(ops::cumulative_sum(x, {.axis = 0})), ElementsAre(1, 2, 3, 5, 7, 9));
  EXPECT_THAT(numbers(ops::cumulative_sum(x, {.exclusive = true})), ElementsAre(0, 1, 3, 0, 4, 9));
  EXPECT_THAT(numbers(ops::cumulative_sum(x, {.reverse = true})), ElementsAre(6, 5, 3, 15, 11, 6));
  EXPECT_THAT(numbers(ops::cumulative_sum(x, {.exclusive = true, .reverse = true})), ElementsAre(5, 3, 0, 11, 6, 0));
  EXPECT_MESSAGE(ops::cumulative_sum(x, {.axis = 2}), ShapeError,
                 "[cumulative_sum] there is no dimension 2 in [2,3]");
  EXPECT_MESSAGE(ops::cumulative_sum(ints({2}, {1, 2})), TypeError,
                 "[cumulative_sum] takes floating inputs, got i32[2]");
}

TEST(Reduce, GivesTheShapeAskedFor) {
  EXPECT_EQ(ops::reduce_sum(cube()).shape(), Shape{});
  EXPECT_EQ(ops::reduce_sum(cube(), {.keep_dims = true}).shape(), (Shape{1, 1, 1}));
  EXPECT_EQ(ops::reduce_sum(cube(), {.axes = {1}}).shape(), (Shape{2, 2}));
  EXPECT_EQ(ops::reduce_sum(cube(), {.axes = {1}, .keep_dims = true}).shape(), (Shape{2, 1, 2}));
  EXPECT_EQ(ops::reduce_mean(open_batch({3, 4}), {.axes = {1, 2}}).shape(), (Shape{any_dim}));
  EXPECT_EQ(ops::reduce_mean(open_batch({3, 4}), {.axes = {0}}).shape(), (Shape{3, 4}));
}

TEST(Reduce, AMillionSmallTermsKeepTheirSum) {
  const Value x = constant(Tensor::full(DType::f32, {1 << 20}, 0.1f));
  EXPECT_NEAR(numbers(ops::reduce_sum(x))[0], 0.1 * (1 << 20), 0.01);
}

TEST(Reduce, TheMaximumOfNanIsNan) {
  const Value x = real({2, 2}, {1, std::numeric_limits<float>::quiet_NaN(), -3, -2});
  EXPECT_THAT(numbers(ops::reduce_max(x, {.axes = {1}})), near({std::numeric_limits<double>::quiet_NaN(), -2}));
}

TEST(Reduce, RefusesAxesThatAreNone) {
  EXPECT_MESSAGE(ops::reduce_sum(cube(), {.axes = {3}}), ShapeError, "[reduce] there is no dimension 3 in [2,3,2]");
  EXPECT_MESSAGE(ops::reduce_sum(cube(), {.axes = {1, -2}}), ShapeError,
                 "[reduce] axes [1,1] must be distinct and in order");
  EXPECT_MESSAGE(ops::reduce_sum(ints({2}, {1, 2})), TypeError, "[reduce] takes floating inputs, got i32[2]");
}

TEST(Reduce, GradientOfSumAndMeanIsSpreadEvenly) {
  const Value x = cube(), weights = real({2, 2}, {1, 2, 3, 4});
  const Value sum = ops::reduce_sum(ops::mul(ops::reduce_sum(x, {.axes = {1}}), weights));
  EXPECT_THAT(gradient_of(sum, x), ElementsAre(1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4));
  const Value mean = ops::reduce_sum(ops::mul(ops::reduce_mean(x, {.axes = {1}}), ops::affine(weights, 3)));
  EXPECT_THAT(gradient_of(mean, x), near({1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4}));
  EXPECT_THAT(gradient_of(ops::reduce_mean(x), x), near(std::vector<double>(12, 1.0 / 12)));
}

TEST(Reduce, GradientOfMaxIsSharedByTies) {
  const Value x = real({2, 3}, {1, 5, 5, 7, 2, 3}), weights = real({2, 1}, {4, 3});
  const Value loss = ops::reduce_sum(ops::mul(ops::reduce_max(x, {.axes = {1}, .keep_dims = true}), weights));
  EXPECT_THAT(gradient_of(loss, x), ElementsAre(0, 2, 2, 3, 0, 0));
}

TEST(Reduce, AMeanOverAnUnknownBatchHasNoGradientYet) {
  const Value x = open_batch({3});
  const std::array wrt = {x};
  EXPECT_MESSAGE(gradients(ops::reduce_mean(x), wrt), ShapeError,
                 "[reduce] the mean over the batch of [N,3] has no gradient before its size is known");
}

TEST(SumTo, SumsWhatBroadcastingRepeats) {
  EXPECT_THAT(numbers(ops::sum_to(cube(), {3, 1})), ElementsAre(18, 26, 34));
  EXPECT_THAT(numbers(ops::sum_to(cube(), {2})), ElementsAre(36, 42));
  EXPECT_THAT(numbers(ops::sum_to(cube(), {})), ElementsAre(78));
  EXPECT_THAT(numbers(ops::sum_to(cube(), {1, 3, 1})), ElementsAre(18, 26, 34));
  const Value x = cube();
  EXPECT_EQ(ops::sum_to(x, {2, 3, 2}), x);
  const Value loss = ops::reduce_sum(ops::mul(ops::sum_to(x, {2}), real({2}, {1, 5})));
  EXPECT_THAT(gradient_of(loss, x), ElementsAre(1, 5, 1, 5, 1, 5, 1, 5, 1, 5, 1, 5));
}

TEST(SumTo, RefusesATargetThatDoesNotBroadcastToTheInput) {
  EXPECT_MESSAGE(ops::sum_to(cube(), {3, 3}), ShapeError,
                 "[sum_to] the input can't be summed to the target: dimension 2 of [3,3] is 3 and of [2,3,2] is 2");
  EXPECT_MESSAGE(ops::sum_to(cube(), {1, 2, 3, 2}), ShapeError,
                 "[sum_to] the input can't be summed to the target: [1,2,3,2] has more dimensions than [2,3,2]");
  EXPECT_MESSAGE(ops::sum_to(real({3}, {1, 2, 3}), {any_dim, 3}), ShapeError,
                 "[sum_to] the batch of [N,3] can't be told from input [3]");
  EXPECT_EQ(ops::sum_to(open_batch({3, 4}), {any_dim, 1, 4}).shape(), (Shape{any_dim, 1, 4}));
}

TEST(BroadcastTo, RepeatsAndScales) {
  EXPECT_THAT(numbers(ops::broadcast_to(real({2, 1}, {1, 2}), {2, 2, 3}, 10)),
              ElementsAre(10, 10, 10, 20, 20, 20, 10, 10, 10, 20, 20, 20));
  const Value x = real({2, 1}, {1, 2});
  EXPECT_EQ(ops::broadcast_to(x, {2, 1}), x);
  EXPECT_THAT(numbers(ops::broadcast_to(x, {2, 1}, 3)), ElementsAre(3, 6));
  EXPECT_THAT(gradient_of(ops::reduce_sum(ops::broadcast_to(x, {2, 2, 3}, 10)), x), ElementsAre(60, 60));
}

TEST(BroadcastTo, RefusesWhatDoesNotFit) {
  EXPECT_MESSAGE(
      ops::broadcast_to(real({2}, {1, 2}), {2, 3}), ShapeError,
      "[broadcast_to] the input can't be broadcast to the target: dimension 1 of [2] is 2 and of [2,3] is 3");
  EXPECT_MESSAGE(ops::broadcast_to(real({1, 3}, {1, 2, 3}), {any_dim, 3}), ShapeError,
                 "[broadcast_to] [1,3] can't be repeated to [N,3] before the size of the batch is known");
  EXPECT_EQ(ops::broadcast_to(open_batch({1}), {any_dim, 4}).shape(), (Shape{any_dim, 4}));
}

std::vector<op_check::OpCase> cases() {
  using namespace op_check;
  using Reducer = Value (*)(const Value&, const ops::ReduceConfig&);
  const auto reduced = [](Reducer f, std::vector<int64_t> axes, bool keep = false) -> BuildFn {
    return [=](const Values& in) { return Values{f(in[0], {.axes = axes, .keep_dims = keep})}; };
  };
  std::vector<OpCase> cases;
  for (const auto& [name, f] : {std::pair<std::string, Reducer>{"sum", ops::reduce_sum},
                                {"mean", ops::reduce_mean},
                                {"max", ops::reduce_max},
                                {"min", ops::reduce_min},
                                {"product", ops::reduce_product},
                                {"l1", ops::reduce_l1},
                                {"l2", ops::reduce_l2}}) {
    // Factors near 1, so that a product of all of them is a number.
    const Fill fill = f == ops::reduce_product ? uniform(0.8, 1.2) : distinct();
    const OpInput x = batch_of({2, 3, 4, 5}, fill), whole = fixed({2, 3, 4, 5}, fill);
    cases.push_back({name + "_all", reduced(f, {}), {whole}});
    cases.push_back({name + "_all_kept", reduced(f, {}, true), {whole}});
    cases.push_back({name + "_batch", reduced(f, {0}), {whole}});
    cases.push_back({name + "_channels", reduced(f, {1}), {x}});
    cases.push_back({name + "_last_kept", reduced(f, {3}, true), {x}});
    cases.push_back({name + "_image", reduced(f, {2, 3}), {x}});
    cases.push_back({name + "_image_kept", reduced(f, {2, 3}, true), {x}});
    cases.push_back({name + "_all_but_channels", reduced(f, {0, 2, 3}), {whole}});
    cases.push_back({name + "_scalar", reduced(f, {}), {fixed({}, uniform(0.5, 1))}});
    cases.push_back({name + "_of_one", reduced(f, {1}), {batch_of({3, 1, 2}, off_zero())}});
  }
  return cases;
}

std::vector<op_check::OpCase> cumulative_cases() {
  using namespace op_check;
  const auto along = [](ops::CumulativeSumConfig config) -> BuildFn {
    return [=](const Values& in) { return Values{ops::cumulative_sum(in[0], config)}; };
  };
  const OpInput x = batch_of({3, 4, 5});
  return {
      {"last", along({}), {x}},
      {"channels", along({.axis = 1}), {x}},
      {"batch", along({.axis = 0}), {x}},
      {"exclusive", along({.axis = 1, .exclusive = true}), {x}},
      {"reverse", along({.reverse = true}), {x}},
      {"exclusive_reverse", along({.axis = 1, .exclusive = true, .reverse = true}), {x}},
  };
}

std::vector<op_check::OpCase> broadcast_cases() {
  using namespace op_check;
  const auto to = [](Shape shape, double scale = 1) -> BuildFn {
    return [=](const Values& in) { return Values{ops::broadcast_to(in[0], shape, scale)}; };
  };
  const auto from = [](Shape shape) -> BuildFn {
    return [=](const Values& in) { return Values{ops::sum_to(in[0], shape)}; };
  };
  return {
      {"to_rows", to({2, 3, 4}), {fixed({4})}},
      {"to_columns", to({2, 3, 4}, 0.5), {fixed({3, 1})}},
      {"scalar_to_all", to({2, 3}, -2), {fixed({})}},
      {"scaled_in_place", to({2, 3}, 3), {fixed({2, 3})}},
      {"within_samples", to({any_dim, 3, 4}), {batch_of({2, 1, 4})}},
      {"sum_to_rows", from({4}), {fixed({2, 3, 4})}},
      {"sum_to_columns", from({3, 1}), {fixed({2, 3, 4})}},
      {"sum_to_scalar", from({}), {fixed({2, 3, 4})}},
      {"sum_within_samples", from({any_dim, 1, 4}), {batch_of({2, 3, 4})}},
  };
}

INSTANTIATE_TEST_SUITE_P(Reduce, OpCheck, testing::ValuesIn(cases()), [](const auto& i) { return i.param.name; });
INSTANTIATE_TEST_SUITE_P(CumulativeSum, OpCheck, testing::ValuesIn(cumulative_cases()),
                         [](const auto& i) { return i.param.name; });
INSTANTIATE_TEST_SUITE_P(Broadcast, OpCheck, testing::ValuesIn(broadcast_cases()),
                         [](const auto& i) { return i.param.name; });

}  // namespace
}  // namespace ocellus

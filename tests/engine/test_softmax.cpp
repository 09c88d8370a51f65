#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/softmax.h>

#include <cmath>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

TEST(Softmax, IsTheShareOfTheExponentials) {
  const Value x = real({2, 3}, {0, std::log(2.f), std::log(5.f), 1, 1, 1});
  EXPECT_THAT(numbers(ops::softmax(x)), near({0.125, 0.25, 0.625, 1. / 3, 1. / 3, 1. / 3}));
  EXPECT_THAT(numbers(ops::log_softmax(x)),
              near({std::log(0.125), std::log(0.25), std::log(0.625), -std::log(3.), -std::log(3.), -std::log(3.)}));
}

TEST(Softmax, SurvivesLargeLogits) {
  const Value x = real({1, 3}, {1000, 1000, -1000});
  EXPECT_THAT(numbers(ops::softmax(x)), near({0.5, 0.5, 0}));
  EXPECT_THAT(numbers(ops::log_softmax(x)), near({-std::log(2.), -std::log(2.), -2000 - std::log(2.)}, 1e-3));
}

TEST(Softmax, RunsOverDimensionOneOfImages) {
  // Two classes over two pixels: the classes of a pixel lie two elements apart.
  const Value x = real({1, 2, 2}, {0, 1, std::log(3.f), 1});
  EXPECT_THAT(numbers(ops::softmax(x)), near({0.25, 0.5, 0.75, 0.5}));
}

TEST(Softmax, GradientSumsToNothing) {
  const Value x = real({1, 3}, {0, std::log(2.f), std::log(5.f)}), weights = real({1, 3}, {1, 0, 0});
  // y = (1/8, 2/8, 5/8): dy_0/dx = y_0 (1 - y_0), -y_0 y_1, -y_0 y_2.
  EXPECT_THAT(gradient_of(ops::reduce_sum(ops::mul(ops::softmax(x), weights)), x), near({7. / 64, -2. / 64, -5. / 64}));
  EXPECT_THAT(gradient_of(ops::reduce_sum(ops::mul(ops::log_softmax(x), weights)), x),
              near({7. / 8, -2. / 8, -5. / 8}));
}

TEST(Softmax, NeedsClasses) {
  EXPECT_MESSAGE(ops::softmax(real({3}, {1, 2, 3})), ShapeError, "[softmax] needs classes along dimension 1, got [3]");
  EXPECT_MESSAGE(ops::softmax(ints({1, 2}, {1, 2})), TypeError, "[softmax] takes floating inputs, got i32[1,2]");
  EXPECT_EQ(ops::softmax(open_batch({10})).shape(), (Shape{any_dim, 10}));
}

std::vector<op_check::OpCase> cases() {
  using namespace op_check;
  std::vector<OpCase> cases;
  for (const bool log : {false, true}) {
    const std::string name = log ? "log_softmax" : "softmax";
    const BuildFn build = [=](const Values& in) { return Values{log ? ops::log_softmax(in[0]) : ops::softmax(in[0])}; };
    cases.push_back({name, build, {batch_of({3, 10}, uniform(-3, 3))}});
    cases.push_back({name + "_images", build, {batch_of({2, 5, 3, 4}, uniform(-3, 3))}});
    cases.push_back({name + "_one_class", build, {batch_of({3, 1})}});
    cases.push_back({name + "_many_classes", build, {batch_of({2, 1000}, uniform(-3, 3))}});
    cases.push_back({name + "_far_apart", build, {batch_of({3, 10}, uniform(-80, 80))}});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Softmax, OpCheck, testing::ValuesIn(cases()), [](const auto& i) { return i.param.name; });

}  // namespace
}  // namespace ocellus

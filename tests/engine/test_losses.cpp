#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/softmax.h>

#include <cmath>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

/// Logits whose probabilities are 1/8, 2/8, 5/8 and 1/3 each.
Value logits() { return real({2, 3}, {0, std::log(2.f), std::log(5.f), 1, 1, 1}); }

TEST(SoftmaxCrossEntropy, IsTheMeanSurpriseOfTheClasses) {
  const Values y = ops::softmax_cross_entropy(logits(), ints({2}, {2, 0}));
  EXPECT_THAT(numbers(y[0]), near({(std::log(8. / 5) + std::log(3.)) / 2}));
  EXPECT_THAT(numbers(y[1]), near({0.125, 0.25, 0.625, 1. / 3, 1. / 3, 1. / 3}));
  EXPECT_THAT(numbers(ops::softmax_cross_entropy(logits(), ints({2}, {2, 0}), {.reduction = Reduction::sum})[0]),
              near({std::log(8. / 5) + std::log(3.)}));
}

TEST(SoftmaxCrossEntropy, GradientIsProbabilityMinusTarget) {
  const Value x = logits();
  EXPECT_THAT(gradient_of(ops::softmax_cross_entropy(x, ints({2}, {2, 0}))[0], x),
              near({1. / 16, 1. / 8, -3. / 16, -1. / 3, 1. / 6, 1. / 6}));
  EXPECT_THAT(gradient_of(ops::softmax_cross_entropy(x, ints({2}, {2, 0}), {.reduction = Reduction::sum})[0], x),
              near({1. / 8, 1. / 4, -3. / 8, -2. / 3, 1. / 3, 1. / 3}));
}

TEST(SoftmaxCrossEntropy, TakesDistributions) {
  const Value x = logits(), q = real({2, 3}, {0, 0.5, 0.5, 1, 0, 0});
  const Value loss = ops::softmax_cross_entropy(x, q)[0];
  EXPECT_THAT(numbers(loss), near({(0.5 * std::log(4.) + 0.5 * std::log(8. / 5) + std::log(3.)) / 2}));
  EXPECT_THAT(gradient_of(loss, x), near({1. / 16, -1. / 8, 1. / 16, -1. / 3, 1. / 6, 1. / 6}));
  const std::array wrt = {q};
  EXPECT_FALSE(gradients(loss, wrt)[0]);
}

TEST(SoftmaxCrossEntropy, SmoothingMixesInTheUniformDistribution) {
  const Value x = logits();
  const Value smooth = ops::softmax_cross_entropy(x, ints({2}, {2, 0}), {.smoothing = 0.3})[0];
  const Value mixed = ops::softmax_cross_entropy(x, real({2, 3}, {.1f, .1f, .8f, .8f, .1f, .1f}))[0];
  EXPECT_THAT(numbers(smooth), near(numbers(mixed)));
  EXPECT_THAT(gradient_of(smooth, x), near(gradient_of(mixed, x)));
}

TEST(SoftmaxCrossEntropy, IgnoredPositionsCountNothing) {
  const Value x = logits();
  const Value loss = ops::softmax_cross_entropy(x, ints({2}, {255, 0}), {.smoothing = 0.1, .ignore_index = 255})[0];
  EXPECT_THAT(numbers(loss), near({std::log(3.)}));
  EXPECT_THAT(gradient_of(loss, x), near({0, 0, 0, 1. / 3 - 0.9 - 0.1 / 3, 1. / 3 - 0.1 / 3, 1. / 3 - 0.1 / 3}));
  const Value none = ops::softmax_cross_entropy(x, ints({2}, {-100, -100}))[0];
  EXPECT_THAT(numbers(none), near({0}));
  EXPECT_THAT(gradient_of(none, x), near({0, 0, 0, 0, 0, 0}));
}

TEST(SoftmaxCrossEntropy, ClassifiesEveryPixel) {
  const Value x = real({1, 2, 2}, {0, 0, std::log(3.f), std::log(7.f)});
  const Value loss = ops::softmax_cross_entropy(x, ints({1, 2}, {0, 1}))[0];
  EXPECT_THAT(numbers(loss), near({(std::log(4.) + std::log(8. / 7)) / 2}));
  EXPECT_THAT(gradient_of(loss, x), near({-3. / 8, 1. / 16, 3. / 8, -1. / 16}));
}

TEST(SoftmaxCrossEntropy, StaysFiniteForHopelessLogits) {
  const Value x = real({1, 2}, {-1000, 1000});
  const Value loss = ops::softmax_cross_entropy(x, ints({1}, {0}))[0];
  EXPECT_THAT(numbers(loss), near({2000}, 1e-3));
  EXPECT_THAT(gradient_of(loss, x), near({-1, 1}));
}

TEST(SoftmaxCrossEntropy, ItsProbabilitiesHaveAGradientToo) {
  const Value x = logits(), weights = real({2, 3}, {1, 0, 0, 0, 0, 0});
  const Values y = ops::softmax_cross_entropy(x, ints({2}, {2, 0}));
  const Value both = ops::add(y[0], ops::reduce_sum(ops::mul(y[1], weights)));
  EXPECT_THAT(gradient_of(both, x),
              near({1. / 16 + 7. / 64, 1. / 8 - 2. / 64, -3. / 16 - 5. / 64, -1. / 3, 1. / 6, 1. / 6}));
}

TEST(SoftmaxCrossEntropy, RefusesLabelsThatAreNoClass) {
  const Value bad = ops::softmax_cross_entropy(logits(), ints({2}, {1, 12}))[0];
  EXPECT_MESSAGE(evaluated({bad}), UsageError,
                 "[softmax_cross_entropy] target 12 at position 1 is not a class in [0,3)");
  const Value negative = ops::softmax_cross_entropy(logits(), ints({2}, {-1, 0}))[0];
  EXPECT_MESSAGE(evaluated({negative}), UsageError,
                 "[softmax_cross_entropy] target -1 at position 0 is not a class in [0,3)");
}

TEST(SoftmaxCrossEntropy, RefusesTargetsOfTheWrongShape) {
  EXPECT_MESSAGE(
      ops::softmax_cross_entropy(logits(), ints({3}, {0, 0, 0})), ShapeError,
      "[softmax_cross_entropy] logits f32[2,3] take classes i32[2] or distributions f32[2,3], got targets i32[3]");
  EXPECT_MESSAGE(
      ops::softmax_cross_entropy(logits(), constant(Tensor(DType::u8, {2}))), TypeError,
      "[softmax_cross_entropy] logits f32[2,3] take classes i32[2] or distributions f32[2,3], got targets u8[2]");
  EXPECT_MESSAGE(ops::softmax_cross_entropy(real({2}, {1, 2}), ints({2}, {0, 0})), ShapeError,
                 "[softmax_cross_entropy] logits need classes along dimension 1, got [2]");
  EXPECT_MESSAGE(ops::softmax_cross_entropy(logits(), ints({2}, {0, 0}), {.smoothing = 1.5}), UsageError,
                 "[softmax_cross_entropy] smoothing 1.5 must be in [0,1]");
  const Values y = ops::softmax_cross_entropy(open_batch({10}), open_batch({}, DType::i32));
  EXPECT_EQ(y[0].shape(), Shape{});
  EXPECT_EQ(y[1].shape(), (Shape{any_dim, 10}));
}

TEST(SigmoidCrossEntropy, IsTheSurpriseOfEachLabel) {
  const Value x = real({2, 2}, {0, std::log(3.f), -std::log(3.f), 500}), t = real({2, 2}, {1, 1, 0.5, 0});
  // Probabilities 1/2, 3/4, 1/4, 1.
  const Value sum = ops::sigmoid_cross_entropy(x, t, Reduction::sum);
  EXPECT_THAT(numbers(sum),
              near({std::log(2.) + std::log(4. / 3) + 0.5 * (std::log(4.) + std::log(4. / 3)) + 500}, 1e-4));
  EXPECT_THAT(gradient_of(sum, x), near({-0.5, -0.25, -0.25, 1}));
  EXPECT_THAT(gradient_of(ops::sigmoid_cross_entropy(x, t), x), near({-0.125, -0.0625, -0.0625, 0.25}));
  const std::array wrt = {t};
  EXPECT_FALSE(gradients(sum, wrt)[0]);
}

TEST(SquaredError, IsTheMeanOrSumOfSquares) {
  const Value x = real({2, 2}, {1, 2, 3, 4}), t = real({2, 2}, {0, 2, 5, 4});
  EXPECT_THAT(numbers(ops::squared_error(x, t)), near({5. / 4}));
  EXPECT_THAT(numbers(ops::squared_error(x, t, Reduction::sum)), near({5}));
  EXPECT_THAT(gradient_of(ops::squared_error(x, t), x), near({0.5, 0, -1, 0}));
  EXPECT_THAT(gradient_of(ops::affine(ops::squared_error(x, t, Reduction::sum), 3), x), near({6, 0, -12, 0}));
  const std::array wrt = {t};
  EXPECT_FALSE(gradients(ops::squared_error(x, t), wrt)[0]);
}

TEST(Losses, NeedTargetsOfTheirShape) {
  const Value x = real({2, 2}, {1, 2, 3, 4}), t = real({2, 1}, {0, 2});
  EXPECT_MESSAGE(ops::sigmoid_cross_entropy(x, t), ShapeError,
                 "[sigmoid_cross_entropy] logits [2,2] and target [2,1] must have one shape");
  EXPECT_MESSAGE(ops::squared_error(x, t), ShapeError,
                 "[squared_error] prediction [2,2] and target [2,1] must have one shape");
  EXPECT_EQ(ops::squared_error(open_batch({2}), open_batch({2})).shape(), Shape{});
}

op_check::OpInput labels(Shape shape, op_check::Fill fill) {
  return {.shape = shape, .fill = std::move(fill), .dtype = DType::i32, .batch = true};
}

/// Every third label, the first one too, is `index`; the others are below n.
op_check::Fill with_ignored(int64_t n, int32_t index) {
  return [=](Tensor& t, Rng& rng) {
    op_check::below(n)(t, rng);
    for (size_t i = 0; i < t.as<int32_t>().size(); i += 3) t.as<int32_t>()[i] = index;
  };
}

std::vector<op_check::OpCase> cases() {
  using namespace op_check;
  const auto softmax = [](ops::CrossEntropyConfig config = {}) -> BuildFn {
    return [=](const Values& in) { return ops::softmax_cross_entropy(in[0], in[1], config); };
  };
  const auto loss = [](auto f, Reduction reduction) -> BuildFn {
    return [=](const Values& in) { return Values{f(in[0], in[1], reduction)}; };
  };
  const OpInput x = batch_of({7, 10}, uniform(-3, 3)), classes = labels({7}, below(10));
  const OpInput image = batch_of({2, 4, 3, 5}, uniform(-3, 3)), target = still(batch_of({3, 8}, uniform(0, 1)));
  return {
      {"classes", softmax(), {x, classes}},
      {"classes_sum", softmax({.reduction = Reduction::sum}), {x, classes}},
      {"classes_smoothed", softmax({.smoothing = 0.1}), {x, classes}},
      {"classes_and_probabilities", softmax(), {x, classes}, {0, 1}},
      {"probabilities_alone", softmax(), {x, classes}, {1}},
      {"some_ignored", softmax({.smoothing = 0.1}), {x, labels({7}, with_ignored(10, -100))}},
      {"all_ignored", softmax({.ignore_index = 0}), {x, labels({7}, below(1))}},
      {"pixels", softmax(), {image, labels({2, 3, 5}, below(4))}},
      {"pixels_ignored", softmax({.ignore_index = 255}), {image, labels({2, 3, 5}, with_ignored(4, 255))}},
      {"distributions", softmax(), {x, still(batch_of({7, 10}, distribution()))}},
      {"distributions_smoothed", softmax({.smoothing = 0.2}), {image, still(batch_of({2, 4, 3, 5}, distribution()))}},
      {"any_weights", softmax({.reduction = Reduction::sum}), {x, still(batch_of({7, 10}, uniform(0, 1)))}},
      {"sigmoid", loss(ops::sigmoid_cross_entropy, Reduction::mean), {batch_of({3, 8}, uniform(-4, 4)), target}},
      {"sigmoid_sum", loss(ops::sigmoid_cross_entropy, Reduction::sum), {batch_of({3, 8}, uniform(-40, 40)), target}},
      {"squared", loss(ops::squared_error, Reduction::mean), {batch_of({3, 8}), target}},
      {"squared_sum", loss(ops::squared_error, Reduction::sum), {batch_of({3, 8}), target}},
  };
}

INSTANTIATE_TEST_SUITE_P(Losses, OpCheck, testing::ValuesIn(cases()), [](const auto& i) { return i.param.name; });

}  // namespace
}  // namespace ocellus

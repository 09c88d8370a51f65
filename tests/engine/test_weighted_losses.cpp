#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/losses.h>

#include <cmath>
#include <limits>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;
using testing::ElementsAre;
using Kind = ElementLossKind;

BuildFn element(ElementLossConfig config) {
  return [=](const Values& in) {
    return Values{ops::element_loss(in[0], in[1], config, in.size() > 2 ? in[2] : Value())};
  };
}

BuildFn focal(SoftmaxFocalConfig config) {
  return [=](const Values& in) {
    return Values{ops::softmax_focal(in[0], in[1], config, in.size() > 2 ? in[2] : Value())};
  };
}

BuildFn dice(DiceConfig config) {
  return [=](const Values& in) { return Values{ops::dice(in[0], in[1], config, in.size() > 2 ? in[2] : Value())}; };
}

/// Some weights are 0.
Fill mask(double high) {
  return [=](Tensor& t, Rng& rng) {
    for (float& w : t.as<float>()) w = rng.chance(0.4f) ? 0.0f : rng.uniform(0.5f, static_cast<float>(high));
  };
}

OpInput labels(Shape shape, int64_t n) {
  return {.shape = shape, .fill = below(n), .dtype = DType::i32, .batch = true};
}

/// Every kind with each reduction, plain and with weights. Predictions and targets are such that no small step crosses a
/// kink; distances are positive.
std::vector<OpCase> element_cases() {
  std::vector<OpCase> cases;
  for (size_t k = 0; k < enum_names(Kind()).size(); ++k) {
    const std::string name(enum_names(Kind())[k]);
    ElementLossConfig config{.kind = static_cast<Kind>(k), .threshold = 0.7};
    const bool distance = config.kind == Kind::contrastive;
    const OpInput x = batch_of({3, 4, 5}, distance ? uniform(0, 1.5) : uniform(-3, 3));
    const OpInput t = still(batch_of({3, 4, 5}, uniform(0, 1)));
    cases.push_back({name, element(config), {x, t}});
    cases.push_back({name + "_weighted", element(config), {x, t, still(batch_of({3, 4, 5}, mask(2)))}});
    config.reduction = Reduction::sum;
    cases.push_back({name + "_sum", element(config), {x, t, still(batch_of({3, 1, 5}, mask(1)))}});
    config.reduction = Reduction::none;
    cases.push_back({name + "_terms", element(config), {x, t}});
    cases.push_back({name + "_weighted_terms", element(config), {x, t, still(fixed({4, 1}, mask(2)))}});
  }
  const OpInput logits = batch_of({5, 6}, uniform(-20, 20)), t = still(batch_of({5, 6}, uniform(0, 1)));
  cases.push_back({"focal_unbalanced", element({.kind = Kind::focal, .alpha = -1, .gamma = 0.5}), {logits, t}});
  cases.push_back({"focal_of_power_0", element({.kind = Kind::focal, .gamma = 0}), {logits, t}});
  cases.push_back({"smooth_l1_of_no_width", element({.kind = Kind::smooth_l1, .threshold = 0}), {logits, t}});
  return cases;
}

std::vector<OpCase> focal_cases() {
  const OpInput x = batch_of({7, 5}, uniform(-3, 3)), map = batch_of({2, 4, 3, 2}, uniform(-3, 3));
  return {
      {"plain", focal({}), {x, labels({7}, 5)}},
      {"balanced", focal({.alpha = 0.25, .background = 2}), {x, labels({7}, 5)}},
      {"sum", focal({.gamma = 1, .reduction = Reduction::sum}), {x, labels({7}, 5)}},
      {"terms", focal({.gamma = 0.5, .reduction = Reduction::none}), {x, labels({7}, 5)}},
      {"of_power_0", focal({.gamma = 0}), {x, labels({7}, 5)}},
      {"ignored", focal({.ignore_index = 1}), {x, labels({7}, 5)}},
      {"all_ignored", focal({.ignore_index = 0}), {x, labels({7}, 1)}},
      {"pixels", focal({.alpha = 0.75}), {map, labels({2, 3, 2}, 4)}},
      {"weighted", focal({}), {x, labels({7}, 5), still(batch_of({7}, mask(3)))}},
      {"weighted_and_ignored", focal({.ignore_index = 3}), {x, labels({7}, 5), still(batch_of({7}, mask(3)))}},
      {"pixels_weighted_terms",
       focal({.reduction = Reduction::none}),
       {map, labels({2, 3, 2}, 4), still(fixed({3, 1}, mask(3)))}},
      {"large_logits", focal({}), {batch_of({7, 5}, uniform(-300, 300)), labels({7}, 5)}},
  };
}

std::vector<OpCase> dice_cases() {
  const OpInput p = batch_of({2, 3, 4, 5}, uniform(0, 1)), t = still(batch_of({2, 3, 4, 5}, uniform(0, 1)));
  return {
      {"plain", dice({}), {p, t}},
      {"squared", dice({.squared = true}), {p, t}},
      {"over_batch", dice({.over_batch = true}), {p, t}},
      {"sum", dice({.smooth = 0.1, .reduction = Reduction::sum}), {p, t}},
      {"terms", dice({.reduction = Reduction::none}), {p, t}},
      {"terms_over_batch",
       dice({.over_batch = true, .reduction = Reduction::none}),
       {fixed({2, 3, 7}, uniform(0, 1)), still(fixed({2, 3, 7}, uniform(0, 1)))}},
      {"unsmoothed", dice({.smooth = 0}), {p, t}},
      {"masked", dice({}), {p, t, still(batch_of({2, 1, 4, 5}, mask(1)))}},
      {"masked_over_batch",
       dice({.squared = true, .over_batch = true}),
       {p, t, still(batch_of({2, 3, 4, 5}, mask(2)))}},
      {"vectors",
       dice({.over_batch = true}),
       {batch_of({6, 3}, uniform(0, 1)), still(batch_of({6, 3}, uniform(0, 1)))}},
  };
}

TensorType f32(Shape shape) { return {DType::f32, shape}; }
TensorType i32(Shape shape) { return {DType::i32, shape}; }

std::vector<Refused> refused() {
  const TensorType x = f32({2, 3});
  return {
      {"element_shapes",
       element({}),
       {x, f32({2})},
       "[element_loss] prediction [2,3] and target [2] must have one shape"},
      {"element_integers", element({}), {x, i32({2, 3})}, "[element_loss] takes floating inputs, got i32[2,3]"},
      {"element_weights",
       element({}),
       {x, x, f32({2})},
       "[element_loss] weights can't be broadcast to the terms: dimension 1 of [2] is 2 and of [2,3] is 3"},
      {"element_integer_weights",
       element({}),
       {x, x, i32({2, 3})},
       "[element_loss] weights must be floating-point, got i32[2,3]"},
      {"huber_threshold",
       element({.kind = Kind::huber, .threshold = 0}),
       {x, x},
       "[element_loss] threshold 0 must be above 0"},
      {"smooth_l1_threshold",
       element({.kind = Kind::smooth_l1, .threshold = -1}),
       {x, x},
       "[element_loss] threshold -1 must be at least 0"},
      {"focal_gamma",
       element({.kind = Kind::focal, .gamma = -1}),
       {x, x},
       "[element_loss] alpha 0.25 must be at most 1, and gamma -1 at least 0"},
      {"focal_no_classes",
       focal({}),
       {f32({2}), i32({2})},
       "[softmax_focal] logits need classes along dimension 1, got [2]"},
      {"focal_distribution", focal({}), {x, x}, "[softmax_focal] targets must be i32 classes, got f32[2,3]"},
      {"focal_targets", focal({}), {x, i32({3})}, "[softmax_focal] targets must be [2], got [3]"},
      {"focal_alpha",
       focal({.alpha = 2}),
       {x, i32({2})},
       "[softmax_focal] alpha 2 must be at most 1, and gamma 2 at least 0"},
      {"focal_weights",
       focal({}),
       {x, i32({2}), x},
       "[softmax_focal] weights can't be broadcast to the terms: [2,3] has more dimensions than [2]"},
      {"dice_vector",
       dice({}),
       {f32({2}), f32({2})},
       "[dice] probabilities must be [N,C] and any further dimensions, got [2]"},
      {"dice_shapes", dice({}), {x, f32({2, 4})}, "[dice] probabilities [2,3] and target [2,4] must have one shape"},
      {"dice_smooth", dice({.smooth = -1}), {x, x}, "[dice] smooth -1 must be at least 0"},
      {"scalar_losses",
       [](const Values& in) { return Values{ops::squared_error(in[0], in[0], Reduction::none)}; },
       {x},
       "[squared_error] gives a scalar: its reduction is mean or sum, not none"},
  };
}

OP_CHECK(ElementLoss, element_cases(), refused());
INSTANTIATE_TEST_SUITE_P(SoftmaxFocal, OpCheck, testing::ValuesIn(focal_cases()),
                         [](const auto& i) { return i.param.name; });
INSTANTIATE_TEST_SUITE_P(Dice, OpCheck, testing::ValuesIn(dice_cases()), [](const auto& i) { return i.param.name; });

std::vector<double> terms(const ElementLossConfig& config, const Value& x, const Value& t) {
  ElementLossConfig each = config;
  each.reduction = Reduction::none;
  return numbers(ops::element_loss(x, t, each));
}

TEST(ElementLoss, IsWhatItsNameSays) {
  const Value x = real({4}, {0.5f, -1, 3, -6}), zero = real({4}, {0, 0, 0, 0}), one = real({4}, {1, 1, 1, 1});
  EXPECT_THAT(terms({.kind = Kind::squared_error}, x, one), near({0.25, 4, 4, 49}));
  EXPECT_THAT(terms({.kind = Kind::absolute_error}, x, one), near({0.5, 2, 2, 7}));
  EXPECT_THAT(terms({.kind = Kind::smooth_l1, .threshold = 2}, x, zero), near({0.0625, 0.25, 2, 5}));
  EXPECT_THAT(terms({.kind = Kind::huber, .threshold = 2}, x, zero), near({0.125, 0.5, 4, 10}));
  EXPECT_THAT(terms({.kind = Kind::log_likelihood}, x, one), near({-0.5, 1, -3, 6}));
  const Value d = real({3}, {0.5f, 2, 0.5f}), same = real({3}, {1, 0, 0});
  EXPECT_THAT(terms({.kind = Kind::contrastive, .threshold = 1}, d, same), near({0.25, 0, 0.25}));
}

// Probabilities 3/4 and 1/4 of a one.
TEST(ElementLoss, FocalWeighsWhatIsHard) {
  const Value x = real({4}, {std::log(3.f), -std::log(3.f), std::log(3.f), -std::log(3.f)}),
              t = real({4}, {1, 1, 0, 0});
  const double easy = std::log(4. / 3) / 16, hard = std::log(4.) * 9 / 16;
  EXPECT_THAT(terms({.kind = Kind::focal, .alpha = -1}, x, t), near({easy, hard, hard, easy}));
  EXPECT_THAT(terms({.kind = Kind::focal}, x, t), near({easy / 4, hard / 4, hard * 3 / 4, easy * 3 / 4}));
}

TEST(ElementLoss, StaysFiniteWhereTheSigmoidSaturates) {
  const Value x = real({4}, {500, -500, 500, -500}), t = real({4}, {1, 1, 0, 0});
  for (const double gamma : {0.0, 0.5, 2.0}) {
    const ElementLossConfig config{.kind = Kind::focal, .alpha = -1, .gamma = gamma, .reduction = Reduction::sum};
    EXPECT_THAT(numbers(ops::element_loss(x, t, config)), near({1000}));
    EXPECT_THAT(gradient_of(ops::element_loss(x, t, config), x), near({0, -1, 1, 0}));
  }
}

TEST(ElementLoss, AMeanIsOverTheWeights) {
  const Value x = real({2, 2}, {1, 2, 3, 4}), t = real({2, 2}, {0, 0, 0, 0});
  const Value rows = real({2, 1}, {3, 1}), nothing = real({}, {0});
  const Value mean = ops::element_loss(x, t, {}, rows);
  EXPECT_THAT(numbers(mean), near({(3 * (1 + 4) + 9 + 16) / 8.0}));
  EXPECT_THAT(gradient_of(mean, x), near({6 / 8.0, 12 / 8.0, 6 / 8.0, 8 / 8.0}));
  EXPECT_THAT(numbers(ops::element_loss(x, t, {.reduction = Reduction::sum}, rows)), near({40}));
  EXPECT_THAT(numbers(ops::element_loss(x, t, {.reduction = Reduction::none}, rows)), near({3, 12, 9, 16}));
  EXPECT_THAT(numbers(ops::element_loss(x, t, {}, nothing)), near({0}));
  EXPECT_THAT(gradient_of(ops::element_loss(x, t, {}, nothing), x), near({0, 0, 0, 0}));
  const std::array wrt = {t, rows};
  for (const Value& none : gradients(mean, wrt)) EXPECT_FALSE(none);
}

TEST(ElementLoss, WhatWeighsNothingMayBeAnything) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Value x = real({3}, {1, nan, 3}), t = real({3}, {0, 0, nan}), mask = real({3}, {1, 0, 0});
  EXPECT_THAT(numbers(ops::element_loss(x, t, {}, mask)), near({1}));
  EXPECT_THAT(gradient_of(ops::element_loss(x, t, {}, mask), x), near({2, 0, 0}));
}

TEST(SoftmaxFocal, WeighsWhatIsHard) {
  // Probabilities 1/8, 2/8, 5/8.
  const Value x = real({2, 3}, {0, std::log(2.f), std::log(5.f), 0, std::log(2.f), std::log(5.f)});
  const Value classes = ints({2}, {2, 0});
  const double easy = std::log(8. / 5) * 9 / 64, hard = std::log(8.) * 49 / 64;
  EXPECT_THAT(numbers(ops::softmax_focal(x, classes)), near({(easy + hard) / 2}));
  EXPECT_THAT(numbers(ops::softmax_focal(x, classes, {.alpha = 0.25, .reduction = Reduction::none})),
              near({easy / 4, hard * 3 / 4}));
  EXPECT_THAT(numbers(ops::softmax_focal(x, classes, {}, real({2}, {1, 3}))), near({(easy + 3 * hard) / 4}));
  EXPECT_THAT(numbers(ops::softmax_focal(x, ints({2}, {2, 7}), {.ignore_index = 7})), near({easy}));
  EXPECT_MESSAGE(numbers(ops::softmax_focal(x, ints({2}, {2, 3}))), UsageError,
                 "[softmax_focal] target 3 at position 1 is not a class in [0,3)");
}

TEST(SoftmaxFocal, OfPowerZeroIsCrossEntropy) {
  const Value x = real({2, 3}, {1, -2, 0.5f, 300, 2, 0}), classes = ints({2}, {2, 1});
  const Value focal = ops::softmax_focal(x, classes, {.gamma = 0}), plain = ops::softmax_cross_entropy(x, classes)[0];
  EXPECT_THAT(numbers(focal), near(numbers(plain), 1e-4));
  EXPECT_THAT(gradient_of(focal, x), near(gradient_of(plain, x)));
}

// Class 0: p t = 1, sums 1.5 and 1; class 1: nothing there, and nothing found.
TEST(Dice, MeasuresTheOverlap) {
  const Value p = real({1, 2, 2}, {1, 0.5f, 0, 0}), t = real({1, 2, 2}, {1, 0, 0, 0});
  const double first = 1 - 3 / 3.5;
  EXPECT_THAT(numbers(ops::dice(p, t)), near({first / 2}));
  EXPECT_THAT(numbers(ops::dice(p, t, {.reduction = Reduction::sum})), near({first}));
  EXPECT_THAT(numbers(ops::dice(p, t, {.smooth = 0, .reduction = Reduction::none})), near({1 - 2 / 2.5, 0}));
  EXPECT_THAT(gradient_of(ops::dice(p, t, {.smooth = 0}), p), near({(2 - 5) / 6.25 / 2, 2 / 6.25 / 2, 0, 0}));
  EXPECT_THAT(numbers(ops::dice(p, t, {.squared = true, .reduction = Reduction::none})), near({1 - 3 / 3.25, 0}));
  EXPECT_THAT(numbers(ops::dice(p, t, {.reduction = Reduction::none}, real({2}, {1, 0}))), near({0, 0}));
}

TEST(Dice, MaySumOverTheBatch) {
  const Value p = real({2, 1, 1}, {1, 0}), t = real({2, 1, 1}, {0, 0});
  EXPECT_THAT(numbers(ops::dice(p, t, {.reduction = Reduction::none})), near({0.5, 0}));
  EXPECT_THAT(numbers(ops::dice(p, t, {.over_batch = true, .reduction = Reduction::none})), near({0.5}));
  EXPECT_EQ(ops::dice(open_batch({3, 4}), open_batch({3, 4}), {.reduction = Reduction::none}).shape(),
            (Shape{any_dim, 3}));
}

}  // namespace
}  // namespace ocellus

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include <ocellus/base/rng.h>
#include <ocellus/engine/reference.h>
#include <ocellus/nn/loss.h>

namespace ocellus {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::StrEq;
using testing::ThrowsMessage;

struct Result {
  double loss;
  std::vector<float> gradient, parts;
};

/// A loss with its gradient and its parts, if it has any.
Result result_of(const Loss& loss, const Tensor& prediction, const Tensor& target) {
  const Value p = input("p", {prediction.dtype(), prediction.shape()});
  const TensorType wanted = loss->target(p.type(), target.dtype());
  const Value t = input("t", wanted);
  const LossValues values = loss->build(p, t);
  Graph graph;
  graph.inputs = {p, t};
  graph.outputs = {values.loss, gradients(values.loss, std::vector<Value>{p})[0]};
  if (values.parts) graph.outputs.push_back(values.parts);
  const std::vector<Tensor> results = evaluate(graph, std::vector{prediction, target});
  const auto all = [](const Tensor& x) { return std::vector<float>(x.as<float>().begin(), x.as<float>().end()); };
  return {results[0].at(0), all(results[1]), values.parts ? all(results[2]) : std::vector<float>()};
}

Tensor row(const std::vector<float>& values) {
  return Tensor::of<float>({1, static_cast<int64_t>(values.size())}, values);
}

TEST(WeightedLoss, WeighsElementsByTheSecondHalfOfTheTarget) {
  const Tensor x = row({1, 2, 5}), t = row({0, 0, std::nanf(""), 3, 1, 0});
  const Result r = result_of(loss::smooth_l1({.weighted = true}), x, t);
  EXPECT_NEAR(r.loss, (3 * 0.5 + 1.5) / 4, 1e-6);
  EXPECT_THAT(r.gradient, ElementsAre(0.75f, 0.25f, 0));
  EXPECT_NEAR(result_of(loss::absolute_error({.reduction = Reduction::sum, .weighted = true}), x, t).loss, 5, 1e-6);
  EXPECT_EQ(loss::huber({.weighted = true})->target({DType::f32, {any_dim, 4, 8, 8}}, DType::f32),
            (TensorType{DType::f32, {any_dim, 8, 8, 8}}));
  EXPECT_THAT(
      [] {
        loss::huber({.weighted = true})->target({DType::f32, {any_dim}}, DType::f32);
      },
      ThrowsMessage<ShapeError>(StrEq("a weighted loss needs a prediction [N,C,...], got f32[N]")));
}

TEST(WeightedLoss, HasItsOwnSettings) {
  const Tensor x = row({1, 3}), zero = row({0, 0}), same = row({1, 0});
  EXPECT_NEAR(result_of(loss::smooth_l1({.beta = 2}), x, zero).loss, (0.25 + 2) / 2, 1e-6);
  EXPECT_NEAR(result_of(loss::huber({.delta = 2, .reduction = Reduction::sum}), x, zero).loss, 0.5 + 4, 1e-6);
  EXPECT_NEAR(result_of(loss::absolute_error(), x, zero).loss, 2, 1e-6);
  EXPECT_NEAR(result_of(loss::contrastive({.margin = 5}), x, same).loss, (1 + 4) / 2.0, 1e-6);
  const double hard = std::log1p(std::exp(3.0));  // the surprise of a zero at logit 3
  const double p = 1 / (1 + std::exp(-3.0));
  EXPECT_NEAR(result_of(loss::focal({.alpha = -1, .gamma = 1}), row({3}), row({0})).loss, hard * p, 1e-6);
  EXPECT_NEAR(result_of(loss::focal({.alpha = 0.1, .gamma = 0}), row({3}), row({0})).loss, hard * 0.9, 1e-6);
}

TEST(ClassLosses, TakeClasses) {
  const Tensor x = Tensor::of<float>({2, 3}, {0, 0, 0, 0, 0, 0}), classes = Tensor::of<int32_t>({2}, {0, 2});
  EXPECT_NEAR(result_of(loss::softmax_focal(), x, classes).loss, std::log(3.0) * 4 / 9, 1e-6);
  EXPECT_NEAR(result_of(loss::softmax_focal({.alpha = 0.25}), x, classes).loss, std::log(3.0) * 4 / 9 / 2, 1e-6);
  EXPECT_THROW(loss::softmax_focal()->target({DType::f32, {any_dim, 3}}, DType::f32), TypeError);
}

// Two pixels of classes 1 and 0; probabilities of class 1 are 3/4 and 1/2.
TEST(ClassLosses, DiceSpreadsClasses) {
  const float a = std::log(3.f);
  const Tensor two = Tensor::of<float>({1, 2, 2}, {0, 0, a, 0}), one = Tensor::of<float>({1, 1, 2}, {a, 0});
  const Tensor classes = Tensor::of<int32_t>({1, 2}, {1, 0}), mask = Tensor::of<float>({1, 1, 2}, {1, 0});
  const double of_0 = 1 - (2 * 0.5 + 1) / (0.75 + 1 + 1), of_1 = 1 - (2 * 0.75 + 1) / (1.25 + 1 + 1);
  EXPECT_NEAR(result_of(loss::dice({.activation = loss::DiceActivation::softmax}), two, classes).loss,
              (of_0 + of_1) / 2, 1e-6);
  EXPECT_NEAR(result_of(loss::dice(), one, classes).loss, of_1, 1e-6);
  EXPECT_NEAR(result_of(loss::dice(), one, mask).loss, of_1, 1e-6);
  const Tensor probabilities = Tensor::of<float>({1, 1, 2}, {0.75f, 0.5f});
  EXPECT_NEAR(result_of(loss::dice({.activation = loss::DiceActivation::none}), probabilities, mask).loss, of_1, 1e-6);
}

TEST(ClassLosses, DiceLeavesOutWhatIsMasked) {
  const float a = std::log(3.f);
  const Tensor one = Tensor::of<float>({1, 1, 3}, {a, 0, 7}), classes = Tensor::of<int32_t>({1, 3}, {1, 0, 255});
  const Result r = result_of(loss::dice({.ignore_index = 255}), one, classes);
  EXPECT_NEAR(r.loss, 1 - (2 * 0.75 + 1) / (1.25 + 1 + 1), 1e-6);
  EXPECT_EQ(r.gradient[2], 0);
  const Tensor masked = Tensor::of<float>({1, 2, 3}, {1, 0, 1, 1, 1, 0});
  EXPECT_NEAR(result_of(loss::dice({.weighted = true}), one, masked).loss, r.loss, 1e-6);
  EXPECT_THROW(loss::dice({.weighted = true})->target({DType::f32, {any_dim, 1, 3}}, DType::i32), TypeError);
}

/// An object: whether it is there, where it is, and which of two classes it has.
Loss object_loss(bool weighted) {
  return loss::multi_part(
      {.parts = {{.name = "there", .element = {.kind = ElementLossKind::sigmoid_cross_entropy}},
                 {.name = "box", .channels = 2, .element = {.kind = ElementLossKind::smooth_l1}, .weight = 5},
                 {.name = "class", .channels = 2, .element = {.kind = ElementLossKind::log_likelihood}}},
       .weighted = weighted});
}

TEST(MultiPart, AddsUpWhatItsPartsSay) {
  const Tensor x = Tensor::of<float>({2, 5}, {0, 3, 1, 0, std::log(3.f), 0, 9, 9, 5, 5});
  const Tensor plain = Tensor::of<float>({2, 5}, {1, 1, 1, 0, 1, 0, 9, 9, 1, 0});
  const double there = std::log(2.0), box = 5 * 1.5 / 4, classes = (std::log(4.0 / 3) + std::log(2.0)) / 2;
  const Result all = result_of(object_loss(false), x, plain);
  EXPECT_THAT(all.parts, ElementsAre(FloatNear(there, 1e-6), FloatNear(box, 1e-6), FloatNear(classes, 1e-6)));
  EXPECT_NEAR(all.loss, there + box + classes, 1e-5);
}

// The second object is not there, so that its box and class are not known.
TEST(MultiPart, MasksWhatIsNotKnown) {
  const float unknown = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = Tensor::of<float>({2, 5}, {0, 3, 1, 0, std::log(3.f), 0, 9, 9, 5, 5});
  const Tensor target = Tensor::of<float>({2, 10}, {1, 1,       1,       0,       1,       1, 1, 1, 1, 1,  //
                                                    0, unknown, unknown, unknown, unknown, 1, 0, 0, 0, 0});
  const Result r = result_of(object_loss(true), x, target);
  EXPECT_THAT(r.parts, ElementsAre(FloatNear(std::log(2.f), 1e-6), FloatNear(5 * 1.5 / 2, 1e-6),
                                   FloatNear(std::log(4.f / 3), 1e-6)));
  EXPECT_THAT(r.gradient, ElementsAre(FloatNear(-0.25f, 1e-6), FloatNear(2.5f, 1e-6), 0, FloatNear(0.25f, 1e-6),
                                      FloatNear(-0.25f, 1e-6), FloatNear(0.25f, 1e-6), 0, 0, 0, 0));
}

TEST(MultiPart, RefusesWhatDoesNotFit) {
  EXPECT_THAT(
      [] {
        object_loss(true)->target({DType::f32, {any_dim, 6}}, DType::f32);
      },
      ThrowsMessage<ShapeError>(StrEq("multi_part has parts for a prediction [N,5,...], got f32[N,6]")));
  EXPECT_THAT([] { loss::multi_part({}); }, ThrowsMessage<UsageError>(StrEq("loss multi_part: needs a part")));
  EXPECT_THAT(
      [] {
        loss::multi_part({.parts = {{.name = "a"}, {.name = "a"}}});
      },
      ThrowsMessage<UsageError>(StrEq("loss multi_part: parts need names of their own, got \"a\"")));
  EXPECT_THAT([] { loss::multi_part({.parts = {{.name = "a", .channels = 0}}}); },
              ThrowsMessage<UsageError>(StrEq("loss multi_part: part a must have a channel or more, got 0")));
}

/// Embeddings on a line: 0 and 1 of label 7, then 0.5, 1.5 and 4 of others.
struct OnALine {
  Tensor x = Tensor::of<float>({5, 1}, {0, 1, 0.5f, 1.5f, 4});
  Tensor labels = Tensor::of<int32_t>({5}, {7, 7, 1, 2, 3});
};

// Anchor 0 with positive 1 (squared distance 1): negatives at 0.25, 2.25 and 16. Anchor 1 with positive 0: 0.25, 0.25, 9.
TEST(Triplet, MinesWhatItsNameSays) {
  const OnALine line;
  const auto loss = [&](loss::TripletConfig config) { return result_of(loss::triplet(config), line.x, line.labels); };
  // Beyond the positive the nearest are 2.25 and 9.
  const Result semi = loss({.margin = 2});
  EXPECT_THAT(semi.parts, ElementsAre(FloatNear((2 + 1 - 2.25) / 2, 1e-6), 1));
  EXPECT_NEAR(semi.loss, 0.375, 1e-6);  // the count of triplets is no part of it
  const Result hard = loss({.margin = 2, .mining = loss::TripletMining::batch_hard});
  EXPECT_THAT(hard.parts, ElementsAre(FloatNear(2.75, 1e-6), 2));
  const Result all = loss({.margin = 2, .mining = loss::TripletMining::batch_all});
  EXPECT_THAT(all.parts, ElementsAre(FloatNear((2.75 + 0.75 + 2.75 + 2.75) / 6, 1e-6), 4));
  const Result active = loss({.margin = 2, .mining = loss::TripletMining::batch_all, .over_active = true});
  EXPECT_THAT(active.parts, ElementsAre(FloatNear(9.0 / 4, 1e-6), 4));
  const Result sum = loss({.margin = 2, .mining = loss::TripletMining::batch_all, .reduction = Reduction::sum});
  EXPECT_THAT(sum.parts, ElementsAre(FloatNear(9, 1e-6), 4));
  const Result plain = loss({.margin = 0.75, .mining = loss::TripletMining::batch_hard, .distance = DistanceKind::l2});
  EXPECT_THAT(plain.parts, ElementsAre(FloatNear(1.25, 1e-6), 2));
}

TEST(Triplet, SemiHardTakesTheFarthestWhereNoneIsBeyondThePositive) {
  const Tensor x = Tensor::of<float>({4, 1}, {0, 10, 1, 2}), labels = Tensor::of<int32_t>({4}, {1, 1, 2, 3});
  // From 0 the negatives are at 1 and 4, the positive at 100; from 10 at 81 and 64.
  EXPECT_THAT(result_of(loss::triplet({.margin = 1}), x, labels).parts,
              ElementsAre(FloatNear((1 + 100 - 4 + 1 + 100 - 81) / 2.0, 1e-4), 2));
}

TEST(Triplet, HasNothingToSayOfOneLabelOrOfStrangers) {
  const Tensor x = Tensor::of<float>({3, 1}, {0, 1, 2});
  for (const auto& labels : {std::vector<int32_t>{1, 1, 1}, {1, 2, 3}})
    for (const auto mining :
         {loss::TripletMining::semi_hard, loss::TripletMining::batch_hard, loss::TripletMining::batch_all}) {
      const Result r = result_of(loss::triplet({.mining = mining}), x, Tensor::of<int32_t>({3}, labels));
      EXPECT_EQ(r.loss, 0);
      EXPECT_THAT(r.gradient, ElementsAre(0, 0, 0));
    }
}

// Central differences; squared distances are quadratic, so a large step is exact as long as the same triplets are mined.
TEST(Triplet, GradientAgreesWithDifferences) {
  Rng rng(3, 1);
  Tensor x(DType::f32, {12, 4});
  for (float& v : x.as<float>()) v = rng.uniform(-1, 1);
  Tensor labels(DType::i32, {12});
  for (int i = 0; i < 12; ++i) labels.as<int32_t>()[static_cast<size_t>(i)] = i % 4;
  for (const auto mining :
       {loss::TripletMining::semi_hard, loss::TripletMining::batch_hard, loss::TripletMining::batch_all})
    for (const auto distance : {DistanceKind::squared_l2, DistanceKind::l2}) {
      const Loss loss = loss::triplet({.margin = 0.5, .mining = mining, .distance = distance});
      const Result at = result_of(loss, x, labels);
      ASSERT_GT(at.parts[1], 0);
      for (size_t i = 0; i < at.gradient.size(); ++i) {
        const float step = 1e-3f, before = x.as<float>()[i];
        x.as<float>()[i] = before + step;
        const double above = result_of(loss, x, labels).loss;
        x.as<float>()[i] = before - step;
        const double below = result_of(loss, x, labels).loss;
        x.as<float>()[i] = before;
        EXPECT_NEAR(at.gradient[i], (above - below) / (2 * step), 1e-3) << "element " << i;
      }
    }
}

TEST(Triplet, EqualEmbeddingsGiveAFiniteGradient) {
  const Tensor x = Tensor::of<float>({3, 2}, {1, 1, 1, 1, 1, 1}), labels = Tensor::of<int32_t>({3}, {1, 1, 2});
  const Result r = result_of(loss::triplet({.distance = DistanceKind::l2}), x, labels);
  EXPECT_NEAR(r.loss, 0.2, 1e-6);
  EXPECT_THAT(r.gradient, ElementsAre(0, 0, 0, 0, 0, 0));
}

TEST(Triplet, RefusesWhatItCantUse) {
  EXPECT_THROW(loss::triplet({.margin = 0}), UsageError);
  EXPECT_THROW(loss::triplet({.distance = DistanceKind::cosine}), UsageError);
  EXPECT_THROW(loss::triplet()->target({DType::f32, {any_dim, 4}}, DType::f32), TypeError);
  EXPECT_THROW(loss::triplet()->target({DType::f32, {any_dim, 4, 2}}, DType::i32), ShapeError);
}

TEST(Loss, OfTheLibraryIsMadeAgainFromItsSettings) {
  const std::vector<Loss> losses = {
      loss::absolute_error({.weighted = true}),
      loss::smooth_l1({.beta = 0.11, .reduction = Reduction::sum}),
      loss::huber({.delta = 3}),
      loss::focal({.alpha = 0.4, .gamma = 3}),
      loss::softmax_focal({.alpha = 0.3, .gamma = 1, .background = 4, .ignore_index = 255}),
      loss::dice({.activation = loss::DiceActivation::softmax,
                  .smooth = 0.5,
                  .squared = true,
                  .over_batch = true,
                  .ignore_index = 255}),
      loss::contrastive({.margin = 2, .weighted = true}),
      loss::triplet({.margin = 0.3, .mining = loss::TripletMining::batch_all, .over_active = true}),
      object_loss(true)};
  for (const Loss& loss : losses) {
    const Loss again = loss::make(loss->name, loss->settings);
    EXPECT_EQ(again->name, loss->name);
    EXPECT_EQ(again->settings, loss->settings) << loss->name;
    EXPECT_EQ(again->parts, loss->parts) << loss->name;
  }
}

TEST(Loss, ThatTrainsIsAScalar) {
  EXPECT_THAT([] { loss::huber({.reduction = Reduction::none}); },
              ThrowsMessage<UsageError>(
                  StrEq("loss huber: what training lowers is a scalar: its reduction is mean or sum, not none")));
  EXPECT_THAT(
      [] {
        loss::make("triplet", {{"mining", 3}});
      },
      ThrowsMessage<UsageError>(StrEq("loss triplet: its setting mining can't be 3")));
}

TEST(Loss, OfOnesOwnCantHaveANameOfTheLibrary) {
  HostLossConfig config;
  config.name = "huber";
  config.fn = [](const Tensor&, std::span<const Tensor>, Tensor&) { return std::vector<LossPart>{{"loss", 0}}; };
  EXPECT_THAT([&] { loss::custom({.loss = config}); },
              ThrowsMessage<UsageError>(StrEq("a custom loss can't be called \"huber\": a saved model would be loaded "
                                              "with the library's loss of that name")));
}

}  // namespace
}  // namespace ocellus

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include <ocellus/base/error.h>
#include <ocellus/train/metric.h>

namespace ocellus::metric {
namespace {

using testing::HasSubstr;

const std::vector<float> scores = {0.1f, 0.7f, 0.2f,   // 1
                                   0.5f, 0.3f, 0.4f,   // 0, then 2
                                   0.2f, 0.2f, 0.1f,   // 0 before 1: equal
                                   -5.f, -3.f, -4.f};  // 1, then 2
Tensor predictions() { return Tensor::of<float>({4, 3}, scores); }
Tensor labels(const std::vector<int32_t>& values) {
  return Tensor::of<int32_t>({static_cast<int64_t>(values.size())}, values);
}

TEST(Metric, AccuracyCountsTheLargest) {
  const auto metric = accuracy();
  EXPECT_EQ(metric->name(), "accuracy");
  EXPECT_TRUE(std::isnan(metric->value()));
  metric->update(predictions(), labels({1, 2, 0, 1}));
  EXPECT_DOUBLE_EQ(metric->value(), 0.75);
  metric->update(predictions(), labels({0, 0, 1, 0}));
  EXPECT_DOUBLE_EQ(metric->value(), 0.5);
  metric->reset();
  EXPECT_TRUE(std::isnan(metric->value()));
}

TEST(Metric, TopKLooksFurther) {
  const auto metric = top_k(2);
  EXPECT_EQ(metric->name(), "top_2");
  metric->update(predictions(), labels({2, 2, 1, 0}));
  EXPECT_DOUBLE_EQ(metric->value(), 0.75);
  const auto all = top_k(5);
  all->update(predictions(), labels({2, 1, 2, 0}));
  EXPECT_DOUBLE_EQ(all->value(), 1);
  EXPECT_THROW(top_k(0), UsageError);
}

TEST(Metric, WeightsAndIgnoredLabels) {
  const auto metric = accuracy();
  metric->update(predictions(), labels({1, 2, 0, -100}), Tensor::of<float>({4}, {3, 1, 0, 1}));
  EXPECT_DOUBLE_EQ(metric->value(), 0.75);
  const auto other = accuracy({.ignore_index = 255});
  other->update(predictions(), labels({1, 2, 255, 255}));
  EXPECT_DOUBLE_EQ(other->value(), 0.5);
}

TEST(Metric, SoftTargetsAndColumnsOfLabels) {
  const auto metric = accuracy();
  metric->update(predictions(), Tensor::of<float>({4, 3}, {0.1f, 0.8f, 0.1f, 0.9f, 0, 0.1f, 0, 1, 0, 0, 0.6f, 0.4f}));
  EXPECT_DOUBLE_EQ(metric->value(), 0.75);
  metric->reset();
  metric->update(predictions(), labels({1, 2, 0, 1}).reshape({4, 1}));
  EXPECT_DOUBLE_EQ(metric->value(), 0.75);
}

TEST(Metric, ANanIsNeverRight) {
  const auto metric = accuracy();
  metric->update(Tensor::of<float>({3, 2}, {NAN, 0, NAN, 0, NAN, NAN}), labels({0, 1, 0}));
  EXPECT_DOUBLE_EQ(metric->value(), 1.0 / 3);
}

TEST(Metric, ACloneCountsOnItsOwn) {
  const auto metric = accuracy();
  metric->update(predictions(), labels({1, 0, 0, 1}));
  const auto copy = metric->clone();
  copy->update(predictions(), labels({0, 1, 1, 0}));
  EXPECT_DOUBLE_EQ(metric->value(), 1);
  EXPECT_DOUBLE_EQ(copy->value(), 0.5);
}

template <class E, class F>
std::string message(F&& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing of the kind was thrown";
}

TEST(Metric, TensorsThatDoNotFitAreRefused) {
  const auto m = accuracy();
  const auto update = [&](Tensor p, Tensor t, Tensor w = {}) { return [=] { m->update(p, t, w); }; };
  EXPECT_THAT(message<ShapeError>(update(Tensor(DType::f32, {4}), labels({1}))),
              HasSubstr("[accuracy] predictions must be [N,K], got [4]"));
  EXPECT_THAT(message<ShapeError>(update(predictions(), labels({1, 2}))),
              HasSubstr("predictions [4,3] and i32 targets [2] don't fit"));
  EXPECT_THAT(message<ShapeError>(update(predictions(), labels({1, 2, 0, 1}), Tensor(DType::f32, {3}))),
              HasSubstr("4 samples, but weights [3]"));
  EXPECT_THAT(message<UsageError>(update(predictions(), labels({1, 3, 0, 1}))),
              HasSubstr("accuracy: label 3 of sample 1 is none of the 3 classes"));
  EXPECT_THROW(m->update(predictions().to(DType::f64), labels({1, 2, 0, 1})), TypeError);
  EXPECT_THROW(m->update(predictions(), labels({1, 2, 0, 1}).to(DType::i64)), TypeError);
}

TEST(Mean, IsWeighted) {
  Mean mean;
  EXPECT_TRUE(std::isnan(mean.value()));
  mean.add(2, 64);
  mean.add(4, 32);
  mean.add(NAN, 0);
  EXPECT_DOUBLE_EQ(mean.value(), 256.0 / 96);
  mean.reset();
  EXPECT_TRUE(std::isnan(mean.value()));
}

/// Cats: 5 right, 3 taken for dogs; dogs: 2 taken for cats, 3 right, 1 for a rabbit; rabbits: 2 for dogs, 11 right.
ConfusionMatrix animals() {
  ConfusionMatrix m(3, {"cat", "dog", "rabbit"});
  const int counts[3][3] = {{5, 3, 0}, {2, 3, 1}, {0, 2, 11}};
  for (int a = 0; a < 3; ++a)
    for (int p = 0; p < 3; ++p) m.add(a, p, counts[a][p]);
  return m;
}

TEST(ConfusionMatrix, FiguresWorkedOutByHand) {
  const ConfusionMatrix m = animals();
  EXPECT_DOUBLE_EQ(m.accuracy(), 19.0 / 27);
  EXPECT_DOUBLE_EQ(m.precision(0), 5.0 / 7);
  EXPECT_DOUBLE_EQ(m.recall(0), 5.0 / 8);
  EXPECT_DOUBLE_EQ(m.f1(0), 2.0 / 3);
  EXPECT_DOUBLE_EQ(m.support(2), 13);
  EXPECT_DOUBLE_EQ(m.macro_precision(), (5.0 / 7 + 3.0 / 8 + 11.0 / 12) / 3);
  EXPECT_DOUBLE_EQ(m.macro_recall(), (5.0 / 8 + 3.0 / 6 + 11.0 / 13) / 3);
  EXPECT_DOUBLE_EQ(m.macro_f1(), (2.0 / 3 + 6.0 / 14 + 22.0 / 25) / 3);
}

TEST(ConfusionMatrix, FillsFromBatches) {
  ConfusionMatrix m(3);
  m.update(predictions(), labels({1, 2, 0, -100}));
  EXPECT_EQ(m.count(1, 1), 1);
  EXPECT_EQ(m.count(2, 0), 1);
  EXPECT_EQ(m.count(0, 0), 1);
  EXPECT_EQ(m.support(0) + m.support(1) + m.support(2), 3);
  const auto f1 = macro_f1();
  f1->update(predictions(), labels({1, 2, 0, -100}));
  EXPECT_DOUBLE_EQ(f1->value(), m.macro_f1());
  m.reset();
  EXPECT_TRUE(std::isnan(m.accuracy()));
  EXPECT_THROW(m.update(Tensor(DType::f32, {2, 4}), labels({0, 0})), ShapeError);
  EXPECT_THROW(m.add(0, 3), UsageError);
  EXPECT_THROW(ConfusionMatrix(2, {"a"}), UsageError);
}

TEST(ConfusionMatrix, ClassesThatDoNotOccurLeaveTheMeansAlone) {
  ConfusionMatrix m(4);
  m.add(0, 0, 2);
  m.add(1, 1, 2);
  EXPECT_DOUBLE_EQ(m.macro_f1(), 1);
  EXPECT_DOUBLE_EQ(m.precision(3), 0);
  EXPECT_DOUBLE_EQ(m.recall(3), 0);
}

TEST(ConfusionMatrix, PrintsATable) {
  EXPECT_EQ(animals().to_string(),
            "class      precision    recall        f1   support\n"
            "cat           0.7143    0.6250    0.6667         8\n"
            "dog           0.3750    0.5000    0.4286         6\n"
            "rabbit        0.9167    0.8462    0.8800        13\n"
            "mean          0.6687    0.6571    0.6584        27\n"
            "accuracy      0.7037\n");
}

struct ConfigLike {
  std::vector<Handle<Metric>> metrics;
};

TEST(Metric, StandsInAListInAConfigStruct) {
  const ConfigLike config{.metrics = {accuracy(), top_k(5)}};
  EXPECT_EQ(config.metrics[1]->name(), "top_5");
}

}  // namespace
}  // namespace ocellus::metric

#include <gtest/gtest.h>

#include <cmath>

#include <ocellus/engine/reference.h>
#include <ocellus/nn/loss.h>

namespace ocellus {
namespace {

/// The loss of these logits and targets, evaluated by the reference.
double loss_of(const Loss& loss, const Tensor& prediction, const Tensor& target) {
  const Value p = input("p", {prediction.dtype(), prediction.shape()});
  const Value t = input("t", loss->target(p.type(), target.dtype()));
  Graph graph;
  graph.inputs = {p, t};
  graph.outputs = {loss->build(p, t).loss};
  const std::vector<Tensor> inputs = {prediction, target};
  return evaluate(graph, inputs)[0].at(0);
}

TEST(Loss, softmax_cross_entropy_takes_classes_and_distributions) {
  const Tensor logits = Tensor::of<float>({2, 3}, {1, 2, 3, 0, 0, 0});
  const double first = std::log(std::exp(-1.0) + 1 + std::exp(1.0));  // class 1 has logit 2
  const double expected = (first + std::log(3.0)) / 2;
  const Loss loss = loss::softmax_cross_entropy();
  EXPECT_NEAR(loss_of(loss, logits, Tensor::of<int32_t>({2}, {1, 2})), expected, 1e-6);
  EXPECT_NEAR(loss_of(loss, logits, Tensor::of<float>({2, 3}, {0, 1, 0, 0, 0, 1})), expected, 1e-6);
  EXPECT_NEAR(loss_of(loss::softmax_cross_entropy({.ignore_index = 2}), logits, Tensor::of<int32_t>({2}, {1, 2})), first, 1e-6);
}

TEST(Loss, others) {
  const Tensor x = Tensor::of<float>({1, 2}, {2, -1}), t = Tensor::of<float>({1, 2}, {1, 0});
  EXPECT_NEAR(loss_of(loss::sigmoid_cross_entropy(), x, t), (std::log1p(std::exp(-2.0)) + std::log1p(std::exp(-1.0))) / 2, 1e-6);
  EXPECT_NEAR(loss_of(loss::squared_error(), x, t), 1, 1e-6);
}

TEST(Loss, custom_names_its_parts) {
  HostLossConfig config;
  config.name = "mine";
  config.parts = {"first", "second"};
  config.fn = [](const Tensor& p, std::span<const Tensor>, Tensor& gradient) {
    gradient.fill(1);
    return std::vector<LossPart>{{"first", p.at(0)}, {"second", p.at(1)}};
  };
  const Loss loss = loss::custom({.loss = config});
  EXPECT_EQ(loss->parts, config.parts);
  EXPECT_NEAR(loss_of(loss, Tensor::of<float>({1, 2}, {2, 5}), Tensor::of<float>({1, 2}, {0, 0})), 7, 1e-6);
}

TEST(Loss, says_which_targets_it_needs) {
  const TensorType logits{DType::f32, {any_dim, 10}}, maps{DType::f32, {any_dim, 4, 8, 8}};
  EXPECT_EQ(loss::softmax_cross_entropy()->target(maps, DType::i32), (TensorType{DType::i32, {any_dim, 8, 8}}));
  EXPECT_EQ(loss::softmax_cross_entropy()->target(logits, DType::f32), logits);
  EXPECT_THROW(loss::squared_error()->target(logits, DType::i32), TypeError);
  EXPECT_THROW(loss::softmax_cross_entropy()->target({DType::f32, {any_dim}}, DType::i32), ShapeError);
}

TEST(Loss, is_made_again_from_name_and_settings) {
  const Loss loss = loss::softmax_cross_entropy({.smoothing = 0.1, .ignore_index = 255});
  EXPECT_EQ(loss::make(loss->name, loss->settings)->settings, loss->settings);
  EXPECT_THROW(loss::make("hinge"), UsageError);
}

}  // namespace
}  // namespace ocellus

#include <cmath>

#include <ocellus/engine/reference.h>
#include <ocellus/ops/conv.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/norm.h>
#include <ocellus/ops/reduce.h>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;

BuildFn training(Activation activation = {}, bool outside = false) {
  return [=](const Values& in) {
    const auto op = std::make_shared<BatchNormTrain>();
    op->epsilon = outside ? 0.25 : 1e-5;
    op->epsilon_outside = outside;
    op->activation = activation;
    return emit(op, in);
  };
}

BuildFn inference(Activation activation = {}) {
  return [=](const Values& in) {
    BatchNormInference op;
    op.activation = activation;
    return Values{apply(std::move(op), in)};
  };
}

BuildFn as_layers_emit_it(Activation activation = {}) {
  return [=](const Values& in) {
    return Values{ops::batch_norm(in[0], {in.begin() + 1, in.end()}, {.activation = activation})};
  };
}

Values epsilon_outside(const Values& in) {
  return {ops::batch_norm(in[0], {in.begin() + 1, in.end()}, {.epsilon = 0.25, .epsilon_outside = true})};
}

/// A convolution with a normalisation to fold into it.
Values folded_outside(const Values& in) {
  return epsilon_outside({ops::conv(in[0], in[5], {}), in[1], in[2], in[3], in[4]});
}

std::vector<OpCase> cases() {
  const OpInput image = batch_of({3, 4, 3, 2}), per_channel = fixed({4});
  const OpInput mean = still(per_channel), variance = still(fixed({4}, uniform(0.2, 2)));
  const std::vector<OpInput> train = {image, per_channel, per_channel};
  const std::vector<OpInput> fixed_statistics = {image, per_channel, per_channel, mean, variance};
  return {
      {"train", training(), train, {0}, 2e-5},
      {"train_relu", training(relu), train, {0}, 2e-5},
      {"train_matrix", training(), {batch_of({6, 4}), per_channel, per_channel}, {0}, 2e-5},
      {"train_signal", training(relu), {batch_of({3, 4, 5}), per_channel, per_channel}, {0}, 2e-5},
      {"train_volume", training(), {batch_of({2, 4, 2, 3, 2}), per_channel, per_channel}, {0}, 2e-5},
      {"train_many_channels", training(relu), {batch_of({3, 35, 4, 4}), fixed({35}), fixed({35})}, {0}, 2e-5},
      {"train_far_from_zero",
       training(),
       {batch_of({3, 4, 3, 2}, uniform(99, 101)), per_channel, per_channel},
       {0},
       1e-3},
      {"train_outside", training({}, true), train, {0}, 2e-5},
      {"train_outside_relu", training(relu, true), train, {0}, 2e-5},
      {"inference", inference(), fixed_statistics},
      {"inference_relu", inference(relu), fixed_statistics},
      {"inference_leaky", inference(leaky_relu(0.1)), fixed_statistics},
      {"inference_matrix", inference(), {batch_of({6, 4}), per_channel, per_channel, mean, variance}},
      {"symbolic", as_layers_emit_it(), fixed_statistics},
      {"symbolic_sigmoid", as_layers_emit_it(sigmoid), fixed_statistics},
      {"symbolic_outside", epsilon_outside, fixed_statistics},
      {"folded_outside", folded_outside, {image, per_channel, per_channel, mean, variance, fixed({4, 4, 1, 1})}},
  };
}

TensorType f32(Shape shape) { return {DType::f32, shape}; }

std::vector<Refused> refused() {
  const TensorType x = f32({any_dim, 4, 3, 2}), c = f32({4});
  return {
      {"scale",
       as_layers_emit_it(),
       {x, f32({3}), c, c, c},
       "[batch_norm] scale [3] does not have the 4 channels of input [N,4,3,2]"},
      {"variance",
       as_layers_emit_it(),
       {x, c, c, c, f32({4, 1})},
       "[batch_norm] running variance [4,1] does not have the 4 channels of input [N,4,3,2]"},
      {"missing", as_layers_emit_it(), {x, c, c, c}, "[batch_norm] takes 5 inputs, got 4"},
      {"vector",
       inference(),
       {c, c, c, c, c},
       "[batch_norm_inference] input must be [N,C] and any further dimensions, got [4]"},
      {"train_offset",
       training(),
       {x, c, f32({5})},
       "[batch_norm_train] offset [5] does not have the 4 channels of input [N,4,3,2]"},
      {"train_tanh", training(tanh_), {x, c, c}, "batch norm in training takes no activation but relu"},
  };
}

OP_CHECK(BatchNorm, cases(), refused());

/// A specialisation that records what the operator asks for.
class Recorder final : public ModeCtx {
 public:
  Recorder(Values inputs, Mode mode, bool learns) : inputs_(std::move(inputs)), mode_(mode), learns_(learns) {}
  Mode mode() const override { return mode_; }
  bool learns() const override { return learns_; }
  const Value& in(size_t i) const override { return inputs_[i]; }
  Value step() override { return {}; }
  void update(const Value& target, const Value& value) override { updates.push_back({target, value}); }

  std::vector<Update> updates;

 private:
  Values inputs_;
  Mode mode_;
  bool learns_;
};

Values layer_inputs(const Shape& x) {
  const auto statistic = [&](const char* name) {
    return parameter(std::make_shared<Parameter>(name, Shape{x[1]}, ParamRole::statistic, nullptr, nullptr));
  };
  const Value scale = input("scale", {DType::f32, {x[1]}}), offset = input("offset", {DType::f32, {x[1]}});
  return {input("x", {DType::f32, x}), scale, offset, statistic("mean"), statistic("variance")};
}

TEST(BatchNormModes, LearnsOnlyInTrainingAndUnfrozen) {
  const Values in = layer_inputs({4, 2, 3, 3});
  for (const bool train : {false, true})
    for (const bool learns : {false, true}) {
      Recorder ctx(in, train ? Mode::train : Mode::inference, learns);
      const Values out = *BatchNorm().for_mode(ctx);
      ASSERT_EQ(out.size(), 1u);
      EXPECT_EQ(out[0].node().op().name(), train && learns ? "batch_norm_train" : "batch_norm_inference");
      EXPECT_EQ(ctx.updates.size(), train && learns ? 2u : 0u);
    }
}

TEST(BatchNormModes, RunningVarianceIsUnbiasedOnRequest) {
  const Values in = layer_inputs({2, 2, 3, 3});  // 18 elements a channel
  for (const bool unbiased : {false, true}) {
    Recorder ctx(in, Mode::train, true);
    BatchNorm op;
    op.momentum = 0.9;
    op.unbiased_variance = unbiased;
    op.for_mode(ctx);
    ASSERT_EQ(ctx.updates.size(), 2u);
    EXPECT_EQ(ctx.updates[0].target, in[3]);
    EXPECT_EQ(ctx.updates[1].target, in[4]);
    const auto* mean = ctx.updates[0].value.node().as<RunningAverage>();
    const auto* variance = ctx.updates[1].value.node().as<RunningAverage>();
    ASSERT_TRUE(mean && variance);
    EXPECT_DOUBLE_EQ(mean->factor, 1);
    EXPECT_DOUBLE_EQ(variance->factor, unbiased ? 18.0 / 17 : 1);
    EXPECT_DOUBLE_EQ(variance->momentum, 0.9);
  }
}

// A variance of 4 and x - mean = 2: darknet's two conventions with an epsilon that shows.
TEST(BatchNormEpsilon, IsInsideOrOutsideTheRoot) {
  const Value x = real({1, 1}, {3}), one = real({1}, {1}), zero = real({1}, {0}), four = real({1}, {4});
  const auto y = [&](bool outside) {
    return ops::batch_norm(x, {one, zero, one, four}, {.epsilon = 5, .epsilon_outside = outside});
  };
  EXPECT_THAT(numbers(y(false)), near({2 / 3.0}));
  EXPECT_THAT(numbers(y(true)), near({2 / 7.0}));
  EXPECT_THAT(gradient_of(ops::reduce_sum(y(true)), x), near({1 / 7.0}));
}

// 1 and 3: mean 2, variance 1.
TEST(BatchNormEpsilon, IsHonouredInTraining) {
  const auto op = std::make_shared<BatchNormTrain>();
  op->epsilon = 3;
  op->epsilon_outside = true;
  const Values in = {real({2, 1}, {1, 3}), real({1}, {1}), real({1}, {0})};
  EXPECT_THAT(numbers(emit(op, in)[0]), near({-0.25, 0.25}));
}

// All elements alike: their deviation is 0, and no gradient may become NaN.
TEST(BatchNormEpsilon, OutsideIsSafeWithoutVariance) {
  const auto op = std::make_shared<BatchNormTrain>();
  op->epsilon_outside = true;
  const Value x = real({2, 1}, {3, 3});
  const Value y = emit(op, {x, real({1}, {1}), real({1}, {0})})[0];
  EXPECT_THAT(gradient_of(ops::reduce_sum(ops::mul(y, real({2, 1}, {1, 2}))), x), near({-500, 500}, 1e-3));
}

TEST(BatchNormModes, OtherActivationsFollowTheNormalisation) {
  Recorder ctx(layer_inputs({2, 2, 3, 3}), Mode::train, true);
  BatchNorm op;
  op.activation = leaky_relu(0.1);
  const Value y = op.for_mode(ctx)->front();
  ASSERT_TRUE(y.node().as<ActivationOp>());
  EXPECT_EQ(y.node().as<ActivationOp>()->activation, leaky_relu(0.1));
}

TEST(RunningAverage, MovesTowardsTheBatch) {
  const Value running = input("running", {DType::f32, {2}}), batch = input("batch", {DType::f32, {2}});
  RunningAverage op;
  op.momentum = 0.75;
  op.factor = 2;
  Graph graph;
  graph.inputs = {running, batch};
  graph.outputs = {apply(std::move(op), {running, batch})};
  const std::vector<Tensor> values = {Tensor::of<float>({2}, {4, 0}), Tensor::of<float>({2}, {8, 1})};
  const Tensor next = evaluate(graph, values)[0];
  EXPECT_FLOAT_EQ(next.at(0), 7);
  EXPECT_FLOAT_EQ(next.at(1), 0.5);
}

}  // namespace
}  // namespace ocellus

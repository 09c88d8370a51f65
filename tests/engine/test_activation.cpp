#include <cmath>
#include <limits>

#include <ocellus/graph/graph.h>
#include <ocellus/ops/activation.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/unary.h>

#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;

BuildFn activation(Activation a) {
  return [=](const Values& in) { return Values{ops::activation(in[0], a)}; };
}

std::vector<OpCase> cases() {
  const OpInput x = batch_of({2, 3, 4, 5}, off_zero());
  return {
      {"linear", activation(linear), {x}},
      {"relu", activation(relu), {x}},
      {"leaky_relu", activation(leaky_relu(0.3)), {x}},
      {"sigmoid", activation(sigmoid), {x}},
      {"sigmoid_far_out", activation(sigmoid), {batch_of({2, 9}, uniform(-50, 50))}},
      {"tanh", activation(tanh_), {x}},
      {"scaled_tanh", activation(scaled_tanh), {x}},
      {"vector", activation(relu), {batch_of({7}, off_zero())}},
      {"odd_channels", activation(tanh_), {batch_of({2, 17, 3, 3})}},
      {"volume", activation(relu), {batch_of({2, 3, 2, 3, 4}, off_zero())}},
  };
}

std::vector<Refused> refused() {
  return {
      {"integers", activation(relu), {{DType::i32, {2, 3}}}, "[activation] input must be floating-point, got i32[2,3]"},
  };
}

OP_CHECK(Activation, cases(), refused());

TEST(ActivationFunctions, AreTheOperatorsOwn) {
  const Function f = clip(-1, 2);
  const Activation a = activation_of(f).value();
  EXPECT_EQ(function_of(a), f);
  EXPECT_EQ(activate(a, 3), 2);
  EXPECT_EQ(activation_slope(a, 2), 0);
  EXPECT_EQ(activation_slope(a, 1.5), 1);
  EXPECT_DOUBLE_EQ(activate(activation_of(mish).value(), 0.5), value_at(mish, 0.5));
  EXPECT_FALSE(activation_of({UnaryKind::exp}));
  EXPECT_FALSE(function_of(relu));
  EXPECT_TRUE(from_output(a));
  EXPECT_FALSE(from_output(activation_of(clip(0, 0.7)).value()));
  const Value x = input("x", {DType::f32, {4}});
  EXPECT_TRUE(ops::activation(x, a).node().as<Unary>());
}

TEST(ActivationFunctions, RefuseASlopeThatTheOutputDoesNotTell) {
  const Value x = input("x", {DType::f32, {4}});
  const Activation a = activation_of(mish).value();
  EXPECT_THROW(ops::activation_backward(x, x, a), Unsupported);
  ActivationOp op;
  op.activation = a;
  EXPECT_THROW(gradients(ops::reduce_sum(apply(op, {x})), Values{x}), Unsupported);
}

TEST(ActivationValues, AreTheFunctions) {
  EXPECT_EQ(activate(relu, -2), 0);
  EXPECT_EQ(activate(relu, 2), 2);
  EXPECT_DOUBLE_EQ(activate(leaky_relu(), -2), -0.02);
  EXPECT_DOUBLE_EQ(activate(sigmoid, 0), 0.5);
  EXPECT_DOUBLE_EQ(activate(sigmoid, -1000), 0);
  EXPECT_NEAR(activate(scaled_tanh, 1), 1, 1e-4);  // LeCun chose the constants so that f(1) = 1
  EXPECT_TRUE(std::isnan(activate(relu, std::numeric_limits<double>::quiet_NaN())));
}

}  // namespace
}  // namespace ocellus

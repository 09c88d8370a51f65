#include <ocellus/ops/recurrent.h>

#include <cmath>

#include <ocellus/ops/shape.h>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;

/// Inputs: gates, weights, and initial states.
BuildFn lstm() {
  return [](const Values& in) {
    return ops::lstm(in[0], in[1], in.size() > 2 ? ops::LstmConfig{in[2], in[3]} : ops::LstmConfig{});
  };
}

BuildFn gru(bool reset_after, bool bias, bool initial) {
  return [=](const Values& in) {
    return Values{ops::gru(
        in[0], in[1],
        {.reset_after = reset_after, .bias = bias ? in[2] : Value(), .hidden = initial ? in.back() : Value()})};
  };
}

std::vector<OpCase> lstm_cases() {
  const OpInput gates = batch_of({2, 4, 12}), w = fixed({12, 3}), state = batch_of({2, 3});
  return {
      {"plain", lstm(), {gates, w}},
      {"cells_count", lstm(), {gates, w}, {0, 1}},
      {"only_cells_count", lstm(), {gates, w}, {1}},
      {"initial", lstm(), {gates, w, state, state}, {0, 1}},
      {"given_initial", lstm(), {gates, w, still(state), still(state)}},
      {"frozen", lstm(), {gates, still(w)}},
      {"one_step", lstm(), {batch_of({3, 1, 4}), fixed({4, 1})}},
      {"one_step_initial", lstm(), {batch_of({3, 1, 8}), fixed({8, 2}), batch_of({3, 2}), batch_of({3, 2})}},
      {"wide", lstm(), {batch_of({2, 3, 4 * 19}), fixed({4 * 19, 19})}},
  };
}

std::vector<OpCase> gru_cases() {
  const OpInput gates = batch_of({2, 4, 9}), w = fixed({9, 3}), b = fixed({9}), h = batch_of({2, 3});
  return {
      {"after", gru(true, false, false), {gates, w}},
      {"after_bias", gru(true, true, false), {gates, w, b}},
      {"after_initial", gru(true, false, true), {gates, w, h}},
      {"after_all", gru(true, true, true), {gates, w, b, h}},
      {"before", gru(false, false, false), {gates, w}},
      {"before_bias", gru(false, true, false), {gates, w, b}},
      {"before_initial", gru(false, false, true), {gates, w, h}},
      {"before_all", gru(false, true, true), {gates, w, b, h}},
      {"frozen", gru(true, true, false), {gates, still(w), still(b)}},
      {"only_bias_learns", gru(false, true, false), {still(gates), still(w), b}},
      {"one_step", gru(true, false, false), {batch_of({3, 1, 3}), fixed({3, 1})}},
      {"wide", gru(true, true, false), {batch_of({2, 3, 3 * 19}), fixed({3 * 19, 19}), fixed({3 * 19})}},
      {"wide_before", gru(false, true, false), {batch_of({2, 3, 3 * 19}), fixed({3 * 19, 19}), fixed({3 * 19})}},
  };
}

TensorType f32(Shape shape) { return {DType::f32, shape}; }

std::vector<Refused> refused_lstm() {
  return {
      {"gates",
       lstm(),
       {f32({any_dim, 4, 10}), f32({10, 2})},
       "[lstm] gates must be [N,T,4*H] with at least one step, got [N,4,10]"},
      {"no_step",
       lstm(),
       {f32({2, 0, 8}), f32({8, 2})},
       "[lstm] gates must be [N,T,4*H] with at least one step, got [2,0,8]"},
      {"weights", lstm(), {f32({any_dim, 4, 12}), f32({12, 4})}, "[lstm] weights must be [12,3], got [12,4]"},
      {"state",
       lstm(),
       {f32({2, 4, 12}), f32({12, 3}), f32({2, 3}), f32({1, 3})},
       "[lstm] the initial c must be [2,3], got [1,3]"},
      {"half_a_state",
       [](const Values& in) { return ops::lstm(in[0], in[1], {.cell = in[2]}); },
       {f32({2, 4, 12}), f32({12, 3}), f32({2, 3})},
       "[lstm] needs h and c before the first step, or neither"},
      {"integers",
       lstm(),
       {{DType::i32, {2, 4, 12}}, f32({12, 3})},
       "[lstm] gates must be floating-point, got i32[2,4,12]"},
  };
}

std::vector<Refused> refused_gru() {
  return {
      {"gates",
       gru(true, false, false),
       {f32({any_dim, 12}), f32({12, 4})},
       "[gru] gates must be [N,T,3*H] with at least one step, got [N,12]"},
      {"weights", gru(false, false, false), {f32({1, 4, 12}), f32({3, 4})}, "[gru] weights must be [12,4], got [3,4]"},
      {"bias", gru(true, true, false), {f32({1, 4, 12}), f32({12, 4}), f32({4})}, "[gru] bias must be [12], got [4]"},
      {"state",
       gru(true, false, true),
       {f32({1, 4, 12}), f32({12, 4}), f32({1, 5})},
       "[gru] the initial h must be [1,4], got [1,5]"},
  };
}

OP_CHECK(Lstm, lstm_cases(), refused_lstm());
OP_CHECK(Gru, gru_cases(), refused_gru());

double sigma(double x) { return 1 / (1 + std::exp(-x)); }

// Two steps of one unit, with the weights 1, 2, 3, 4 for i, f, g, o.
TEST(LstmValues, ByHand) {
  const Value gates = real({1, 2, 4}, {0, 0.5f, 1, -1, 0.25f, 0, -1, 1}), w = real({4, 1}, {1, 2, 3, 4});
  const double c1 = sigma(0) * std::tanh(1), h1 = sigma(-1) * std::tanh(c1);
  const double c2 = sigma(2 * h1) * c1 + sigma(0.25 + h1) * std::tanh(-1 + 3 * h1);
  const double h2 = sigma(1 + 4 * h1) * std::tanh(c2);
  const Values found = ops::lstm(gates, w);
  EXPECT_THAT(numbers(found[0]), near({h1, h2}));
  EXPECT_THAT(numbers(found[1]), near({c1, c2}));
  const Value h = real({1, 1}, {0.5f}), c = real({1, 1}, {-2});
  const double c0 = sigma(0.5 + 1) * -2 + sigma(0.5) * std::tanh(1 + 1.5);
  const Values first = ops::lstm(ops::slice(gates, {.axis = 1, .begin = 0, .end = 1}), w, {h, c});
  EXPECT_THAT(numbers(first[1]), near({c0}));
  EXPECT_THAT(numbers(first[0]), near({sigma(-1 + 2) * std::tanh(c0)}));
}

// The reset gate before the product and after it, where a bias tells the two forms apart even for one unit.
TEST(GruValues, ByHand) {
  const Value gates = real({1, 1, 3}, {0.5f, -1, 0.25f}), w = real({3, 1}, {1, 2, 3}),
              b = real({3}, {0.1f, 0.2f, 0.3f});
  const Value h = real({1, 1}, {0.5f});
  const double r = sigma(0.5 + 0.5 + 0.1), z = sigma(-1 + 1 + 0.2);
  const auto state = [&](double candidate) { return z * 0.5 + (1 - z) * candidate; };
  EXPECT_THAT(numbers(ops::gru(gates, w, {.bias = b, .hidden = h})), near({state(std::tanh(0.25 + r * (1.5 + 0.3)))}));
  EXPECT_THAT(numbers(ops::gru(gates, w, {.reset_after = false, .bias = b, .hidden = h})),
              near({state(std::tanh(0.25 + r * 1.5 + 0.3))}));
}

}  // namespace
}  // namespace ocellus

// Backwards through time the gradients of h and c before a step are carried in the outputs that hold them at the end.

#include <algorithm>
#include <array>
#include <cmath>

#include <ocellus/ops/activation.h>
#include <ocellus/ops/recurrent.h>

#include "ops/support/recurrent.h"

namespace ocellus {

using namespace detail;

namespace {

/// Sum of what arrives at element j: of this step's output, if anything, and of the step after it.
template <class T>
double arriving(const T* of_output, const T& of_next, int64_t j) {
  return (of_output ? double(of_output[j]) : 0) + double(of_next);
}

/// One sequence of a forward evaluation.
template <class T>
void run_forward(const EvalCtx& ctx, const Steps& steps, bool initial, int64_t n) {
  const int64_t units = steps.units;
  const T* w = ctx.in(1).as<T>().data();
  for (int64_t t = 0; t < steps.steps; ++t) {
    const T* gates = row<T>(ctx.in(0), n, t);
    const T* h_before = row_before<T>(ctx.out(0), initial ? &ctx.in(2) : nullptr, n, t);
    const T* c_before = row_before<T>(ctx.out(1), initial ? &ctx.in(3) : nullptr, n, t);
    T *h = row<T>(ctx.out(0), n, t), *c = row<T>(ctx.out(1), n, t), *ifgo = row<T>(ctx.out(2), n, t);
    for (int64_t k = 0; k < 4 * units; ++k)
      ifgo[k] = static_cast<T>(
          activate(k / units == 2 ? tanh_ : sigmoid, double(gates[k]) + product(w + k * units, h_before, units)));
    for (int64_t j = 0; j < units; ++j) {
      c[j] = (c_before ? ifgo[units + j] * c_before[j] : T(0)) + ifgo[j] * ifgo[2 * units + j];
      h[j] = ifgo[3 * units + j] * std::tanh(c[j]);
    }
  }
}

}  // namespace

Types Lstm::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, initial ? 4 : 2);
  const Steps steps = steps_of(inputs[0], inputs[1], 4);
  if (initial) {
    expect_shape(inputs[2], steps.state(), "the initial h");
    expect_shape(inputs[3], steps.state(), "the initial c");
  }
  const DType dtype = inputs[0].dtype;
  return {{dtype, steps.each(1)}, {dtype, steps.each(1)}, {dtype, steps.each(4)}};
}

Values Lstm::gradient(GradCtx& ctx) const {
  const auto op = std::make_shared<LstmBackward>();
  op->hidden = static_cast<bool>(ctx.dout(0));
  op->cell = static_cast<bool>(ctx.dout(1));
  op->initial = initial;
  Values gradients(ctx.inputs());
  if (!op->hidden && !op->cell) return gradients;
  Values inputs = {ctx.out(2), ctx.out(1), ctx.in(1)};
  if (op->hidden) inputs.push_back(ctx.dout(0));
  if (op->cell) inputs.push_back(ctx.dout(1));
  if (initial) inputs.push_back(ctx.in(3));
  const Values found = emit(op, std::move(inputs));
  gradients[0] = found[0];
  if (ctx.needs(1))
    gradients[1] = weight_gradients(states_before(ctx.out(0), initial ? ctx.in(2) : Value()), found[0])[0];
  if (initial) {
    gradients[2] = found[1];
    gradients[3] = found[2];
  }
  return gradients;
}

void Lstm::eval(EvalCtx& ctx) const {
  const Steps steps(ctx.out(0).shape());
  with_real(ctx.out(), [&]<class T>(T) { steps.for_each([&](int64_t n) { run_forward<T>(ctx, steps, initial, n); }); });
}

int64_t Lstm::macs(std::span<const TensorType> inputs, std::span<const TensorType> outputs) const {
  return inputs[0].shape.numel() * outputs[0].shape[2];
}

void LstmBackward::attrs(AttrVisitor& v) const {
  v("hidden", hidden);
  v("cell", cell);
  v("initial", initial);
}

Types LstmBackward::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, size_t{3} + hidden + cell + initial);
  const Steps steps = steps_of(inputs[0], inputs[2], 4);
  expect_shape(inputs[1], steps.each(1), "c");
  size_t next = 3;
  if (hidden) expect_shape(inputs[next++], steps.each(1), "dh");
  if (cell) expect_shape(inputs[next++], steps.each(1), "dc");
  if (initial) expect_shape(inputs[next], steps.state(), "the initial c");
  const DType dtype = inputs[0].dtype;
  return {{dtype, steps.each(4)}, {dtype, steps.state()}, {dtype, steps.state()}};
}

void LstmBackward::eval(EvalCtx& ctx) const {
  const Steps steps(ctx.in(1).shape());
  const int64_t units = steps.units;
  const Tensor* first = initial ? &ctx.in(size_t{3} + hidden + cell) : nullptr;
  with_real(ctx.out(), [&]<class T>(T) {
    const T* w = ctx.in(2).as<T>().data();
    steps.for_each([&](int64_t n) {
      T *dh = ctx.out(1).as<T>().data() + n * units, *dc = ctx.out(2).as<T>().data() + n * units;
      std::fill_n(dh, units, T(0));
      std::fill_n(dc, units, T(0));
      for (int64_t t = steps.steps - 1; t >= 0; --t) {
        const T *i = row<T>(ctx.in(0), n, t), *f = i + units, *g = f + units, *o = g + units;
        const T *c = row<T>(ctx.in(1), n, t), *c_before = row_before<T>(ctx.in(1), first, n, t);
        const T* dh_here = hidden ? row<T>(ctx.in(3), n, t) : nullptr;
        const T* dc_here = cell ? row<T>(ctx.in(size_t{3} + hidden), n, t) : nullptr;
        T* gates = row<T>(ctx.out(0), n, t);
        for (int64_t j = 0; j < units; ++j) {
          const double y = std::tanh(double(c[j])), out = arriving(dh_here, dh[j], j);
          const double inner = arriving(dc_here, dc[j], j) + out * o[j] * (1 - y * y);
          gates[j] = static_cast<T>(inner * g[j] * activation_slope(sigmoid, i[j]));
          gates[units + j] = static_cast<T>(c_before ? inner * c_before[j] * activation_slope(sigmoid, f[j]) : 0);
          gates[2 * units + j] = static_cast<T>(inner * i[j] * activation_slope(tanh_, g[j]));
          gates[3 * units + j] = static_cast<T>(out * y * activation_slope(sigmoid, o[j]));
          dc[j] = static_cast<T>(inner * f[j]);
        }
        std::fill_n(dh, units, T(0));
        add_products(gates, 4 * units, w, dh, units);
      }
    });
  });
}

int64_t LstmBackward::macs(std::span<const TensorType> inputs, std::span<const TensorType>) const {
  return inputs[0].shape.numel() * inputs[1].shape[2];
}

Values ops::lstm(const Value& gates, const Value& weights, const LstmConfig& config) {
  if (static_cast<bool>(config.hidden) != static_cast<bool>(config.cell))
    throw ShapeError("lstm", "", "needs h and c before the first step, or neither");
  const auto op = std::make_shared<Lstm>();
  op->initial = static_cast<bool>(config.hidden);
  Values inputs = {gates, weights};
  if (op->initial) inputs.insert(inputs.end(), {config.hidden, config.cell});
  Values outputs = emit(op, std::move(inputs));
  outputs.pop_back();
  return outputs;
}

std::span<const OpEntry> ops_in_lstm() {
  static const std::array entries = {op_entry<Lstm>(), op_entry<LstmBackward>()};
  return entries;
}

}  // namespace ocellus

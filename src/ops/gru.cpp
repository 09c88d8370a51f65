// The two forms differ in where the reset gate acts: on the state that enters the candidate's product, or on the product.
// The second allows all three gates' products to be one. Backwards through time the gradient of h before a step is
// carried in the output that holds it at the end.

#include <algorithm>
#include <array>
#include <cmath>

#include <ocellus/ops/activation.h>
#include <ocellus/ops/recurrent.h>

#include "ops/support/recurrent.h"

namespace ocellus {

using namespace detail;

namespace {

/// One sequence of a forward evaluation.
template <class T>
void run_forward(const EvalCtx& ctx, const Gru& op, const Steps& steps, int64_t n) {
  const int64_t units = steps.units;
  const T *w = ctx.in(1).as<T>().data(), *b = op.bias ? ctx.in(2).as<T>().data() : nullptr;
  const Tensor* initial = op.initial ? &ctx.in(size_t{2} + op.bias) : nullptr;
  for (int64_t t = 0; t < steps.steps; ++t) {
    const T *a = row<T>(ctx.in(0), n, t), *before = row_before<T>(ctx.out(0), initial, n, t);
    T *h = row<T>(ctx.out(0), n, t), *r = row<T>(ctx.out(1), n, t), *z = r + units, *q = z + units, *c = q + units;
    const auto share = [&](int64_t k, const T* state) { return product(w + k * units, state, units) + (b ? b[k] : 0); };
    for (int64_t k = 0; k < 2 * units; ++k) r[k] = static_cast<T>(activate(sigmoid, a[k] + share(k, before)));
    for (int64_t j = 0; j < units; ++j)
      q[j] = static_cast<T>(op.reset_after ? share(2 * units + j, before) : before ? double(r[j]) * before[j] : 0);
    for (int64_t j = 0; j < units; ++j) {
      const double seen = op.reset_after ? double(r[j]) * q[j] : share(2 * units + j, q);
      c[j] = static_cast<T>(std::tanh(a[2 * units + j] + seen));
      h[j] = (before ? z[j] * before[j] : T(0)) + (1 - z[j]) * c[j];
    }
  }
}

/// One step of one sequence backwards. `dh` enters as the gradient of the state after it from later steps, and leaves as that
/// of the state before it.
template <class T>
struct StepBack {
  int64_t units;
  const T *w, *rzqn, *before, *dh_here;
  T *gates, *dh;

  double z(int64_t j) const { return rzqn[units + j]; }
  double slope_r(int64_t j) const { return activation_slope(sigmoid, rzqn[j]); }
  double state(int64_t j) const { return before ? double(before[j]) : 0; }

  /// What doesn't depend on the form: the gradients of z and n, and what flows past them.
  void run() const {
    for (int64_t j = 0; j < units; ++j) {
      const double n = rzqn[3 * units + j], arriving = double(dh_here[j]) + double(dh[j]);
      gates[units + j] = static_cast<T>(arriving * (state(j) - n) * activation_slope(sigmoid, z(j)));
      gates[2 * units + j] = static_cast<T>(arriving * (1 - z(j)) * activation_slope(tanh_, n));
      dh[j] = static_cast<T>(arriving * z(j));
    }
  }

  void reset_before() const {
    T* product = gates;  // the gradient of r h', until r's is made of it
    std::fill_n(product, units, T(0));
    add_products(gates + 2 * units, units, w + 2 * units * units, product, units);
    for (int64_t j = 0; j < units; ++j) {
      dh[j] += product[j] * rzqn[j];
      gates[j] = static_cast<T>(product[j] * state(j) * slope_r(j));
    }
    add_products(gates, 2 * units, w, dh, units);
  }

  void reset_after(T* sums) const {
    for (int64_t j = 0; j < units; ++j) {
      const double n = gates[2 * units + j];
      gates[j] = static_cast<T>(n * rzqn[2 * units + j] * slope_r(j));
      sums[j] = gates[j];
      sums[units + j] = gates[units + j];
      sums[2 * units + j] = static_cast<T>(n * rzqn[j]);
    }
    add_products(sums, 3 * units, w, dh, units);
  }
};

/// One of the last dimension's equal parts.
Value part(const Value& x, int64_t units, int64_t first, int64_t count) {
  return ops::slice(x, {.axis = 2, .begin = first * units, .end = (first + count) * units});
}

}  // namespace

void Gru::attrs(AttrVisitor& v) const {
  v("reset_after", reset_after);
  v("bias", bias);
  v("initial", initial);
}

Types Gru::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, size_t{2} + bias + initial);
  const Steps steps = steps_of(inputs[0], inputs[1], 3);
  if (bias) expect_shape(inputs[2], {3 * steps.units}, "bias");
  if (initial) expect_shape(inputs.back(), steps.state(), "the initial h");
  return {{inputs[0].dtype, steps.each(1)}, {inputs[0].dtype, steps.each(4)}};
}

Values Gru::gradient(GradCtx& ctx) const {
  Values gradients(ctx.inputs());
  if (!ctx.dout(0)) return gradients;
  const Value first = initial ? ctx.in(ctx.inputs() - 1) : Value();
  const auto op = std::make_shared<GruBackward>();
  op->reset_after = reset_after;
  op->initial = initial;
  Values inputs = {ctx.dout(0), ctx.out(1), ctx.out(0), ctx.in(1)};
  if (initial) inputs.push_back(first);
  const Values found = emit(op, std::move(inputs));
  gradients[0] = found[0];
  if (initial) gradients.back() = found[1];
  if (!ctx.needs(1) && !(bias && ctx.needs(2))) return gradients;
  const Value before = states_before(ctx.out(0), first);
  Values learned;
  if (reset_after) {
    learned = weight_gradients(before, found[2]);
  } else {
    const int64_t units = before.shape()[2];
    const Values gates = weight_gradients(before, part(found[0], units, 0, 2));
    const Values candidate = weight_gradients(part(ctx.out(1), units, 2, 1), part(found[0], units, 2, 1));
    for (const size_t i : {0, 1}) learned.push_back(ops::concat({gates[i], candidate[i]}, 0));
  }
  gradients[1] = learned[0];
  if (bias) gradients[2] = learned[1];
  return gradients;
}

void Gru::eval(EvalCtx& ctx) const {
  const Steps steps(ctx.out(0).shape());
  with_real(ctx.out(), [&]<class T>(T) { steps.for_each([&](int64_t n) { run_forward<T>(ctx, *this, steps, n); }); });
}

int64_t Gru::macs(std::span<const TensorType> inputs, std::span<const TensorType> outputs) const {
  return inputs[0].shape.numel() * outputs[0].shape[2];
}

void GruBackward::attrs(AttrVisitor& v) const {
  v("reset_after", reset_after);
  v("initial", initial);
}

Types GruBackward::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, size_t{4} + initial);
  expect_floating(inputs[0], "dh");
  if (inputs[0].shape.rank() != 3) throw ShapeError("dh must be [N,T,H], got " + inputs[0].shape.to_string());
  const Steps steps(inputs[0].shape);
  expect_shape(inputs[1], steps.each(4), "r, z, q, n");
  expect_shape(inputs[2], steps.each(1), "h");
  expect_shape(inputs[3], {3 * steps.units, steps.units}, "weights");
  if (initial) expect_shape(inputs[4], steps.state(), "the initial h");
  const DType dtype = inputs[0].dtype;
  Types types = {{dtype, steps.each(3)}, {dtype, steps.state()}};
  if (reset_after) types.push_back({dtype, steps.each(3)});
  return types;
}

void GruBackward::eval(EvalCtx& ctx) const {
  const Steps steps(ctx.in(0).shape());
  const Tensor* first = initial ? &ctx.in(4) : nullptr;
  with_real(ctx.out(), [&]<class T>(T) {
    steps.for_each([&](int64_t n) {
      T* dh = ctx.out(1).as<T>().data() + n * steps.units;
      std::fill_n(dh, steps.units, T(0));
      for (int64_t t = steps.steps - 1; t >= 0; --t) {
        const StepBack<T> step = {steps.units,
                                  ctx.in(3).as<T>().data(),
                                  row<T>(ctx.in(1), n, t),
                                  row_before<T>(ctx.in(2), first, n, t),
                                  row<T>(ctx.in(0), n, t),
                                  row<T>(ctx.out(0), n, t),
                                  dh};
        step.run();
        if (reset_after)
          step.reset_after(row<T>(ctx.out(2), n, t));
        else
          step.reset_before();
      }
    });
  });
}

int64_t GruBackward::macs(std::span<const TensorType> inputs, std::span<const TensorType> outputs) const {
  return outputs[0].shape.numel() * inputs[0].shape[2];
}

Value ops::gru(const Value& gates, const Value& weights, const GruConfig& config) {
  Gru op;
  op.reset_after = config.reset_after;
  op.bias = static_cast<bool>(config.bias);
  op.initial = static_cast<bool>(config.hidden);
  Values inputs = {gates, weights};
  if (op.bias) inputs.push_back(config.bias);
  if (op.initial) inputs.push_back(config.hidden);
  return apply(std::move(op), std::move(inputs));
}

std::span<const OpEntry> ops_in_gru() {
  static const std::array entries = {op_entry<Gru>(), op_entry<GruBackward>()};
  return entries;
}

}  // namespace ocellus

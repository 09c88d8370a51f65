// Batch normalisation: what layers emit, and the two operators that it becomes.
//
// With given statistics the gradient needs no operator of its own: normalising dy with mean 0 and no offset scales it
// by scale / sqrt(variance + epsilon), and normalising x with scale 1 gives what dy is multiplied by for dscale.
// With the batch's statistics, of m elements a channel and x' = (x - mean) / sqrt(variance + epsilon),
// dx = scale / sqrt(variance + epsilon) (dy - sum(dy) / m - x' sum(dy x') / m).
//
// With epsilon outside of the root, d = sqrt(variance) + epsilon takes the root's place, and the last term has a
// factor d / sqrt(variance). Given statistics need no more than another variance, d^2 with epsilon 0.

#include <cmath>

#include <fmt/format.h>

#include <ocellus/base/threads.h>
#include <ocellus/graph/parameter.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/norm.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/unary.h>

#include "ops/support/checks.h"

namespace ocellus {

using namespace detail;

namespace {

void expect_channels(const TensorType& t, std::string_view what) {
  expect_floating(t, what);
  if (t.shape.rank() < 2)
    throw ShapeError(fmt::format("{} must be [N,C] and any further dimensions, got {}", what, t.shape.to_string()));
}

void expect_per_channel(const TensorType& t, const TensorType& x, std::string_view what) {
  expect_floating(t, what);
  if (t.shape.rank() != 1 || t.shape[0] != x.shape[1])
    throw ShapeError(fmt::format("{} {} does not have the {} channels of input {}", what, t.shape.to_string(),
                                 x.shape[1], x.shape.to_string()));
}

Types infer_with_statistics(std::span<const TensorType> inputs) {
  static constexpr std::string_view names[] = {"scale", "offset", "running mean", "running variance"};
  expect_count(inputs, 5);
  expect_channels(inputs[0], "input");
  for (size_t i = 1; i < 5; ++i) expect_per_channel(inputs[i], inputs[0], names[i - 1]);
  return {inputs[0]};
}

/// [N,C,...] as N x C runs of `inner` elements.
struct Runs {
  explicit Runs(const Shape& shape) : batch(shape[0]), channels(shape[1]) {
    for (size_t i = 2; i < shape.rank(); ++i) inner *= shape[i];
  }
  double per_channel() const { return static_cast<double>(batch * inner); }

  /// Calls f(flat index) for each element of a channel.
  template <class F>
  void for_each(int64_t channel, F&& f) const {
    for (int64_t n = 0; n < batch; ++n) {
      const int64_t begin = (n * channels + channel) * inner;
      for (int64_t i = begin; i < begin + inner; ++i) f(i);
    }
  }
  /// Calls f(channel) for all channels, in parallel.
  template <class F>
  void for_channels(F&& f) const {
    parallel_for(channels, 4, [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c) f(c);
    });
  }

  int64_t batch, channels, inner = 1;
};

/// What x is divided by.
double deviation(double variance, double epsilon, bool outside) {
  return outside ? std::sqrt(variance) + epsilon : std::sqrt(variance + epsilon);
}

/// The variance with which epsilon 0 does what `epsilon` outside of the root does with this one.
Value with_epsilon(const Value& variance, double epsilon) {
  return ops::pow(ops::affine(ops::sqrt(variance), 1, epsilon), 2);
}

void normalise(EvalCtx& ctx, double epsilon, bool outside, const Activation& activation) {
  with_real(ctx.in(0), [&]<class T>(T) {
    const Runs runs(ctx.in(0).shape());
    const auto x = ctx.in(0).as<T>(), scale = ctx.in(1).as<T>(), offset = ctx.in(2).as<T>(), mean = ctx.in(3).as<T>(),
               variance = ctx.in(4).as<T>();
    const auto y = ctx.out().as<T>();
    runs.for_channels([&](int64_t c) {
      const double factor = scale[c] / deviation(variance[c], epsilon, outside);
      runs.for_each(c, [&](int64_t i) {
        y[i] = static_cast<T>(activate(activation, factor * (double(x[i]) - mean[c]) + offset[c]));
      });
    });
  });
}

/// x normalised with these five inputs and no activation.
Value linear_norm(Values inputs, double epsilon) {
  BatchNormInference op;
  op.epsilon = epsilon;
  return apply(std::move(op), std::move(inputs));
}

Values gradient_with_statistics(GradCtx& ctx, const Value& variance, double epsilon, const Activation& activation) {
  const Value &x = ctx.in(0), &mean = ctx.in(3);
  const Value dy = ops::activation_backward(ctx.dout(), ctx.out(), activation);
  std::vector<int64_t> axes = {0};
  for (size_t i = 2; i < x.shape().rank(); ++i) axes.push_back(static_cast<int64_t>(i));
  const Value zeros = constant(Tensor(DType::f32, {x.shape()[1]}));
  Values gradients(5);
  if (ctx.needs(0)) gradients[0] = linear_norm({dy, ctx.in(1), zeros, zeros, variance}, epsilon);
  if (ctx.needs(1)) {
    const Value ones = constant(Tensor::full(DType::f32, {x.shape()[1]}, 1));
    gradients[1] =
        ops::reduce_sum(ops::mul(dy, linear_norm({x, ones, zeros, mean, variance}, epsilon)), {.axes = axes});
  }
  if (ctx.needs(2)) gradients[2] = ops::reduce_sum(dy, {.axes = axes});
  return gradients;
}

bool has_mask(const Activation& activation) { return activation.kind == ActivationKind::relu; }

void expect_linear_or_relu(const Activation& activation) {
  if (activation && !has_mask(activation)) throw Unsupported("batch norm in training takes no activation but relu");
}

}  // namespace

void BatchNorm::attrs(AttrVisitor& v) const {
  v("epsilon", epsilon);
  v("epsilon_outside", epsilon_outside);
  v("momentum", momentum);
  v("unbiased_variance", unbiased_variance);
  visit_activation(v, activation);
}

Types BatchNorm::infer(std::span<const TensorType> inputs) const { return infer_with_statistics(inputs); }

Values BatchNorm::gradient(GradCtx& ctx) const {
  const Value& variance = ctx.in(4);
  if (epsilon_outside) return gradient_with_statistics(ctx, with_epsilon(variance, epsilon), 0, activation);
  return gradient_with_statistics(ctx, variance, epsilon, activation);
}

void BatchNorm::eval(EvalCtx& ctx) const { normalise(ctx, epsilon, epsilon_outside, activation); }

std::optional<Values> BatchNorm::for_mode(ModeCtx& ctx) const {
  Values inputs = {ctx.in(0), ctx.in(1), ctx.in(2), ctx.in(3), ctx.in(4)};
  if (ctx.mode() != Mode::train || !ctx.learns()) {
    BatchNormInference op;
    op.epsilon = epsilon_outside ? 0 : epsilon;
    if (epsilon_outside) inputs[4] = with_epsilon(inputs[4], epsilon);
    op.activation = activation;
    return Values{apply(std::move(op), inputs)};
  }
  const bool fused = !activation || has_mask(activation);
  const auto op = std::make_shared<BatchNormTrain>();
  op->epsilon = epsilon;
  op->epsilon_outside = epsilon_outside;
  if (fused) op->activation = activation;
  const Values outputs = emit(op, {inputs[0], inputs[1], inputs[2]});
  const double n = static_cast<double>(inputs[0].shape().numel()) / static_cast<double>(inputs[0].shape()[1]);
  const auto follow = [&](const Value& running, const Value& batch, double factor) {
    if (!running.node().as<ParameterOp>()) return;  // a fixed statistic stays as it is
    RunningAverage average;
    average.momentum = momentum;
    average.factor = factor;
    ctx.update(running, apply(std::move(average), {running, batch}));
  };
  follow(inputs[3], outputs[1], 1);
  follow(inputs[4], outputs[2], unbiased_variance && n > 1 ? n / (n - 1) : 1);
  return Values{fused ? outputs[0] : ops::activation(outputs[0], activation)};
}

void BatchNormInference::attrs(AttrVisitor& v) const {
  v("epsilon", epsilon);
  visit_activation(v, activation);
}

Types BatchNormInference::infer(std::span<const TensorType> inputs) const { return infer_with_statistics(inputs); }

Values BatchNormInference::gradient(GradCtx& ctx) const {
  return gradient_with_statistics(ctx, ctx.in(4), epsilon, activation);
}

void BatchNormInference::eval(EvalCtx& ctx) const { normalise(ctx, epsilon, false, activation); }

void BatchNormTrain::attrs(AttrVisitor& v) const {
  v("epsilon", epsilon);
  v("epsilon_outside", epsilon_outside);
  visit_activation(v, activation);
}

Types BatchNormTrain::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 3);
  expect_linear_or_relu(activation);
  const TensorType& x = inputs[0];
  expect_channels(x, "input");
  expect_per_channel(inputs[1], x, "scale");
  expect_per_channel(inputs[2], x, "offset");
  Types types = {x, inputs[1], inputs[1]};
  if (has_mask(activation)) types.push_back({DType::u8, x.shape});
  return types;
}

Values BatchNormTrain::gradient(GradCtx& ctx) const {
  const auto op = std::make_shared<BatchNormBackward>();
  op->epsilon = epsilon;
  op->epsilon_outside = epsilon_outside;
  op->activation = activation;
  if (!ctx.dout()) return Values(3);
  Values inputs = {ctx.in(0), ctx.dout(), ctx.in(1), ctx.out(1), ctx.out(2)};
  if (has_mask(activation)) inputs.push_back(ctx.out(3));
  return emit(op, std::move(inputs));
}

void BatchNormTrain::eval(EvalCtx& ctx) const {
  with_real(ctx.in(0), [&]<class T>(T) {
    const Runs runs(ctx.in(0).shape());
    const auto x = ctx.in(0).as<T>(), scale = ctx.in(1).as<T>(), offset = ctx.in(2).as<T>();
    const auto y = ctx.out(0).as<T>(), means = ctx.out(1).as<T>(), variances = ctx.out(2).as<T>();
    const std::span<uint8_t> mask = has_mask(activation) ? ctx.out(3).as<uint8_t>() : std::span<uint8_t>();
    runs.for_channels([&](int64_t c) {
      double sum = 0, squares = 0;
      runs.for_each(c, [&](int64_t i) { sum += x[i]; });
      const double mean = sum / runs.per_channel();
      runs.for_each(c, [&](int64_t i) { squares += (x[i] - mean) * (x[i] - mean); });
      const double variance = squares / runs.per_channel();
      const double factor = scale[c] / deviation(variance, epsilon, epsilon_outside);
      means[c] = static_cast<T>(mean);
      variances[c] = static_cast<T>(variance);
      runs.for_each(c, [&](int64_t i) {
        y[i] = static_cast<T>(activate(activation, factor * (x[i] - mean) + offset[c]));
        if (!mask.empty()) mask[i] = y[i] > 0;
      });
    });
  });
}

void BatchNormBackward::attrs(AttrVisitor& v) const {
  v("epsilon", epsilon);
  v("epsilon_outside", epsilon_outside);
  visit_activation(v, activation);
}

Types BatchNormBackward::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, size_t{5} + has_mask(activation));
  expect_linear_or_relu(activation);
  const TensorType& x = inputs[0];
  expect_channels(x, "input");
  expect_shape(inputs[1], x.shape, "dy");
  expect_per_channel(inputs[2], x, "scale");
  expect_per_channel(inputs[3], x, "mean");
  expect_per_channel(inputs[4], x, "variance");
  if (has_mask(activation)) expect_shape(inputs[5], x.shape, "mask");
  return {x, inputs[2], inputs[2]};
}

void BatchNormBackward::eval(EvalCtx& ctx) const {
  with_real(ctx.in(0), [&]<class T>(T) {
    const Runs runs(ctx.in(0).shape());
    const auto x = ctx.in(0).as<T>(), dy = ctx.in(1).as<T>(), scale = ctx.in(2).as<T>(), mean = ctx.in(3).as<T>(),
               variance = ctx.in(4).as<T>();
    const auto dx = ctx.out(0).as<T>(), dscale = ctx.out(1).as<T>(), doffset = ctx.out(2).as<T>();
    const std::span<const uint8_t> mask = has_mask(activation) ? ctx.in(5).as<uint8_t>() : std::span<const uint8_t>();
    runs.for_channels([&](int64_t c) {
      const double inverse = 1 / deviation(variance[c], epsilon, epsilon_outside);
      // Where the variance is 0, so is every x'.
      const double bend = epsilon_outside && variance[c] > 0 ? 1 + epsilon / std::sqrt(variance[c]) : 1;
      const auto arriving = [&](int64_t i) { return mask.empty() || mask[i] ? double(dy[i]) : 0.0; };
      const auto normal = [&](int64_t i) { return (double(x[i]) - mean[c]) * inverse; };
      double sum = 0, product = 0;
      runs.for_each(c, [&](int64_t i) {
        sum += arriving(i);
        product += arriving(i) * normal(i);
      });
      const double m = runs.per_channel();
      runs.for_each(c, [&](int64_t i) {
        dx[i] = static_cast<T>(scale[c] * inverse * (arriving(i) - sum / m - bend * normal(i) * product / m));
      });
      dscale[c] = static_cast<T>(product);
      doffset[c] = static_cast<T>(sum);
    });
  });
}

void RunningAverage::attrs(AttrVisitor& v) const {
  v("momentum", momentum);
  v("factor", factor);
}

Types RunningAverage::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 2);
  expect_floating(inputs[0], "running value");
  expect_shape(inputs[1], inputs[0].shape, "batch value");
  return {inputs[0]};
}

void RunningAverage::eval(EvalCtx& ctx) const {
  with_real(ctx.in(0), [&]<class T>(T) {
    const auto running = ctx.in(0).as<T>(), batch = ctx.in(1).as<T>();
    const auto next = ctx.out().as<T>();
    for (size_t i = 0; i < next.size(); ++i)
      next[i] = static_cast<T>(momentum * running[i] + (1 - momentum) * factor * batch[i]);
  });
}

namespace ops {

Value batch_norm(const Value& x, const Values& scale_offset_mean_variance, const BatchNormConfig& config) {
  BatchNorm op;
  op.epsilon = config.epsilon;
  op.epsilon_outside = config.epsilon_outside;
  op.momentum = config.momentum;
  op.unbiased_variance = config.unbiased_variance;
  op.activation = config.activation;
  Values inputs = {x};
  inputs.insert(inputs.end(), scale_offset_mean_variance.begin(), scale_offset_mean_variance.end());
  return apply(std::move(op), std::move(inputs));
}

}  // namespace ops

std::span<const OpEntry> ops_in_batch_norm() {
  static const OpEntry entries[] = {op_entry<BatchNorm>(), op_entry<BatchNormInference>(), op_entry<BatchNormTrain>(),
                                    op_entry<BatchNormBackward>(), op_entry<RunningAverage>()};
  return entries;
}

}  // namespace ocellus

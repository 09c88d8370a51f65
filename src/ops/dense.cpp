// Fully connected: forward, and its gradients with respect to input, weights and bias.

#include <ocellus/ops/dense.h>

#include <algorithm>

#include <fmt/format.h>

#include <ocellus/base/threads.h>

#include "ops/support/checks.h"

namespace ocellus {

using namespace detail;

namespace {

void expect_matrix(const TensorType& t, std::string_view what) {
  expect_floating(t, what);
  if (t.shape.rank() != 2) throw ShapeError(fmt::format("{} must be a matrix, got {}", what, t.shape.to_string()));
}

constexpr int64_t row_grain = 8;  // rows of an output worth a thread

}  // namespace

void Dense::attrs(AttrVisitor& v) const {
  v("bias", bias);
  visit_activation(v, activation);
}

Types Dense::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, size_t{2} + bias);
  const TensorType &x = inputs[0], &weights = inputs[1];
  expect_matrix(x, "input");
  expect_matrix(weights, "weight");
  if (weights.shape[1] != x.shape[1])
    throw ShapeError(fmt::format("weight {} expects {} input features, got input {}", weights.shape.to_string(),
                                 weights.shape[1], x.shape.to_string()));
  if (bias) expect_shape(inputs[2], {weights.shape[0]}, "bias");
  return {{x.dtype, {x.shape[0], weights.shape[0]}}};
}

Values Dense::gradient(GradCtx& ctx) const {
  const Value dy = ops::activation_backward(ctx.dout(), ctx.out(), activation);
  Values gradients(ctx.inputs());
  if (ctx.needs(0)) gradients[0] = apply(DenseBackwardData(), {dy, ctx.in(1)});
  const bool bias_needed = bias && ctx.needs(2);
  if (ctx.needs(1) || bias_needed) {
    const auto op = std::make_shared<DenseBackwardWeights>();
    op->bias = bias_needed;
    const Values outputs = emit(op, {ctx.in(0), dy});
    gradients[1] = outputs[0];
    if (bias_needed) gradients[2] = outputs[1];
  }
  return gradients;
}

void Dense::eval(EvalCtx& ctx) const {
  with_real(ctx.in(0), [&]<class T>(T) {
    const int64_t rows = ctx.out().shape()[0], outs = ctx.out().shape()[1], ins = ctx.in(0).shape()[1];
    const T* x = ctx.in(0).as<T>().data();
    const T* w = ctx.in(1).as<T>().data();
    const T* b = bias ? ctx.in(2).as<T>().data() : nullptr;
    T* y = ctx.out().as<T>().data();
    parallel_for(rows * outs, row_grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T* from = x + i / outs * ins;
        const T* by = w + i % outs * ins;
        double sum = b ? b[i % outs] : 0;
        for (int64_t j = 0; j < ins; ++j) sum += double(from[j]) * double(by[j]);
        y[i] = static_cast<T>(activate(activation, sum));
      }
    });
  });
}

int64_t Dense::macs(std::span<const TensorType> inputs, std::span<const TensorType> outputs) const {
  return outputs[0].shape.numel() * inputs[0].shape[1];
}

Types DenseBackwardData::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 2);
  expect_matrix(inputs[0], "dy");
  expect_matrix(inputs[1], "weight");
  const Shape &dy = inputs[0].shape, &weights = inputs[1].shape;
  expect_shape(inputs[0], {dy[0], weights[0]}, "dy");
  return {{inputs[0].dtype, {dy[0], weights[1]}}};
}

void DenseBackwardData::eval(EvalCtx& ctx) const {
  with_real(ctx.in(0), [&]<class T>(T) {
    const int64_t rows = ctx.in(0).shape()[0], outs = ctx.in(0).shape()[1], ins = ctx.out().shape()[1];
    const T* dy = ctx.in(0).as<T>().data();
    const T* w = ctx.in(1).as<T>().data();
    T* dx = ctx.out().as<T>().data();
    parallel_for(rows, row_grain, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) {
        T* row = dx + n * ins;
        std::fill_n(row, ins, T(0));
        for (int64_t k = 0; k < outs; ++k)
          for (int64_t j = 0; j < ins; ++j) row[j] += dy[n * outs + k] * w[k * ins + j];
      }
    });
  });
}

int64_t DenseBackwardData::macs(std::span<const TensorType> inputs, std::span<const TensorType>) const {
  return inputs[0].shape.numel() * inputs[1].shape[1];
}

Types DenseBackwardWeights::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 2);
  expect_matrix(inputs[0], "input");
  expect_matrix(inputs[1], "dy");
  const Shape &x = inputs[0].shape, &dy = inputs[1].shape;
  expect_shape(inputs[1], {x[0], dy[1]}, "dy");
  Types types = {{wide(inputs[0].dtype), {dy[1], x[1]}}};
  if (bias) types.push_back({wide(inputs[0].dtype), {dy[1]}});
  return types;
}

void DenseBackwardWeights::eval(EvalCtx& ctx) const {
  with_real(ctx.in(0), [&]<class T>(T) {
    const int64_t rows = ctx.in(0).shape()[0], ins = ctx.in(0).shape()[1], outs = ctx.in(1).shape()[1];
    const T* x = ctx.in(0).as<T>().data();
    const T* dy = ctx.in(1).as<T>().data();
    T* dw = ctx.out(0).as<T>().data();
    T* db = bias ? ctx.out(1).as<T>().data() : nullptr;
    parallel_for(outs, row_grain, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) {
        T* row = dw + k * ins;
        std::fill_n(row, ins, T(0));
        double sum = 0;
        for (int64_t n = 0; n < rows; ++n) {
          const T g = dy[n * outs + k];
          sum += g;
          for (int64_t j = 0; j < ins; ++j) row[j] += g * x[n * ins + j];
        }
        if (db) db[k] = static_cast<T>(sum);
      }
    });
  });
}

int64_t DenseBackwardWeights::macs(std::span<const TensorType> inputs, std::span<const TensorType>) const {
  return inputs[1].shape.numel() * inputs[0].shape[1];
}

namespace ops {

Value dense(const Value& x, const Value& weights, const Value& bias, Activation activation) {
  Dense op;
  op.bias = static_cast<bool>(bias);
  op.activation = activation;
  Values inputs = {x, weights};
  if (bias) inputs.push_back(bias);
  return apply(std::move(op), std::move(inputs));
}

}  // namespace ops

std::span<const OpEntry> ops_in_dense() {
  static const OpEntry entries[] = {op_entry<Dense>(), op_entry<DenseBackwardData>(), op_entry<DenseBackwardWeights>()};
  return entries;
}

}  // namespace ocellus

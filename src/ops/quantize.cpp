// Bytes for real numbers and back.

#include <ocellus/ops/quantize.h>

#include <cmath>

#include <fmt/format.h>

#include <ocellus/base/threads.h>

#include "ops/support/bytes.h"
#include "ops/support/checks.h"

namespace ocellus {

using namespace detail;

namespace {

constexpr int64_t grain = 4096;  // elements worth a thread

void expect_f32(const TensorType& type, std::string_view what) {
  if (type.dtype != DType::f32) throw TypeError(fmt::format("{} must be f32, got {}", what, to_string(type)));
}

[[noreturn]] void no_gradient() { throw Unsupported("arithmetic with bytes has no gradient: train in f32 or bf16"); }

}  // namespace

void Quantize::attrs(AttrVisitor& v) const {
  v("dtype", dtype);
  v("scale", scale);
}

Types Quantize::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 1);
  expect_f32(inputs[0], "input");
  expect_byte(dtype, "the result");
  expect_scale(scale);
  return {{dtype, inputs[0].shape}};
}

Values Quantize::gradient(GradCtx&) const { no_gradient(); }

void Quantize::eval(EvalCtx& ctx) const {
  with_byte(ctx.out(), [&]<class Q>(Q) {
    with_real(ctx.in(0), [&]<class T>(T) {
      const auto x = ctx.in(0).as<T>();
      const auto q = ctx.out().as<Q>();
      parallel_for(ctx.out().numel(), grain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) q[i] = rounded<Q>(static_cast<double>(x[i]) / scale);
      });
    });
  });
}

Types Dequantize::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 1);
  expect_byte(inputs[0].dtype, "input");
  expect_scale(scale);
  return {{DType::f32, inputs[0].shape}};
}

Values Dequantize::gradient(GradCtx&) const { return Values(1); }

void Dequantize::eval(EvalCtx& ctx) const {
  with_byte(ctx.in(0), [&]<class Q>(Q) {
    with_real(ctx.out(), [&]<class T>(T) {
      const auto q = ctx.in(0).as<Q>();
      const auto x = ctx.out().as<T>();
      parallel_for(ctx.out().numel(), grain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) x[i] = static_cast<T>(scale * q[i]);
      });
    });
  });
}

Types QuantizeWeights::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 2);
  expect_f32(inputs[0], "weight");
  expect_f32(inputs[1], "scales");
  if (inputs[0].shape.rank() < 1) throw ShapeError("weight must have a dimension of output channels, got []");
  expect_shape(inputs[1], {inputs[0].shape[0]}, "scales");
  return {{DType::i8, inputs[0].shape}};
}

Values QuantizeWeights::gradient(GradCtx&) const { no_gradient(); }

void QuantizeWeights::eval(EvalCtx& ctx) const {
  with_real(ctx.in(0), [&]<class T>(T) {
    const auto w = ctx.in(0).as<T>(), scales = ctx.in(1).as<T>();
    const auto q = ctx.out().as<int8_t>();
    const int64_t channels = ctx.in(0).shape()[0], each = channels > 0 ? ctx.in(0).numel() / channels : 0;
    parallel_for(channels, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin * each; i < end * each; ++i)
        q[i] =
            std::max<int8_t>(rounded<int8_t>(static_cast<double>(w[i]) / static_cast<double>(scales[i / each])), -127);
    });
  });
}

namespace ops {

Value quantize(const Value& x, DType dtype, double scale) {
  Quantize op;
  op.dtype = dtype;
  op.scale = scale;
  return apply(std::move(op), {x});
}

Value dequantize(const Value& q, double scale) {
  Dequantize op;
  op.scale = scale;
  return apply(std::move(op), {q});
}

Value quantize_weights(const Value& weights, const Value& scales) {
  return apply(QuantizeWeights(), {weights, scales});
}

}  // namespace ops

std::span<const OpEntry> ops_in_quantize() {
  static const OpEntry entries[] = {op_entry<Quantize>(), op_entry<Dequantize>(), op_entry<QuantizeWeights>()};
  return entries;
}

}  // namespace ocellus

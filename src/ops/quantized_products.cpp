// Convolution and dense layers of bytes. What they compute is said once, in terms of the operators on real numbers: integers
// and their sums are exact in double, and in f32 up to 2^24.

#include <ocellus/ops/quantize.h>

#include <fmt/format.h>

#include <ocellus/base/threads.h>
#include <ocellus/ops/cast.h>
#include <ocellus/ops/conv.h>
#include <ocellus/ops/dense.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/shape.h>

#include "ops/support/bytes.h"
#include "ops/support/checks.h"

namespace ocellus {

using namespace detail;

namespace {

/// [K] with ones around it, to meet [N,K,spatial...].
std::vector<int64_t> per_channel(int64_t channels, size_t rank) {
  std::vector<int64_t> dims(rank, 1);
  dims[1] = channels;
  return dims;
}

}  // namespace

void QuantizedProducts::attrs(AttrVisitor& v) const {
  v("bias", bias);
  v("residual", residual);
  visit_activation(v, activation);
  v("dtype", dtype);
  v("scale", scale);
  v("residual_scale", residual_scale);
}

Types QuantizedProducts::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, size_t{3} + bias + residual);
  const TensorType &x = inputs[0], &weights = inputs[1];
  expect_byte(x.dtype, "input");
  if (weights.dtype != DType::i8) throw TypeError("weight must be i8, got " + to_string(weights));
  if (dtype != DType::f32) expect_byte(dtype, "an output that is not f32");
  expect_scale(scale);
  expect_scale(residual_scale);
  Types real = {{DType::f32, x.shape}, {DType::f32, weights.shape}};
  if (bias) real.push_back(inputs[3]);
  const Shape shape = sums()->infer(real)[0].shape;
  for (size_t i = 2; i < size_t{3} + bias; ++i)
    if (inputs[i].dtype != DType::f32) throw TypeError("multipliers and bias must be f32, got " + to_string(inputs[i]));
  expect_shape(inputs[2], {weights.shape[0]}, "multipliers");
  if (residual) {
    expect_shape(inputs.back(), shape, "residual");
    if (dtype == DType::f32 ? inputs.back().dtype != DType::f32 : !is_byte(inputs.back().dtype))
      throw TypeError(fmt::format("a residual of {} can't be added to an output of {}", to_string(inputs.back()),
                                  to_string(dtype)));
  }
  return {{dtype, shape}};
}

Values QuantizedProducts::gradient(GradCtx&) const {
  throw Unsupported("arithmetic with bytes has no gradient: train in f32 or bf16");
}

/// Takes memory: programs run a kernel or the decomposition, never this.
void QuantizedProducts::eval(EvalCtx& ctx) const {
  const Shape& shape = ctx.out().shape();
  std::vector<Tensor> real = {ctx.in(0).to(DType::f64), ctx.in(1).to(DType::f64)}, sum = {Tensor(DType::f64, shape)};
  if (bias) real.push_back(ctx.in(3).to(DType::f64));
  EvalCtx inner{ctx.node, real, sum};
  sums()->eval(inner);
  const int64_t channels = shape[1], plane = shape.numel() / std::max<int64_t>(shape[0] * channels, 1);
  const auto finished = [&](int64_t i) {
    const double y = sum[0].as<double>()[i] * ctx.in(2).at(i / plane % channels);
    return activate(activation, residual ? y + residual_scale * ctx.inputs.back().at(i) : y);
  };
  const auto fill = [&](auto out, auto&& convert) {
    parallel_for(shape.numel(), 1024, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) out[i] = convert(finished(i));
    });
  };
  if (is_byte(dtype))
    with_byte(ctx.out(), [&]<class Q>(Q) { fill(ctx.out().as<Q>(), [&](double y) { return rounded<Q>(y / scale); }); });
  else
    with_real(ctx.out(), [&]<class T>(T) { fill(ctx.out().as<T>(), [](double y) { return static_cast<T>(y); }); });
}

std::optional<Values> QuantizedProducts::decompose(std::span<const Value> in) const {
  Values real = {ops::cast(in[0], DType::f32), ops::cast(in[1], DType::f32)};
  if (bias) real.push_back(in[3]);
  Value y = emit(sums(), real)[0];
  y = ops::mul(y, ops::reshape(in[2], per_channel(in[1].shape()[0], y.shape().rank())));
  if (residual) y = ops::add(y, dtype == DType::f32 ? in.back() : ops::dequantize(in.back(), residual_scale));
  y = ops::activation(y, activation);
  return Values{dtype == DType::f32 ? y : ops::quantize(y, dtype, scale)};
}

int64_t QuantizedProducts::macs(std::span<const TensorType> inputs, std::span<const TensorType> outputs) const {
  return sums()->macs(inputs, outputs);
}

void QuantizedConv::attrs(AttrVisitor& v) const {
  visit_window(v, window);
  v("groups", groups);
  QuantizedProducts::attrs(v);
}

OpPtr QuantizedConv::sums() const {
  auto op = std::make_shared<Conv>();
  op->window = window;
  op->groups = groups;
  op->bias = bias;
  return op;
}

OpPtr QuantizedDense::sums() const {
  auto op = std::make_shared<Dense>();
  op->bias = bias;
  return op;
}

std::span<const OpEntry> ops_in_quantized_products() {
  static const OpEntry entries[] = {op_entry<QuantizedConv>(), op_entry<QuantizedDense>()};
  return entries;
}

}  // namespace ocellus

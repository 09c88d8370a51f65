#include <ocellus/ops/conv_pool.h>

#include <algorithm>

#include "ops/support/checks.h"
#include "ops/support/pooling.h"

namespace ocellus {

using namespace detail;

namespace {

/// The pooling, over a convolution's result.
MaxPool halves() {
  MaxPool pool;
  pool.window.stride = {2, 2};
  pool.kernel = {2, 2};
  return pool;
}

MaxPoolBackward halves_backward(const std::vector<int64_t>& sizes) {
  MaxPoolBackward pool;
  pool.window.stride = {2, 2};
  pool.kernel = {2, 2};
  pool.input = sizes;
  return pool;
}

void expect_planes(const TensorType& t, std::string_view what) {
  if (t.shape.rank() != 4) throw ShapeError(std::string(what) + " must be [N,C,H,W], got " + t.shape.to_string());
}

/// The convolution's result, of x's and the weights' spatial sizes: [N,K,...].
TensorType between(const TensorType& dy, const Window& window, std::span<const int64_t> input,
                   std::span<const int64_t> kernel) {
  return {dy.dtype, with_spatial(dy.shape, place(window, input, kernel).output)};
}

/// dy before pooling: where it went, and zeros.
Tensor unpooled(const EvalCtx& ctx, const Tensor& dy, const Tensor& positions, const TensorType& type) {
  const std::array inputs = {dy, positions};
  std::array outputs = {Tensor(dy.dtype(), type.shape)};
  EvalCtx inner{ctx.node, inputs, outputs};
  halves_backward(spatial(type.shape)).eval(inner);
  return outputs[0];
}

Value unpooled(const Value& dy, const Value& positions, const TensorType& type) {
  return apply(halves_backward(spatial(type.shape)), {dy, positions});
}

}  // namespace

void ConvPool::attrs(AttrVisitor& v) const {
  visit_window(v, window);
  v("bias", bias);
  visit_activation(v, activation);
}

Conv ConvPool::conv() const {
  Conv op;
  op.window = window;
  op.bias = bias;
  op.activation = activation;
  return op;
}

Types ConvPool::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, size_t{2} + bias);
  expect_planes(inputs[0], "input");
  if (!keeps_order(activation)) throw TypeError("is for linear, relu and leaky relu");
  return halves().infer(conv().infer(inputs));
}

Values ConvPool::gradient(GradCtx& ctx) const {
  // A maximum's slope is told by the pooled value as well, and no other element has a gradient.
  const Value dy = ops::activation_backward(ctx.dout(), ctx.out(), activation);
  Values gradients(ctx.inputs());
  if (ctx.needs(0)) {
    ConvPoolBackwardData op;
    op.window = window;
    op.input = spatial(ctx.in(0).shape());
    gradients[0] = apply(std::move(op), {dy, ctx.out(1), ctx.in(1)});
  }
  const bool bias_needed = bias && ctx.needs(2);
  if (ctx.needs(1) || bias_needed) {
    ConvPoolBackwardWeights op;
    op.window = window;
    op.bias = bias_needed;
    op.kernel = spatial(ctx.in(1).shape());
    const Values outputs =
        emit(std::make_shared<const ConvPoolBackwardWeights>(std::move(op)), {ctx.in(0), dy, ctx.out(1)});
    gradients[1] = outputs[0];
    if (bias_needed) gradients[2] = outputs[1];
  }
  return gradients;
}

void ConvPool::eval(EvalCtx& ctx) const {
  Types types;
  for (const Tensor& t : ctx.inputs) types.push_back({t.dtype(), t.shape()});
  std::array result = {Tensor(ctx.in(0).dtype(), conv().infer(types)[0].shape)};
  EvalCtx inner{ctx.node, ctx.inputs, result};
  conv().eval(inner);
  EvalCtx outer{ctx.node, result, ctx.outputs};
  halves().eval(outer);
}

std::optional<Values> ConvPool::decompose(std::span<const Value> in) const {
  return emit(std::make_shared<const MaxPool>(halves()), {apply(conv(), Values(in.begin(), in.end()))});
}

int64_t ConvPool::macs(std::span<const TensorType> inputs, std::span<const TensorType>) const {
  const Types result = conv().infer(inputs);
  return conv().macs(inputs, result);
}

void ConvPoolBackwardData::attrs(AttrVisitor& v) const {
  visit_window(v, window);
  v("input", input);
}

ConvBackwardData ConvPoolBackwardData::conv() const {
  ConvBackwardData op;
  op.window = window;
  op.input = input;
  return op;
}

Types ConvPoolBackwardData::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 3);
  expect_planes(inputs[0], "dy");
  expect_planes(inputs[2], "weight");
  const TensorType full = between(inputs[0], window, input, spatial(inputs[2].shape));
  halves_backward(spatial(full.shape)).infer(inputs.first(2));
  return conv().infer(std::array{full, inputs[2]});
}

void ConvPoolBackwardData::eval(EvalCtx& ctx) const {
  const TensorType full = between({ctx.in(0).dtype(), ctx.in(0).shape()}, window, input, spatial(ctx.in(2).shape()));
  const std::array inputs = {unpooled(ctx, ctx.in(0), ctx.in(1), full), ctx.in(2)};
  EvalCtx inner{ctx.node, inputs, ctx.outputs};
  conv().eval(inner);
}

std::optional<Values> ConvPoolBackwardData::decompose(std::span<const Value> in) const {
  const TensorType full = between(in[0].type(), window, input, spatial(in[2].shape()));
  return Values{apply(conv(), {unpooled(in[0], in[1], full), in[2]})};
}

int64_t ConvPoolBackwardData::macs(std::span<const TensorType> inputs, std::span<const TensorType> outputs) const {
  const TensorType full = between(inputs[0], window, input, spatial(inputs[2].shape));
  return conv().macs(std::array{full, inputs[2]}, outputs);
}

void ConvPoolBackwardWeights::attrs(AttrVisitor& v) const {
  visit_window(v, window);
  v("bias", bias);
  v("kernel", kernel);
}

ConvBackwardWeights ConvPoolBackwardWeights::conv() const {
  ConvBackwardWeights op;
  op.window = window;
  op.bias = bias;
  op.kernel = kernel;
  return op;
}

Types ConvPoolBackwardWeights::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 3);
  expect_planes(inputs[0], "input");
  expect_planes(inputs[1], "dy");
  const TensorType full = between(inputs[1], window, spatial(inputs[0].shape), kernel);
  halves_backward(spatial(full.shape)).infer(inputs.last(2));
  return conv().infer(std::array{inputs[0], full});
}

void ConvPoolBackwardWeights::eval(EvalCtx& ctx) const {
  const TensorType full = between({ctx.in(1).dtype(), ctx.in(1).shape()}, window, spatial(ctx.in(0).shape()), kernel);
  const std::array inputs = {ctx.in(0), unpooled(ctx, ctx.in(1), ctx.in(2), full)};
  EvalCtx inner{ctx.node, inputs, ctx.outputs};
  conv().eval(inner);
}

std::optional<Values> ConvPoolBackwardWeights::decompose(std::span<const Value> in) const {
  const TensorType full = between(in[1].type(), window, spatial(in[0].shape()), kernel);
  return emit(std::make_shared<const ConvBackwardWeights>(conv()), {in[0], unpooled(in[1], in[2], full)});
}

int64_t ConvPoolBackwardWeights::macs(std::span<const TensorType> inputs, std::span<const TensorType> outputs) const {
  const TensorType full = between(inputs[1], window, spatial(inputs[0].shape), kernel);
  return conv().macs(std::array{inputs[0], full}, outputs);
}

bool keeps_order(const Activation& a) {
  return a.kind == ActivationKind::none || a.kind == ActivationKind::relu ||
         (a.kind == ActivationKind::leaky_relu && a.alpha >= 0);
}

bool pools_by_halves(const MaxPool& pool, const Shape& input) {
  if (input.rank() != 4 || pool.ceil_mode) return false;
  const PlacedWindow p = place_pool(pool.window, pool.kernel, spatial(input), false);
  const auto all = [](const std::vector<int64_t>& sizes, int64_t value) {
    return std::ranges::all_of(sizes, [=](int64_t s) { return s == value; });
  };
  return all(p.kernel, 2) && all(p.stride, 2) && all(p.dilation, 1) && all(p.pad_begin, 0) && all(p.pad_end, 0);
}

namespace ops {

Value conv_pool(const Value& x, const Value& weights, const Value& bias, const ConvPoolConfig& config) {
  ConvPool op;
  op.window = config.window;
  op.bias = static_cast<bool>(bias);
  op.activation = config.activation;
  Values inputs = {x, weights};
  if (bias) inputs.push_back(bias);
  return apply(std::move(op), std::move(inputs));
}

}  // namespace ops

std::span<const OpEntry> ops_in_conv_pool() {
  static const OpEntry entries[] = {op_entry<ConvPool>(), op_entry<ConvPoolBackwardData>(),
                                    op_entry<ConvPoolBackwardWeights>()};
  return entries;
}

}  // namespace ocellus

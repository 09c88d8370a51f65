// Convolution: forward, and its gradients with respect to input, weights and bias.
//
// The reference evaluations go tap by tap: one element of the kernel meets the input in rows, and each row is a scaled sum
// (forward and backward data) or a dot product (backward weights). Planes are independent, so they are shared among threads.

#include <ocellus/ops/conv.h>

#include <algorithm>

#include <fmt/format.h>

#include <ocellus/base/threads.h>
#include <ocellus/ops/elementwise.h>

#include "ops/support/checks.h"
#include "ops/support/sliding.h"

namespace ocellus {

using namespace detail;

namespace {

std::string text(const TensorType& t) { return t.shape.to_string(); }

std::vector<int64_t> join(std::initializer_list<int64_t> head, const std::vector<int64_t>& tail) {
  std::vector<int64_t> dims(head);
  dims.insert(dims.end(), tail.begin(), tail.end());
  return dims;
}

Shape shape_of(std::initializer_list<int64_t> head, const std::vector<int64_t>& tail) {
  return Shape(std::span<const int64_t>(join(head, tail)));
}

void expect_image(const TensorType& t, std::string_view what) {
  expect_floating(t, what);
  if (t.shape.rank() < 3 || t.shape.rank() > 5)
    throw ShapeError(fmt::format("{} must be [N,C] and 1 to 3 spatial dimensions, got {}", what, text(t)));
}

/// "weight [8,3,3,3]", with the groups if there are several.
std::string weight_text(const TensorType& weights, int64_t groups) {
  return "weight " + text(weights) + (groups > 1 ? fmt::format(" in {} groups", groups) : "");
}

/// The weights are [K, C/groups, kernel...] for values of the rank of `image`, and K is a multiple of the groups.
void expect_weights(const TensorType& weights, const TensorType& image, int64_t groups) {
  expect_floating(weights, "weight");
  if (groups < 1) throw ShapeError(fmt::format("groups must be at least 1, got {}", groups));
  if (weights.shape.rank() != image.shape.rank())
    throw ShapeError(fmt::format("weight {} has {} spatial dimensions, got input {}", text(weights),
                                 static_cast<int64_t>(weights.shape.rank()) - 2, text(image)));
  if (weights.shape[0] % groups != 0)
    throw ShapeError(fmt::format("{} output channels can't be split into {} groups", weights.shape[0], groups));
}

/// macs of a convolution whose output and weights have these types.
int64_t products(const Shape& out, const Shape& weights) { return out.numel() * (weights.numel() / weights[0]); }

/// A convolution's sizes, as the reference evaluations want them.
struct Sizes {
  int64_t batch, in_channels, out_channels, groups;
  Sliding sliding;

  int64_t group_in() const { return in_channels / groups; }
  int64_t group_out() const { return out_channels / groups; }
  int64_t in_plane(int64_t n, int64_t c) const { return (n * in_channels + c) * sliding.input_size(); }
  int64_t out_plane(int64_t n, int64_t k) const { return (n * out_channels + k) * sliding.output_size(); }
  /// Where the weights from channel c of a group to output channel k begin.
  int64_t weight(int64_t k, int64_t c) const { return (k * group_in() + c) * sliding.taps(); }
};

struct Forward {
  const Activation& activation;
  bool bias, residual;

  template <class T>
  void run(EvalCtx& ctx, const Sizes& s) const {
    const T* x = ctx.in(0).as<T>().data();
    const T* w = ctx.in(1).as<T>().data();
    const T* b = bias ? ctx.in(2).as<T>().data() : nullptr;
    const T* r = residual ? ctx.in(bias ? 3 : 2).as<T>().data() : nullptr;
    T* y = ctx.out().as<T>().data();
    const int64_t size = s.sliding.output_size();
    parallel_for(s.batch * s.out_channels, 2, [&](int64_t begin, int64_t end) {
      for (int64_t plane = begin; plane < end; ++plane) {
        const int64_t n = plane / s.out_channels, k = plane % s.out_channels;
        T* out = y + plane * size;
        std::fill_n(out, size, b ? b[k] : T(0));
        for (int64_t c = 0; c < s.group_in(); ++c) {
          const T* in = x + s.in_plane(n, k / s.group_out() * s.group_in() + c);
          const T* taps = w + s.weight(k, c);
          s.sliding.for_each_row([&](const SlidingRow& row) {
            const T factor = taps[row.tap];
            for (int64_t i = 0; i < row.count; ++i) out[row.out + i] += factor * in[row.in + i * row.step];
          });
        }
        finish(out, r ? r + plane * size : nullptr, size);
      }
    });
  }

  template <class T>
  void finish(T* out, const T* added, int64_t size) const {
    for (int64_t i = 0; i < size; ++i)
      out[i] = static_cast<T>(activate(activation, added ? out[i] + added[i] : out[i]));
  }
};

template <class T>
void backward_data(EvalCtx& ctx, const Sizes& s) {
  const T* dy = ctx.in(0).as<T>().data();
  const T* w = ctx.in(1).as<T>().data();
  T* dx = ctx.out().as<T>().data();
  parallel_for(s.batch * s.in_channels, 2, [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      const int64_t n = plane / s.in_channels, channel = plane % s.in_channels;
      const int64_t group = channel / s.group_in(), c = channel % s.group_in();
      T* in = dx + plane * s.sliding.input_size();
      std::fill_n(in, s.sliding.input_size(), T(0));
      for (int64_t k = group * s.group_out(); k < (group + 1) * s.group_out(); ++k) {
        const T* out = dy + s.out_plane(n, k);
        const T* taps = w + s.weight(k, c);
        s.sliding.for_each_row([&](const SlidingRow& row) {
          const T factor = taps[row.tap];
          for (int64_t i = 0; i < row.count; ++i) in[row.in + i * row.step] += factor * out[row.out + i];
        });
      }
    }
  });
}

template <class T>
void backward_weights(EvalCtx& ctx, const Sizes& s) {
  const T* x = ctx.in(0).as<T>().data();
  const T* dy = ctx.in(1).as<T>().data();
  T* dw = ctx.out(0).as<T>().data();
  parallel_for(s.out_channels * s.group_in(), 2, [&](int64_t begin, int64_t end) {
    for (int64_t pair = begin; pair < end; ++pair) {
      const int64_t k = pair / s.group_in(), c = pair % s.group_in();
      T* taps = dw + s.weight(k, c);
      std::fill_n(taps, s.sliding.taps(), T(0));
      for (int64_t n = 0; n < s.batch; ++n) {
        const T* in = x + s.in_plane(n, k / s.group_out() * s.group_in() + c);
        const T* out = dy + s.out_plane(n, k);
        s.sliding.for_each_row([&](const SlidingRow& row) {
          double sum = 0;
          for (int64_t i = 0; i < row.count; ++i) sum += double(in[row.in + i * row.step]) * double(out[row.out + i]);
          taps[row.tap] += static_cast<T>(sum);
        });
      }
    }
  });
}

template <class T>
void backward_bias(EvalCtx& ctx, const Sizes& s) {
  const auto dy = ctx.in(1).as<T>();
  const auto db = ctx.out(1).as<T>();
  for (int64_t k = 0; k < s.out_channels; ++k) {
    double sum = 0;
    for (int64_t n = 0; n < s.batch; ++n)
      for (const T v : dy.subspan(s.out_plane(n, k), s.sliding.output_size())) sum += v;
    db[k] = static_cast<T>(sum);
  }
}

}  // namespace

void Conv::attrs(AttrVisitor& v) const {
  visit_window(v, window);
  v("groups", groups);
  v("bias", bias);
  v("residual", residual);
  visit_activation(v, activation);
}

Types Conv::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, size_t{2} + bias + residual);
  const TensorType &x = inputs[0], &weights = inputs[1];
  expect_image(x, "input");
  expect_weights(weights, x, groups);
  if (weights.shape[1] * groups != x.shape[1])
    throw ShapeError(fmt::format("{} expects {} input channels, got input {}", weight_text(weights, groups),
                                 weights.shape[1] * groups, text(x)));
  const PlacedWindow placed = place(window, spatial(x.shape), spatial(weights.shape));
  const Shape out = shape_of({x.shape[0], weights.shape[0]}, placed.output);
  if (bias) expect_shape(inputs[2], {weights.shape[0]}, "bias");
  if (residual) expect_shape(inputs.back(), out, "residual");
  return {{x.dtype, out}};
}

Values Conv::gradient(GradCtx& ctx) const {
  const Value dy = ops::activation_backward(ctx.dout(), ctx.out(), activation);
  Values gradients(ctx.inputs());
  if (ctx.needs(0)) {
    ConvBackwardData op;
    op.window = window;
    op.groups = groups;
    op.input = spatial(ctx.in(0).shape());
    gradients[0] = apply(std::move(op), {dy, ctx.in(1)});
  }
  const bool bias_needed = bias && ctx.needs(2);
  if (ctx.needs(1) || bias_needed) {
    ConvBackwardWeights op;
    op.window = window;
    op.groups = groups;
    op.bias = bias_needed;
    op.kernel = spatial(ctx.in(1).shape());
    const Values outputs = emit(std::make_shared<const ConvBackwardWeights>(std::move(op)), {ctx.in(0), dy});
    gradients[1] = outputs[0];
    if (bias_needed) gradients[2] = outputs[1];
  }
  if (residual) gradients.back() = dy;
  return gradients;
}

void Conv::eval(EvalCtx& ctx) const {
  const Shape &x = ctx.in(0).shape(), &w = ctx.in(1).shape();
  const Sizes sizes{x[0], x[1], w[0], groups, Sliding(place(window, spatial(x), spatial(w)))};
  with_real(ctx.in(0), [&]<class T>(T) { Forward{activation, bias, residual}.run<T>(ctx, sizes); });
}

int64_t Conv::macs(std::span<const TensorType> inputs, std::span<const TensorType> outputs) const {
  return products(outputs[0].shape, inputs[1].shape);
}

void ConvBackwardData::attrs(AttrVisitor& v) const {
  visit_window(v, window);
  v("groups", groups);
  v("input", input);
}

Types ConvBackwardData::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 2);
  const TensorType &dy = inputs[0], &weights = inputs[1];
  expect_image(dy, "dy");
  expect_weights(weights, dy, groups);
  const PlacedWindow placed = place(window, input, spatial(weights.shape));
  expect_shape(dy, shape_of({dy.shape[0], weights.shape[0]}, placed.output), "dy");
  return {{dy.dtype, shape_of({dy.shape[0], weights.shape[1] * groups}, input)}};
}

Values ConvBackwardData::gradient(GradCtx& ctx) const {
  Values gradients(2);
  if (ctx.needs(0)) {
    Conv op;
    op.window = window;
    op.groups = groups;
    gradients[0] = apply(std::move(op), {ctx.dout(), ctx.in(1)});
  }
  if (ctx.needs(1)) {
    ConvBackwardWeights op;
    op.window = window;
    op.groups = groups;
    op.kernel = spatial(ctx.in(1).shape());
    gradients[1] = apply(std::move(op), {ctx.dout(), ctx.in(0)});
  }
  return gradients;
}

void ConvBackwardData::eval(EvalCtx& ctx) const {
  const Shape &dx = ctx.out().shape(), &w = ctx.in(1).shape();
  const Sizes sizes{dx[0], dx[1], w[0], groups, Sliding(place(window, input, spatial(w)))};
  with_real(ctx.in(0), [&]<class T>(T) { backward_data<T>(ctx, sizes); });
}

int64_t ConvBackwardData::macs(std::span<const TensorType> inputs, std::span<const TensorType>) const {
  return products(inputs[0].shape, inputs[1].shape);
}

void ConvBackwardWeights::attrs(AttrVisitor& v) const {
  visit_window(v, window);
  v("groups", groups);
  v("bias", bias);
  v("kernel", kernel);
}

Types ConvBackwardWeights::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 2);
  const TensorType &x = inputs[0], &dy = inputs[1];
  expect_image(x, "input");
  expect_image(dy, "dy");
  if (groups < 1 || x.shape[1] % groups != 0 || dy.shape[1] % groups != 0)
    throw ShapeError(fmt::format("input {} and dy {} can't be split into {} groups", text(x), text(dy), groups));
  const PlacedWindow placed = place(window, spatial(x.shape), kernel);
  expect_shape(dy, shape_of({x.shape[0], dy.shape[1]}, placed.output), "dy");
  Types types = {{wide(x.dtype), shape_of({dy.shape[1], x.shape[1] / groups}, kernel)}};
  if (bias) types.push_back({wide(x.dtype), {dy.shape[1]}});
  return types;
}

void ConvBackwardWeights::eval(EvalCtx& ctx) const {
  const Shape &x = ctx.in(0).shape(), &dy = ctx.in(1).shape();
  const Sizes sizes{x[0], x[1], dy[1], groups, Sliding(place(window, spatial(x), kernel))};
  with_real(ctx.in(0), [&]<class T>(T) {
    backward_weights<T>(ctx, sizes);
    if (bias) backward_bias<T>(ctx, sizes);
  });
}

int64_t ConvBackwardWeights::macs(std::span<const TensorType> inputs, std::span<const TensorType> outputs) const {
  return products(inputs[1].shape, outputs[0].shape);
}

namespace ops {
namespace {

/// x with what the window pads it with around it; the window pads nothing from then on.
Value padded(const Value& x, const Value& weights, PadMode mode, Window& window) {
  const PlacedWindow placed = place(window, spatial(x.shape()), spatial(weights.shape()));
  window.padding = valid;
  return pad(x, {.before = join({0, 0}, placed.pad_begin), .after = join({0, 0}, placed.pad_end), .mode = mode});
}

Value mirrored(const Value& weights) {
  std::vector<int64_t> axes;
  for (size_t i = 2; i < weights.shape().rank(); ++i) axes.push_back(static_cast<int64_t>(i));
  return reverse(weights, std::move(axes));
}

}  // namespace

Value conv(const Value& x, const Value& weights, const Value& bias, const ConvConfig& config) {
  Conv op;
  op.window = config.window;
  op.groups = config.groups;
  op.bias = static_cast<bool>(bias);
  op.activation = config.activation;
  Values inputs = {x, config.flip ? mirrored(weights) : weights};
  if (bias) inputs.push_back(bias);
  if (config.padding_mode == PadMode::constant) return apply(std::move(op), std::move(inputs));
  emit(std::make_shared<const Conv>(op), inputs);  // what does not fit is told in terms of the caller's input
  inputs[0] = padded(x, weights, config.padding_mode, op.window);
  return apply(std::move(op), std::move(inputs));
}

Value conv_transpose(const Value& x, const Value& weights, const Value& bias, const ConvTransposeConfig& config) {
  ConvBackwardData op;
  op.window = config.window;
  op.groups = config.groups;
  try {
    expect_image(x.type(), "input");
    expect_weights(weights.type(), x.type(), config.groups);
    if (weights.shape()[0] != x.shape()[1])
      throw ShapeError(fmt::format("{} expects {} input channels, got input {}", weight_text(weights.type(), op.groups),
                                   weights.shape()[0], text(x.type())));
    op.input = place_transposed(config.window, spatial(x.shape()), spatial(weights.shape()), config.output_padding);
    if (bias) expect_shape(bias.type(), {weights.shape()[1] * config.groups}, "bias");
  } catch (const ShapeError& e) {
    throw ShapeError("conv_transpose", "", e.message());
  }
  const std::vector<int64_t> ones(op.input.size(), 1);  // of the result's rank, so that it can take the result's order
  Value y = apply(std::move(op), {x, weights});
  if (bias) y = add(y, reshape(bias, join({1, y.shape()[1]}, ones)));
  return activation(y, config.activation);
}

}  // namespace ops

std::span<const OpEntry> ops_in_conv() {
  static const OpEntry entries[] = {op_entry<Conv>(), op_entry<ConvBackwardData>(), op_entry<ConvBackwardWeights>()};
  return entries;
}

}  // namespace ocellus

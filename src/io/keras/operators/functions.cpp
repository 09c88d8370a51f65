// Element-wise operators, softmax, pooling.
#include <algorithm>

#include <ocellus/ops/activation.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/pool.h>
#include <ocellus/ops/softmax.h>
#include <ocellus/ops/unary.h>

#include "io/keras/operator_table.h"
#include "io/tensors.h"

namespace ocellus::io::keras {
namespace {

/// The same order as the input: what a function of each element gives.
Written like(const Operator& op, size_t layer) {
  return {.layer = layer, .order = op.inputs[0].order, .before = op.inputs[0].before};
}

Written activation(Sheet& sheet, const Operator& op) {
  return like(op, sheet.activated(op.inputs[0].layer, op.node.as<ActivationOp>()->activation));
}

/// The functions that operators may also have as an attribute; Keras has layers for few others.
Written unary(Sheet& sheet, const Operator& op) {
  const Function& f = op.node.as<Unary>()->function;
  const size_t x = op.inputs[0].layer;
  if (f.kind == UnaryKind::exp || f.kind == UnaryKind::softplus)
    return like(op, sheet.add("Activation", {x}, sheet.shape(x),
                              {{"activation", f.kind == UnaryKind::exp ? "exponential" : "softplus"}}));
  constexpr std::pair<UnaryKind, ActivationKind> same_functions[] = {
      {UnaryKind::elu, ActivationKind::elu},
      {UnaryKind::silu, ActivationKind::silu},
      {UnaryKind::hard_swish, ActivationKind::hard_swish},
      {UnaryKind::hard_sigmoid, ActivationKind::hard_sigmoid},
      {UnaryKind::mish, ActivationKind::mish},
      {UnaryKind::gelu, ActivationKind::gelu},
      {UnaryKind::clip, ActivationKind::clip}};
  for (const auto& [kind, activation] : same_functions)
    if (kind == f.kind) return like(op, sheet.activated(x, {activation, f.alpha, f.beta}));
  cannot("a function that Keras has no layer for");
}

/// x * scale + offset with a number for each channel is a normalisation that changes nothing else.
Written by_channel(Sheet& sheet, const Operator& op, const Tensor& scale, const Tensor& offset) {
  const int64_t channels = op.result()[1];
  const auto each = [&](const Tensor& t) {
    return t.numel() == 1 ? Tensor::full(DType::f32, {channels}, t.at(0)) : t.reshape({t.numel()});
  };
  const auto one_a_channel = [&](const Tensor& t) {
    const Shape& s = t.shape();
    return t.numel() == 1 || (t.numel() == channels && s.rank() + 1 >= op.result().rank() &&
                              s[s.rank() + 1 - op.result().rank()] == channels);
  };
  if (!one_a_channel(scale) || !one_a_channel(offset)) cannot("with an array that is not one number a channel");
  const size_t y = sheet.add("BatchNormalization", {sheet.moved(op.inputs[0])}, moved_shape(op.result()),
                             {{"axis", -1}, {"epsilon", 0.0}},
                             {{"gamma", each(scale)},
                              {"beta", each(offset)},
                              {"moving_mean", Tensor(DType::f32, {channels})},
                              {"moving_variance", Tensor::full(DType::f32, {channels}, 1)}});
  return {.layer = y, .order = op.result().rank() > 2 ? Order::moved : Order::plain};
}

Written binary(Sheet& sheet, const Operator& op) {
  const auto& binary = *op.node.as<Binary>();
  if (op.inputs.size() == 1) {
    const size_t at = op.fixed[0] ? 0 : 1;
    const Tensor array = op.array(at), one = Tensor::full(DType::f32, {1}, 1), zero = Tensor::full(DType::f32, {1}, 0);
    Written y;
    if (binary.kind == BinaryKind::add)
      y = by_channel(sheet, op, one, array);
    else if (binary.kind == BinaryKind::mul)
      y = by_channel(sheet, op, array, zero);
    else
      cannot("of a value and an array");
    y.layer = sheet.activated(y.layer, binary.activation);
    return y;
  }
  constexpr const char* classes[] = {"Add", "Subtract", "Multiply", nullptr, "Maximum", "Minimum"};
  const char* name = classes[static_cast<size_t>(binary.kind)];
  if (!name) cannot("a quotient");
  if (op.shape(0).rank() != op.shape(1).rank()) cannot("of values of different numbers of dimensions");
  const bool channels = op.result().rank() > 2 &&
                        std::ranges::any_of(op.inputs, [](const Written& x) { return x.order == Order::moved; });
  std::vector<size_t> inputs;
  for (const Written& x : op.inputs) inputs.push_back(channels ? sheet.moved(x) : sheet.plain(x));
  const size_t y = sheet.add(name, inputs, channels ? moved_shape(op.result()) : plain_shape(op.result()));
  return {.layer = sheet.activated(y, binary.activation), .order = channels ? Order::moved : Order::plain};
}

Written sum(Sheet& sheet, const Operator& op) {
  std::vector<size_t> inputs;
  for (const Written& x : op.inputs) inputs.push_back(sheet.moved(x));
  return {.layer = sheet.add("Add", inputs, moved_shape(op.result())),
          .order = op.result().rank() > 2 ? Order::moved : Order::plain};
}

Written affine(Sheet& sheet, const Operator& op) {
  const auto& affine = *op.node.as<Affine>();
  const size_t x = op.inputs[0].layer;
  return like(op, sheet.add("Rescaling", {x}, sheet.shape(x), {{"scale", affine.scale}, {"offset", affine.shift}}));
}

Written softmax(Sheet& sheet, const Operator& op) {
  const size_t x = sheet.moved(op.inputs[0]);
  const bool log = op.node.as<Softmax>()->log;
  const size_t y = sheet.add("Activation", {x}, sheet.shape(x), {{"activation", log ? "log_softmax" : "softmax"}});
  return {.layer = y, .order = op.result().rank() > 2 ? Order::moved : Order::plain};
}

/// True where nothing is below zero, so that zeros around it never win.
bool never_negative(const Value& v) {
  const Node& node = v.node();
  if (const auto* a = node.as<ActivationOp>()) return a->activation.kind == ActivationKind::relu;
  if (const auto* u = node.as<Unary>()) return u->function.kind == UnaryKind::clip && u->function.alpha >= 0;
  if (const auto* b = node.as<Binary>()) return b->activation.kind == ActivationKind::relu;
  if (node.op().name() == "conv" || node.op().name() == "batch_norm")
    return attributes(node.op()).find("activation=relu") != std::string::npos;
  return node.as<MaxPool>() && never_negative(node.inputs()[0]);
}

Written max_pool(Sheet& sheet, const Operator& op) {
  const auto& pool = *op.node.as<MaxPool>();
  const PlacedWindow window = place(pool.window, spatial(op.shape()), pool.kernel, pool.ceil_mode);
  if (std::ranges::any_of(window.dilation, [](int64_t d) { return d != 1; })) cannot("with dilation");
  size_t x = sheet.moved(op.inputs[0]);
  const size_t before = sheet.layers.size();
  const std::string padding = padding_for(sheet, x, window);
  if (sheet.layers.size() > before && !never_negative(op.node.inputs()[0]))
    cannot("with padding, of values that may be negative");
  return {.layer = sheet.add(with_rank("MaxPooling", window.kernel.size()), {x}, moved_shape(op.result()),
                             {{"pool_size", window.kernel}, {"strides", window.stride}, {"padding", padding}}),
          .order = Order::moved};
}

Written average_pool(Sheet& sheet, const Operator& op) {
  const auto& pool = *op.node.as<AveragePool>();
  const PlacedWindow window = place(pool.window, spatial(op.shape()), pool.kernel, pool.ceil_mode);
  size_t x = sheet.moved(op.inputs[0]);
  const size_t before = sheet.layers.size();
  std::string padding = padding_for(sheet, x, window);
  const bool zeros = sheet.layers.size() > before;
  if (zeros && (!pool.count_include_pad || window.pad_end != window.asked_end))
    cannot("with padding that does not count");
  if (padding == "same" && pool.count_include_pad) {
    x = sheet.padded(x, window.pad_begin, window.pad_end);
    padding = "valid";
  }
  return {.layer = sheet.add(with_rank("AveragePooling", window.kernel.size()), {x}, moved_shape(op.result()),
                             {{"pool_size", window.kernel}, {"strides", window.stride}, {"padding", padding}}),
          .order = Order::moved};
}

Written global_pool(Sheet& sheet, const Operator& op, const char* family) {
  return {.layer = sheet.add(with_rank(family, op.shape().rank() - 2), {sheet.moved(op.inputs[0])},
                             moved_shape(op.result()), {{"keepdims", true}}),
          .order = Order::moved};
}

Written global_average_pool(Sheet& sheet, const Operator& op) { return global_pool(sheet, op, "GlobalAveragePooling"); }

template <class Pool>
Written adaptive_pool(Sheet& sheet, const Operator& op) {
  constexpr bool max = std::is_same_v<Pool, AdaptiveMaxPool>;
  const auto& output = op.node.as<Pool>()->output;
  if (std::ranges::any_of(output, [](int64_t n) { return n != 1; })) cannot("to a size that Keras has no layer for");
  return global_pool(sheet, op, max ? "GlobalMaxPooling" : "GlobalAveragePooling");
}

}  // namespace

namespace writing {

std::span<const KerasOperator> writes_in_functions() {
  static constexpr KerasOperator operators[] = {{"activation", activation},
                                                {"unary", unary},
                                                {"binary", binary},
                                                {"add_n", sum},
                                                {"affine", affine},
                                                {"softmax", softmax},
                                                {"max_pool", max_pool},
                                                {"average_pool", average_pool},
                                                {"global_average_pool", global_average_pool},
                                                {"adaptive_average_pool", adaptive_pool<AdaptiveAveragePool>},
                                                {"adaptive_max_pool", adaptive_pool<AdaptiveMaxPool>}};
  return operators;
}

}  // namespace writing
}  // namespace ocellus::io::keras

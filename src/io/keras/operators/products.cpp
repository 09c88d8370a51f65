// Operators with arrays. Keras keeps kernels as [kernel..., in, out].
#include <algorithm>
#include <cmath>

#include <ocellus/ops/conv.h>
#include <ocellus/ops/dense.h>
#include <ocellus/ops/norm.h>
#include <ocellus/ops/prelu.h>
#include <ocellus/ops/sample_norm.h>

#include "io/keras/operator_table.h"
#include "io/tensors.h"

namespace ocellus::io::keras {
namespace {

using Arrays = std::vector<std::pair<std::string, Tensor>>;

/// [out, in, kernel...] as [kernel..., in, out].
Tensor kernel_of(const Tensor& t) {
  std::vector<size_t> order;
  for (size_t i = 2; i < t.shape().rank(); ++i) order.push_back(i);
  order.insert(order.end(), {1, 0});
  return transposed(t, order);
}

/// [channels * multiplier, 1, kernel...] as [kernel..., channels, multiplier].
Tensor depthwise_kernel_of(const Tensor& t, int64_t channels) {
  std::vector<int64_t> dims = {channels, t.shape()[0] / channels};
  std::vector<size_t> order;
  for (size_t i = 2; i < t.shape().rank(); ++i) {
    dims.push_back(t.shape()[i]);
    order.push_back(i);
  }
  order.insert(order.end(), {0, 1});
  return transposed(t.reshape(shape_of(dims)), order);
}

Written moved_as(size_t layer, const Shape& shape) {
  return {.layer = layer, .order = shape.rank() > 2 ? Order::moved : Order::plain};
}

Written conv(Sheet& sheet, const Operator& op) {
  const auto& conv = *op.node.as<Conv>();
  if (conv.residual) cannot("which adds a residual");
  const Tensor& weights = op.array(1);
  const size_t rank = weights.shape().rank() - 2;
  const int64_t channels = op.shape()[1];
  const PlacedWindow window = place(conv.window, spatial(op.shape()), spatial(weights.shape()));
  size_t x = sheet.moved(op.inputs[0]);
  const std::string padding = padding_for(sheet, x, window);
  const bool even = std::ranges::all_of(window.stride, [&](int64_t s) { return s == window.stride[0]; });
  const bool depthwise = conv.groups == channels && channels > 1 && rank <= 2 && even;
  Settings config = {{"kernel_size", window.kernel},     {"strides", window.stride}, {"padding", padding},
                     {"dilation_rate", window.dilation}, {"use_bias", conv.bias},    {"activation", "linear"}};
  Arrays arrays;
  if (depthwise) {
    config["depth_multiplier"] = weights.shape()[0] / channels;
    arrays.emplace_back("depthwise_kernel", depthwise_kernel_of(weights, channels));
  } else {
    config["filters"] = weights.shape()[0];
    config["groups"] = conv.groups;
    arrays.emplace_back("kernel", kernel_of(weights));
  }
  if (conv.bias) arrays.emplace_back("bias", op.array(2));
  const size_t y =
      sheet.add(with_rank(depthwise ? "DepthwiseConv" : "Conv", rank), {x}, moved_shape(op.result()), config, arrays);
  return moved_as(sheet.activated(y, conv.activation), op.result());
}

/// Keras crops as its padding says; what was asked for in numbers is cropped afterwards.
Written conv_transpose(Sheet& sheet, const Operator& op) {
  const auto& conv = *op.node.as<ConvBackwardData>();
  if (conv.groups != 1) cannot("which is transposed and grouped");
  const Tensor& weights = op.array(1);
  const size_t rank = weights.shape().rank() - 2;
  const std::vector<int64_t> outputs = spatial(op.result()), inputs = spatial(op.shape());
  const PlacedWindow window = place(conv.window, outputs, spatial(weights.shape()));
  const size_t x = sheet.moved(op.inputs[0]);
  const bool is_same = conv.window.padding.rule == PadRule::same;
  Settings config = {{"filters", weights.shape()[1]},    {"kernel_size", window.kernel},
                     {"strides", window.stride},         {"padding", is_same ? "same" : "valid"},
                     {"dilation_rate", window.dilation}, {"use_bias", false}};
  std::vector<int64_t> full = moved_shape(op.result());
  Settings crops = Settings::array();
  bool cropped = false;
  for (size_t i = 0; i < rank; ++i) {
    const int64_t covered = (window.kernel[i] - 1) * window.dilation[i] + 1;
    full[i + 1] = is_same ? inputs[i] * window.stride[i]
                          : (inputs[i] - 1) * window.stride[i] + std::max(covered, window.stride[i]);
    const int64_t end = full[i + 1] - (is_same ? 0 : window.pad_begin[i]) - outputs[i];
    if (end < 0 || (is_same && end != 0)) cannot("which gives more than Keras does");
    crops.push_back({is_same ? 0 : window.pad_begin[i], end});
    cropped = cropped || end > 0 || (!is_same && window.pad_begin[i] > 0);
  }
  size_t y = sheet.add(with_rank("Conv", rank, "Transpose"), {x}, full, config, {{"kernel", kernel_of(weights)}});
  if (cropped)
    y = sheet.add(with_rank("Cropping", rank), {y}, moved_shape(op.result()),
                  {{"cropping", rank == 1 ? crops[0] : crops}});
  return moved_as(y, op.result());
}

/// Rows of the kernel lie as Keras flattens.
Written dense(Sheet& sheet, const Operator& op) {
  const auto& dense = *op.node.as<Dense>();
  const Tensor& weights = op.array(1);
  const Written& in = op.inputs[0];
  Tensor kernel = transposed(weights, {1, 0});
  size_t x = in.layer;
  if (in.order == Order::flattened) {
    std::vector<int64_t> dims = {weights.shape()[0]};
    dims.insert(dims.end(), in.before.begin(), in.before.end());
    std::vector<size_t> order;
    for (size_t i = 2; i < dims.size(); ++i) order.push_back(i);
    order.insert(order.end(), {1, 0});
    kernel = transposed(weights.reshape(shape_of(dims)), order).reshape(kernel.shape());
  } else {
    x = sheet.plain(in);
  }
  Arrays arrays = {{"kernel", kernel}};
  if (dense.bias) arrays.emplace_back("bias", op.array(2));
  const size_t y =
      sheet.add("Dense", {x}, plain_shape(op.result()),
                {{"units", weights.shape()[0]}, {"use_bias", dense.bias}, {"activation", "linear"}}, arrays);
  return {.layer = sheet.activated(y, dense.activation)};
}

/// An epsilon outside of the root goes into the variance.
Written batch_norm(Sheet& sheet, const Operator& op) {
  const auto& norm = *op.node.as<BatchNorm>();
  Tensor variance = op.array(4).clone();
  if (norm.epsilon_outside)
    for (float& v : variance.as<float>()) v = std::pow(std::sqrt(v) + static_cast<float>(norm.epsilon), 2.0f);
  const size_t y = sheet.add(
      "BatchNormalization", {sheet.moved(op.inputs[0])}, moved_shape(op.result()),
      {{"axis", -1}, {"momentum", norm.momentum}, {"epsilon", norm.epsilon_outside ? 0.0 : norm.epsilon}},
      {{"gamma", op.array(1)}, {"beta", op.array(2)}, {"moving_mean", op.array(3)}, {"moving_variance", variance}});
  return moved_as(sheet.activated(y, norm.activation), op.result());
}

/// Groups of channels, or the last dimensions.
Written sample_norm(Sheet& sheet, const Operator& op) {
  const auto& norm = *op.node.as<SampleNorm>();
  const size_t rank = op.result().rank();
  Settings config = {{"epsilon", norm.epsilon}, {"scale", norm.scale}, {"center", norm.shift}};
  Arrays arrays;
  if (norm.scale) arrays.emplace_back("gamma", op.array(1));
  if (norm.shift) arrays.emplace_back("beta", op.array(norm.scale ? 2 : 1));
  if (norm.blocks == NormBlocks::groups) {
    config["groups"] = norm.count;
    return moved_as(
        sheet.add("GroupNormalization", {sheet.moved(op.inputs[0])}, moved_shape(op.result()), config, arrays),
        op.result());
  }
  std::vector<int64_t> axes;
  for (auto axis = static_cast<int64_t>(rank) - norm.count; axis < static_cast<int64_t>(rank); ++axis)
    axes.push_back(axis);
  config["axis"] = axes;
  return {.layer =
              sheet.add("LayerNormalization", {sheet.plain(op.inputs[0])}, plain_shape(op.result()), config, arrays)};
}

Written prelu(Sheet& sheet, const Operator& op) {
  const int64_t channels = op.shape()[1];
  const size_t positions = op.shape().rank() - 2;
  Tensor slope = op.array(1);
  if (slope.numel() == 1) slope = Tensor::full(DType::f32, {channels}, slope.at(0));
  std::vector<int64_t> dims(positions, 1), shared;
  dims.push_back(channels);
  for (size_t i = 0; i < positions; ++i) shared.push_back(static_cast<int64_t>(i) + 1);
  Settings config = Settings::object();
  if (!shared.empty()) config["shared_axes"] = shared;
  const size_t y = sheet.add("PReLU", {sheet.moved(op.inputs[0])}, moved_shape(op.result()), config,
                             {{"alpha", slope.reshape(shape_of(dims))}});
  return moved_as(y, op.result());
}

}  // namespace

namespace writing {

std::span<const KerasOperator> writes_in_products() {
  static constexpr KerasOperator operators[] = {{"conv", conv},
                                                {"conv_backward_data", conv_transpose},
                                                {"dense", dense},
                                                {"batch_norm", batch_norm},
                                                {"sample_norm", sample_norm},
                                                {"prelu", prelu}};
  return operators;
}

}  // namespace writing
}  // namespace ocellus::io::keras

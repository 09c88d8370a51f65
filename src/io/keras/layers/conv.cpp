// Convolutions of all kinds. Keras keeps kernels as [kernel..., in, out], transposed ones as [kernel..., out, in].
#include <ocellus/nn/layers/conv.h>
#include <ocellus/nn/layers/conv_transpose.h>
#include <ocellus/nn/layers/separable_conv.h>

#include "io/keras/curve.h"
#include "io/tensors.h"

namespace ocellus::io::keras {
namespace {

/// Keras's "causal" sees the past alone: everything that is missing is put in front.
Padding causal_or(const LayerSpec& spec, int64_t kernel, int64_t dilation) {
  if (spec.text("padding", "valid") != "causal") return padding_of(spec);
  return Padding({(kernel - 1) * dilation}, {0});
}

/// A kernel's sizes followed by its channels.
std::vector<int64_t> dims(std::vector<int64_t> kernel, int64_t first, int64_t second) {
  kernel.insert(kernel.end(), {first, second});
  return kernel;
}

/// [kernel..., channels, multiplier] as [channels * multiplier, 1, kernel...].
Tensor depthwise_kernel(const Tensor& t, size_t rank) {
  std::vector<size_t> order = {rank, rank + 1};
  for (size_t i = 0; i < rank; ++i) order.push_back(i);
  std::vector<int64_t> shape = {t.shape()[rank] * t.shape()[rank + 1], 1};
  for (size_t i = 0; i < rank; ++i) shape.push_back(t.shape()[i]);
  return transposed(t, order).reshape(shape_of(shape));
}

void add_bias(const LayerSpec& spec, const Variables& variables, size_t at, int64_t filters,
              std::vector<std::pair<std::string, Tensor>>& values) {
  if (spec.flag("use_bias", true)) values.emplace_back("bias", variables.at(at, "bias", {filters}));
}

int64_t divided(const LayerSpec& spec, int64_t channels, int64_t groups) {
  if (groups < 1 || channels % groups != 0)
    spec.fail("its input's " + std::to_string(channels) + " channels don't divide into its groups");
  return channels / groups;
}

/// The channels of an input of this many spatial dimensions.
int64_t channels_of(const LayerSpec& spec, const Value& x, size_t rank) {
  if (x.shape().rank() != rank + 2)
    spec.fail("needs an input of " + std::to_string(rank) + " dimensions and channels, got " + x.shape().to_string());
  return x.shape()[1];
}

template <class E>
Call conv(const LayerSpec& spec, const Variables& variables) {
  Curve curve = curve_of(spec);
  const auto kernel = spec.extent("kernel_size", E::rank, 1), dilation = spec.extent("dilation_rate", E::rank, 1);
  const int64_t filters = spec.integer("filters"), groups = spec.integer("groups", 1);
  nn::ConvLayer<E> layer({.filters = filters,
                          .kernel = extent_of<E>(kernel),
                          .stride = extent_of<E>(spec, "strides", 1),
                          .padding = E::rank == 1 ? causal_or(spec, kernel[0], dilation[0]) : padding_of(spec),
                          .dilation = extent_of<E>(dilation),
                          .groups = groups,
                          .activation = curve.fused(),
                          .use_bias = spec.flag("use_bias", true),
                          .name = spec.name});
  return [=, &spec](const Helds& in) mutable {
    const Value x = enter(only(spec, in), spec.channels_last());
    const int64_t channels = divided(spec, channels_of(spec, x, E::rank), groups);
    const Tensor& weights = variables.at(0, "kernel", dims(kernel, channels, filters));
    std::vector<std::pair<std::string, Tensor>> values = {{"kernel", transposed(weights, kernel_order(E::rank))}};
    add_bias(spec, variables, 1, filters, values);
    const Value y = layer(x);
    fill(layer, spec, values);
    return curve.after(leave(y, spec.channels_last()), spec.name + "/activation");
  };
}

template <class E>
Call conv_transpose(const LayerSpec& spec, const Variables& variables) {
  Curve curve = curve_of(spec);
  const auto kernel = spec.extent("kernel_size", E::rank, 1);
  const int64_t filters = spec.integer("filters");
  std::optional<E> output_padding;
  if (const auto given = spec.integers("output_padding"); !given.empty())
    output_padding = extent_of<E>(given.size() == E::rank ? given : std::vector<int64_t>(E::rank, given[0]));
  nn::ConvTransposeLayer<E> layer({.filters = filters,
                                   .kernel = extent_of<E>(kernel),
                                   .stride = extent_of<E>(spec, "strides", 1),
                                   .padding = padding_of(spec),
                                   .output_padding = output_padding,
                                   .dilation = extent_of<E>(spec, "dilation_rate", 1),
                                   .activation = curve.fused(),
                                   .use_bias = spec.flag("use_bias", true),
                                   .name = spec.name});
  return [=, &spec](const Helds& in) mutable {
    const Value x = enter(only(spec, in), spec.channels_last());
    const Tensor& weights = variables.at(0, "kernel", dims(kernel, filters, channels_of(spec, x, E::rank)));
    std::vector<std::pair<std::string, Tensor>> values = {{"kernel", transposed(weights, kernel_order(E::rank))}};
    add_bias(spec, variables, 1, filters, values);
    const Value y = layer(x);
    fill(layer, spec, values);
    return curve.after(leave(y, spec.channels_last()), spec.name + "/activation");
  };
}

template <class E>
Call depthwise(const LayerSpec& spec, const Variables& variables) {
  Curve curve = curve_of(spec);
  const auto kernel = spec.extent("kernel_size", E::rank, 1);
  const int64_t multiplier = spec.integer("depth_multiplier", 1);
  nn::DepthwiseConvLayer<E> layer({.kernel = extent_of<E>(kernel),
                                   .stride = extent_of<E>(spec, "strides", 1),
                                   .padding = padding_of(spec),
                                   .dilation = extent_of<E>(spec, "dilation_rate", 1),
                                   .depth_multiplier = multiplier,
                                   .activation = curve.fused(),
                                   .use_bias = spec.flag("use_bias", true),
                                   .name = spec.name});
  return [=, &spec](const Helds& in) mutable {
    const Value x = enter(only(spec, in), spec.channels_last());
    const int64_t channels = channels_of(spec, x, E::rank);
    const Tensor& weights = variables.at(0, "depthwise kernel", dims(kernel, channels, multiplier));
    std::vector<std::pair<std::string, Tensor>> values = {{"kernel", depthwise_kernel(weights, E::rank)}};
    add_bias(spec, variables, 1, channels * multiplier, values);
    const Value y = layer(x);
    fill(layer, spec, values);
    return curve.after(leave(y, spec.channels_last()), spec.name + "/activation");
  };
}

template <class E>
Call separable(const LayerSpec& spec, const Variables& variables) {
  Curve curve = curve_of(spec);
  const auto kernel = spec.extent("kernel_size", E::rank, 1), dilation = spec.extent("dilation_rate", E::rank, 1);
  const int64_t filters = spec.integer("filters"), multiplier = spec.integer("depth_multiplier", 1);
  nn::SeparableConvLayer<E> layer({.filters = filters,
                                   .kernel = extent_of<E>(kernel),
                                   .stride = extent_of<E>(spec, "strides", 1),
                                   .padding = E::rank == 1 ? causal_or(spec, kernel[0], dilation[0]) : padding_of(spec),
                                   .dilation = extent_of<E>(dilation),
                                   .depth_multiplier = multiplier,
                                   .activation = curve.fused(),
                                   .use_bias = spec.flag("use_bias", true),
                                   .name = spec.name});
  return [=, &spec](const Helds& in) mutable {
    const Value x = enter(only(spec, in), spec.channels_last());
    const int64_t channels = channels_of(spec, x, E::rank);
    const Tensor& each = variables.at(0, "depthwise kernel", dims(kernel, channels, multiplier));
    const Tensor& across =
        variables.at(1, "pointwise kernel", dims(std::vector<int64_t>(E::rank, 1), channels * multiplier, filters));
    std::vector<std::pair<std::string, Tensor>> values = {
        {"depthwise_kernel", depthwise_kernel(each, E::rank)},
        {"pointwise_kernel", transposed(across, kernel_order(E::rank))}};
    add_bias(spec, variables, 2, filters, values);
    const Value y = layer(x);
    fill(layer, spec, values);
    return curve.after(leave(y, spec.channels_last()), spec.name + "/activation");
  };
}

}  // namespace

std::span<const KerasLayer> keras_in_conv() {
  static constexpr KerasLayer layers[] = {
      {"Conv1D", conv<nn::Extent1D>, true},
      {"Conv2D", conv<nn::Extent>, true},
      {"Conv3D", conv<nn::Extent3D>, true},
      {"Conv1DTranspose", conv_transpose<nn::Extent1D>, true},
      {"Conv2DTranspose", conv_transpose<nn::Extent>, true},
      {"Conv3DTranspose", conv_transpose<nn::Extent3D>, true},
      {"DepthwiseConv1D", depthwise<nn::Extent1D>, true},
      {"DepthwiseConv2D", depthwise<nn::Extent>, true},
      {"SeparableConv1D", separable<nn::Extent1D>, true},
      {"SeparableConv2D", separable<nn::Extent>, true},
  };
  return layers;
}

}  // namespace ocellus::io::keras

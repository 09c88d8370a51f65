#include <ocellus/nn/layers/separable_conv.h>

#include "nn/layers/conv_support.h"

namespace ocellus::nn {

template <class E>
DepthwiseConvLayer<E>::DepthwiseConvLayer(DepthwiseConvConfig<E> config)
    : Layer(kind_of<E>("DepthwiseConv"), config.name), config_(std::move(config)) {
  expect_window(kind(), config_);
  at_least_one(kind(), "depth multiplier", config_.depth_multiplier);
}

template <class E>
Values DepthwiseConvLayer<E>::call(Build& build, const Values& inputs) const {
  const Value& x = image(inputs, E::rank);
  const int64_t channels = x.shape()[1], filters = channels * config_.depth_multiplier;
  const Value kernel = build.parameter("kernel", kernel_shape(filters, 1, config_.kernel), ParamRole::kernel,
                                       config_.kernel_initialiser);
  return {ops::conv(x, kernel, bias_of(build, config_, filters),
                    {.window = window_of(config_),
                     .groups = channels,
                     .activation = config_.activation,
                     .padding_mode = config_.padding_mode})};
}

template <class E>
SeparableConvLayer<E>::SeparableConvLayer(SeparableConvConfig<E> config)
    : Layer(kind_of<E>("SeparableConv"), config.name), config_(std::move(config)) {
  at_least_one(kind(), "filters", config_.filters);
  expect_window(kind(), config_);
  at_least_one(kind(), "depth multiplier", config_.depth_multiplier);
}

template <class E>
Values SeparableConvLayer<E>::call(Build& build, const Values& inputs) const {
  const Value& x = image(inputs, E::rank);
  const int64_t channels = x.shape()[1], between = channels * config_.depth_multiplier;
  const Value depthwise = build.parameter("depthwise_kernel", kernel_shape(between, 1, config_.kernel),
                                          ParamRole::kernel, config_.depthwise_initialiser);
  const Value pointwise = build.parameter("pointwise_kernel", kernel_shape(config_.filters, between, E(1)),
                                          ParamRole::kernel, config_.pointwise_initialiser);
  const Value bias = bias_of(build, config_, config_.filters);
  const Value each = ops::conv(x, depthwise, {}, {.window = window_of(config_), .groups = channels});
  return {ops::conv(each, pointwise, bias, {.activation = config_.activation})};
}

template class DepthwiseConvLayer<Extent1D>;
template class DepthwiseConvLayer<Extent>;
template class SeparableConvLayer<Extent1D>;
template class SeparableConvLayer<Extent>;

}  // namespace ocellus::nn

#include <ocellus/nn/layers/conv.h>

#include "nn/layers/conv_support.h"

namespace ocellus::nn {

template <class E>
ConvLayer<E>::ConvLayer(ConvConfig<E> config) : Layer(kind_of<E>("Conv"), config.name), config_(std::move(config)) {
  expect_filters(kind(), config_);
}

template <class E>
Values ConvLayer<E>::call(Build& build, const Values& inputs) const {
  const Value& x = image(inputs, E::rank);
  const int64_t channels = channels_in_groups(x, config_.groups);
  const Value kernel =
      build.parameter("kernel", kernel_shape(config_.filters, channels / config_.groups, config_.kernel),
                      ParamRole::kernel, config_.kernel_initialiser);
  return {ops::conv(x, kernel, bias_of(build, config_, config_.filters),
                    {.window = window_of(config_),
                     .groups = config_.groups,
                     .activation = config_.activation,
                     .padding_mode = config_.padding_mode,
                     .flip = config_.flip})};
}

template class ConvLayer<Extent1D>;
template class ConvLayer<Extent>;
template class ConvLayer<Extent3D>;

}  // namespace ocellus::nn

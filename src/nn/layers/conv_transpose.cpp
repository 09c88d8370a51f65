#include <ocellus/nn/layers/conv_transpose.h>

#include "nn/layers/conv_support.h"

namespace ocellus::nn {

template <class E>
ConvTransposeLayer<E>::ConvTransposeLayer(ConvTransposeConfig<E> config)
    : Layer(kind_of<E>("Conv", "Transpose"), config.name), config_(std::move(config)) {
  expect_filters(kind(), config_);
}

template <class E>
Values ConvTransposeLayer<E>::call(Build& build, const Values& inputs) const {
  const Value& x = image(inputs, E::rank);
  const int64_t channels = channels_in_groups(x, config_.groups);
  const Value kernel =
      build.parameter("kernel", kernel_shape(channels, config_.filters / config_.groups, config_.kernel),
                      ParamRole::kernel, config_.kernel_initialiser);
  ops::ConvTransposeConfig config{
      .window = window_of(config_), .groups = config_.groups, .activation = config_.activation};
  if (config_.output_padding) config.output_padding = config_.output_padding->dims();
  return {ops::conv_transpose(x, kernel, bias_of(build, config_, config_.filters), config)};
}

template class ConvTransposeLayer<Extent1D>;
template class ConvTransposeLayer<Extent>;
template class ConvTransposeLayer<Extent3D>;

}  // namespace ocellus::nn

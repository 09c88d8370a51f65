#include <ocellus/nn/layers/max_pool.h>

#include <ocellus/ops/pool.h>

#include "nn/layers/checks.h"

namespace ocellus::nn {

template <class E>
MaxPoolLayer<E>::MaxPoolLayer(MaxPoolConfig<E> config)
    : Layer(kind_of<E>("MaxPool"), config.name), config_(std::move(config)) {
  at_least_one(kind(), "size", config_.size);
  at_least_one(kind(), "stride", config_.stride.value_or(config_.size));
  at_least_one(kind(), "dilation", config_.dilation);
}

template <class E>
Values MaxPoolLayer<E>::call(Build&, const Values& inputs) const {
  const E stride = config_.stride.value_or(config_.size);
  return {ops::max_pool(image(inputs, E::rank), {.kernel = config_.size.dims(),
                                                 .window = {stride.dims(), config_.dilation.dims(), config_.padding},
                                                 .ceil_mode = config_.ceil_mode})};
}

template class MaxPoolLayer<Extent1D>;
template class MaxPoolLayer<Extent>;
template class MaxPoolLayer<Extent3D>;

}  // namespace ocellus::nn

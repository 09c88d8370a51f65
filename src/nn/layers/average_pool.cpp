#include <ocellus/nn/layers/average_pool.h>

#include <ocellus/ops/pool.h>

#include "nn/layers/checks.h"

namespace ocellus::nn {

template <class E>
AveragePoolLayer<E>::AveragePoolLayer(AveragePoolConfig<E> config)
    : Layer(kind_of<E>("AveragePool"), config.name), config_(std::move(config)) {
  at_least_one(kind(), "size", config_.size);
  at_least_one(kind(), "stride", config_.stride.value_or(config_.size));
}

template <class E>
Values AveragePoolLayer<E>::call(Build&, const Values& inputs) const {
  const E stride = config_.stride.value_or(config_.size);
  return {ops::average_pool(image(inputs, E::rank), {.kernel = config_.size.dims(),
                                                     .window = {stride.dims(), {1}, config_.padding},
                                                     .ceil_mode = config_.ceil_mode,
                                                     .count_include_pad = config_.count_include_pad})};
}

template class AveragePoolLayer<Extent1D>;
template class AveragePoolLayer<Extent>;
template class AveragePoolLayer<Extent3D>;

}  // namespace ocellus::nn

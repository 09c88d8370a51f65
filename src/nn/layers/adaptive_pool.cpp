#include <ocellus/nn/layers/adaptive_pool.h>

#include <ocellus/ops/pool.h>

#include "nn/layers/checks.h"

namespace ocellus::nn {

template <class E>
AdaptiveAveragePoolLayer<E>::AdaptiveAveragePoolLayer(AdaptivePoolConfig<E> config)
    : Layer(kind_of<E>("AdaptiveAveragePool"), config.name), config_(std::move(config)) {
  at_least_one(kind(), "size", config_.size);
}

template <class E>
Values AdaptiveAveragePoolLayer<E>::call(Build&, const Values& inputs) const {
  return {ops::adaptive_average_pool(image(inputs, E::rank), config_.size.dims())};
}

template <class E>
AdaptiveMaxPoolLayer<E>::AdaptiveMaxPoolLayer(AdaptivePoolConfig<E> config)
    : Layer(kind_of<E>("AdaptiveMaxPool"), config.name), config_(std::move(config)) {
  at_least_one(kind(), "size", config_.size);
}

template <class E>
Values AdaptiveMaxPoolLayer<E>::call(Build&, const Values& inputs) const {
  return {ops::adaptive_max_pool(image(inputs, E::rank), config_.size.dims())};
}

template class AdaptiveAveragePoolLayer<Extent1D>;
template class AdaptiveAveragePoolLayer<Extent>;
template class AdaptiveAveragePoolLayer<Extent3D>;
template class AdaptiveMaxPoolLayer<Extent1D>;
template class AdaptiveMaxPoolLayer<Extent>;
template class AdaptiveMaxPoolLayer<Extent3D>;

}  // namespace ocellus::nn

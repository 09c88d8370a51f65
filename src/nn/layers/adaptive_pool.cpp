#include <ocellus/nn/layers/adaptive_pool.h>

#include <ocellus/ops/pool.h>

#include "nn/layers/checks.h"

namespace ocellus::nn {

template <class E, AdaptivePoolKind Kind>
AdaptivePool<E, Kind>::AdaptivePool(AdaptivePoolConfig<E> config)
    : Layer(kind_of<E>(Kind == AdaptivePoolKind::max ? "AdaptiveMaxPool" : "AdaptiveAveragePool"), config.name),
      config_(std::move(config)) {
  at_least_one(kind(), "size", config_.size);
}

template <class E, AdaptivePoolKind Kind>
Values AdaptivePool<E, Kind>::call(Build&, const Values& inputs) const {
  const Value& x = image(inputs, E::rank);
  const std::vector<int64_t> size = config_.size.dims();
  return {Kind == AdaptivePoolKind::max ? ops::adaptive_max_pool(x, size) : ops::adaptive_average_pool(x, size)};
}

template class AdaptivePool<Extent1D, AdaptivePoolKind::average>;
template class AdaptivePool<Extent, AdaptivePoolKind::average>;
template class AdaptivePool<Extent3D, AdaptivePoolKind::average>;
template class AdaptivePool<Extent1D, AdaptivePoolKind::max>;
template class AdaptivePool<Extent, AdaptivePoolKind::max>;
template class AdaptivePool<Extent3D, AdaptivePoolKind::max>;

}  // namespace ocellus::nn

#include <ocellus/nn/layers/global_pool.h>

#include <ocellus/ops/pool.h>
#include <ocellus/ops/shape.h>

#include "nn/layers/checks.h"

namespace ocellus::nn {

template <size_t Rank, GlobalPoolKind Kind>
GlobalPool<Rank, Kind>::GlobalPool(GlobalPoolConfig config)
    : Layer(fmt::format("Global{}Pool{}D", Kind == GlobalPoolKind::max ? "Max" : "Average", Rank), config.name),
      config_(std::move(config)) {}

template <size_t Rank, GlobalPoolKind Kind>
Values GlobalPool<Rank, Kind>::call(Build&, const Values& inputs) const {
  const Value& x = image(inputs, Rank);
  const Value pooled = Kind == GlobalPoolKind::max ? ops::global_max_pool(x) : ops::global_average_pool(x);
  return {config_.keep_dims ? pooled : ops::flatten(pooled)};
}

template class GlobalPool<1, GlobalPoolKind::average>;
template class GlobalPool<2, GlobalPoolKind::average>;
template class GlobalPool<3, GlobalPoolKind::average>;
template class GlobalPool<1, GlobalPoolKind::max>;
template class GlobalPool<2, GlobalPoolKind::max>;
template class GlobalPool<3, GlobalPoolKind::max>;

}  // namespace ocellus::nn

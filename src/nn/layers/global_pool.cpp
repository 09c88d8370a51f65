#include <ocellus/nn/layers/global_pool.h>

#include <ocellus/ops/pool.h>
#include <ocellus/ops/shape.h>

#include "nn/layers/checks.h"

namespace ocellus::nn {

template <size_t Rank>
GlobalAveragePool<Rank>::GlobalAveragePool(GlobalPoolConfig config)
    : Layer(fmt::format("GlobalAveragePool{}D", Rank), config.name), config_(std::move(config)) {}

template <size_t Rank>
Values GlobalAveragePool<Rank>::call(Build&, const Values& inputs) const {
  const Value mean = ops::global_average_pool(image(inputs, Rank));
  return {config_.keep_dims ? mean : ops::flatten(mean)};
}

template <size_t Rank>
GlobalMaxPool<Rank>::GlobalMaxPool(GlobalPoolConfig config)
    : Layer(fmt::format("GlobalMaxPool{}D", Rank), config.name), config_(std::move(config)) {}

template <size_t Rank>
Values GlobalMaxPool<Rank>::call(Build&, const Values& inputs) const {
  const Value largest = ops::global_max_pool(image(inputs, Rank));
  return {config_.keep_dims ? largest : ops::flatten(largest)};
}

template class GlobalAveragePool<1>;
template class GlobalAveragePool<2>;
template class GlobalAveragePool<3>;
template class GlobalMaxPool<1>;
template class GlobalMaxPool<2>;
template class GlobalMaxPool<3>;

}  // namespace ocellus::nn

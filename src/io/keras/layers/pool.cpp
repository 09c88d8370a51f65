// Pooling.
#include <ocellus/nn/layers/adaptive_pool.h>
#include <ocellus/nn/layers/average_pool.h>
#include <ocellus/nn/layers/global_pool.h>
#include <ocellus/nn/layers/max_pool.h>

#include "io/keras/layer.h"

namespace ocellus::io::keras {
namespace {

template <class Layer, class E>
Call pool(const LayerSpec& spec, const Variables&) {
  const auto size = spec.extent("pool_size", E::rank, 2);
  const auto stride = spec.has("strides") ? spec.extent("strides", E::rank, 1) : size;
  const Layer layer(
      {.size = extent_of<E>(size), .stride = extent_of<E>(stride), .padding = padding_of(spec), .name = spec.name});
  return [=, &spec](const Helds& in) {
    return leave(layer(enter(only(spec, in), spec.channels_last())), spec.channels_last());
  };
}

template <class E>
constexpr auto max_pool = pool<nn::MaxPoolLayer<E>, E>;
template <class E>
constexpr auto average_pool = pool<nn::AveragePoolLayer<E>, E>;

template <size_t Rank, nn::GlobalPoolKind Kind>
Call global_pool(const LayerSpec& spec, const Variables&) {
  const nn::GlobalPool<Rank, Kind> layer({.keep_dims = spec.flag("keepdims", false), .name = spec.name});
  return [=, &spec](const Helds& in) {
    return leave(layer(enter(only(spec, in), spec.channels_last())), spec.channels_last());
  };
}

template <class E, nn::AdaptivePoolKind Kind>
Call adaptive_pool(const LayerSpec& spec, const Variables&) {
  const nn::AdaptivePool<E, Kind> layer({.size = extent_of<E>(spec, "output_size", 1), .name = spec.name});
  return [=, &spec](const Helds& in) {
    return leave(layer(enter(only(spec, in), spec.channels_last())), spec.channels_last());
  };
}

}  // namespace

std::span<const KerasLayer> keras_in_pool() {
  using enum nn::GlobalPoolKind;
  using Adaptive = nn::AdaptivePoolKind;
  static constexpr KerasLayer layers[] = {
      {"MaxPooling1D", max_pool<nn::Extent1D>, true},
      {"MaxPooling2D", max_pool<nn::Extent>, true},
      {"MaxPooling3D", max_pool<nn::Extent3D>, true},
      {"AveragePooling1D", average_pool<nn::Extent1D>, true},
      {"AveragePooling2D", average_pool<nn::Extent>, true},
      {"AveragePooling3D", average_pool<nn::Extent3D>, true},
      {"GlobalMaxPooling1D", global_pool<1, max>, true},
      {"GlobalMaxPooling2D", global_pool<2, max>, true},
      {"GlobalMaxPooling3D", global_pool<3, max>, true},
      {"GlobalAveragePooling1D", global_pool<1, average>, true},
      {"GlobalAveragePooling2D", global_pool<2, average>, true},
      {"GlobalAveragePooling3D", global_pool<3, average>, true},
      {"AdaptiveAveragePooling1D", adaptive_pool<nn::Extent1D, Adaptive::average>, true},
      {"AdaptiveAveragePooling2D", adaptive_pool<nn::Extent, Adaptive::average>, true},
      {"AdaptiveAveragePooling3D", adaptive_pool<nn::Extent3D, Adaptive::average>, true},
      {"AdaptiveMaxPooling1D", adaptive_pool<nn::Extent1D, Adaptive::max>, true},
      {"AdaptiveMaxPooling2D", adaptive_pool<nn::Extent, Adaptive::max>, true},
      {"AdaptiveMaxPooling3D", adaptive_pool<nn::Extent3D, Adaptive::max>, true},
  };
  return layers;
}

}  // namespace ocellus::io::keras

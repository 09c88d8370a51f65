// How a layer of Keras becomes layers of ours: what the files of layers/ share.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ocellus/nn/extent.h>
#include <ocellus/nn/layer.h>
#include <ocellus/ops/window.h>

#include "io/keras/config.h"
#include "io/keras/held.h"

namespace ocellus::io::keras {

/// A layer's arrays in the order in which Keras keeps them.
class Variables {
 public:
  Variables(const LayerSpec& spec, std::vector<Tensor> all) : spec_(&spec), all_(std::move(all)) {}
  size_t count() const { return all_.size(); }
  /// Array i, which must have this shape; throws FormatError naming the layer. Asked for before a layer makes its parameters,
  /// this keeps a file from claiming more memory than it has bytes for.
  const Tensor& at(size_t i, std::string_view what, const std::vector<int64_t>& dims) const;
  /// Array i of any shape.
  const Tensor& at(size_t i, std::string_view what) const;

 private:
  const LayerSpec* spec_;
  std::vector<Tensor> all_;
};

/// A layer that can be called, any number of times with the same parameters.
using Call = std::function<Held(const Helds& inputs)>;
/// Makes calls for the layer inside a wrapper.
using MakeInner = std::function<Call(const LayerSpec& inner, Variables variables)>;

/// A class of Keras.
struct KerasLayer {
  std::string_view name;  ///< "Conv2D"
  Call (*make)(const LayerSpec& spec, const Variables& variables) = nullptr;
  bool has_channels = false;  ///< of data_format: what it reads first decides the order of a sequence's dimensions
};

using Lister = std::span<const KerasLayer> (*)();
std::span<const Lister> keras_in_listers();
/// The entry of a class, or null.
const KerasLayer* find_layer(std::string_view class_name);

/// A layer's only input; throws FormatError.
const Held& only(const LayerSpec& spec, const Helds& inputs);

/// Fills parameters by name when they are fresh, and freezes the layer where the file says so.
void fill(nn::Layer& layer, const LayerSpec& spec, const std::vector<std::pair<std::string, Tensor>>& values);

template <class E>
E extent_of(const std::vector<int64_t>& dims) {
  if constexpr (E::rank == 1) return E(dims[0]);
  if constexpr (E::rank == 2) return E(dims[0], dims[1]);
  if constexpr (E::rank == 3) return E(dims[0], dims[1], dims[2]);
}

template <class E>
E extent_of(const LayerSpec& spec, std::string_view key, int64_t otherwise) {
  return extent_of<E>(spec.extent(key, E::rank, otherwise));
}

/// "valid" or "same"; throws Unsupported.
Padding padding_of(const LayerSpec& spec);

/// The order of dimensions that makes [kernel..., in, out] of Keras [out, in, kernel...] of ours.
std::vector<size_t> kernel_order(size_t spatial_rank);

}  // namespace ocellus::io::keras

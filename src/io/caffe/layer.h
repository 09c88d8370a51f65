// How a layer of Caffe becomes layers of ours: what the files of layers/ share.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ocellus/nn/extent.h>
#include <ocellus/nn/layer.h>

#include "io/caffe/prototxt.h"

namespace ocellus::io::caffe {

/// A layer as the network's text and the file of arrays give it.
class LayerCall {
 public:
  std::string name, type, source;
  const Message* settings = nullptr;
  Values inputs;
  std::vector<Tensor> arrays;
  std::vector<Tensor> scale_arrays;  ///< of a Scale that follows a BatchNorm and is one with it
  int64_t batch = 1;                 ///< samples in the network's own input

  const Message& parameter(std::string_view message) const { return settings->message(message); }
  const Value& input() const;  ///< the only one; throws FormatError
  /// Array i with this many elements, under another shape. Asked for before a layer makes its parameters, it keeps a file from
  /// claiming more memory than it has bytes for.
  Tensor array(size_t i, std::string_view what, const std::vector<int64_t>& dims) const;
  [[noreturn]] void fail(const std::string& what) const;         ///< FormatError
  [[noreturn]] void unsupported(const std::string& what) const;  ///< Unsupported
  /// An axis counted from the front.
  int64_t axis(int64_t given, size_t rank) const;
};

/// A type of Caffe's layers.
struct CaffeLayer {
  std::string_view type;  ///< "Convolution"
  Values (*emit)(const LayerCall& call) = nullptr;
  std::string_view old_type = {};  ///< in networks of the older form: "CONVOLUTION"
};

using Lister = std::span<const CaffeLayer> (*)();
std::span<const Lister> caffe_in_listers();
/// The entry of a type by either of its names, or null.
const CaffeLayer* find_layer(std::string_view type);

/// "kernel_size", or "kernel_h" and "kernel_w", of a message.
nn::Extent extent_of(const LayerCall& call, const Message& m, const std::string& both, const std::string& stem,
                     int64_t otherwise);
/// Sets a layer's parameters by name.
void fill(const nn::Layer& layer, const std::vector<std::pair<std::string, Tensor>>& values);

}  // namespace ocellus::io::caffe

// A convolution's sizes, the primitives of its three directions, and the choice of an algorithm for each.
#pragma once

#include <span>
#include <string>

#include <ocellus/graph/value.h>

#include "backend/onednn/attributes.h"
#include "backend/onednn/layout.h"

namespace ocellus::onednn {

class OneDnnBackend;

enum class Direction : uint8_t { forward, backward_data, backward_weights };

/// Everything that a convolution primitive is made from. Weights in groups have the group as a dimension of their own.
struct ConvShape {
  Dims src, weights, dst;
  WindowDims window;
  int64_t groups = 1;
  dnnl::memory::data_type type = dnnl::memory::data_type::f32;
  bool bias = false;

  /// From types of input and weights, [N,C,...] and [K,C/groups,...].
  ConvShape(const TensorType& src, const TensorType& weights, const Window& window, int64_t groups);

  int64_t macs() const;
  /// "64x16x32x32 k16x16x3x3 s1x1 ...": equal texts have equal algorithms.
  std::string text() const;
};

using ConvForward = dnnl::convolution_forward;
using ConvData = dnnl::convolution_backward_data;
using ConvWeights = dnnl::convolution_backward_weights;

/// Primitive descriptors with every order left to the library. They throw dnnl::error when it has no implementation.
ConvForward::primitive_desc forward_desc(const Runtime&, const ConvShape&, dnnl::algorithm, bool training,
                                         const dnnl::primitive_attr& attr);
ConvData::primitive_desc backward_data_desc(const Runtime&, const ConvShape&, dnnl::algorithm);
ConvWeights::primitive_desc backward_weights_desc(const Runtime&, const ConvShape&, dnnl::algorithm);

/// The algorithm for a shape and direction: direct or Winograd, as the backend's policy has it. `training` and `attr` are
/// those of the forward primitive.
dnnl::algorithm choose_algorithm(OneDnnBackend& backend, const ConvShape& shape, Direction direction, bool training,
                                 const dnnl::primitive_attr& attr);

}  // namespace ocellus::onednn

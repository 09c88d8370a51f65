// A convolution's sizes, the primitives of its three directions, and the choice of a variant for each.
#pragma once

#include <span>
#include <string>

#include <ocellus/graph/value.h>

#include "backend/onednn/attributes.h"
#include "backend/onednn/layout.h"

namespace ocellus::onednn {

class OneDnnBackend;

enum class Direction : uint8_t { forward, backward_data, backward_weights };

/// How a convolution is computed: directly, in the order that the library prefers; by the library's Winograd algorithm; directly
/// with an output in blocks of channels; directly with the channels last, which wastes nothing on a block that is not full; or
/// by our own Winograd algorithm (winograd.h) in tiles of these sizes.
enum class Variant : uint8_t { direct, winograd, blocked, channels_last, winograd_4x4, winograd_2x2 };

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

/// Primitive descriptors; orders are the library's choice where the variant says nothing. They throw dnnl::error when the library has
/// no implementation.
ConvForward::primitive_desc forward_desc(const Runtime&, const ConvShape&, Variant, bool training,
                                         const dnnl::primitive_attr& attr);
ConvData::primitive_desc backward_data_desc(const Runtime&, const ConvShape&, Variant);
ConvWeights::primitive_desc backward_weights_desc(const Runtime&, const ConvShape&, Variant);

/// What a choice depends on besides the shape.
struct ConvContext {
  Direction direction = Direction::forward;
  bool training = true;
  dnnl::primitive_attr attr = user_scratchpad();  ///< of the forward primitive
  std::optional<Desc> src, dst;  ///< orders in which input and output gradient (or residual) arrive, if they are known
};
/// The variant for a shape, as the backend's policy has it. Measured times include the reorders that a variant needs.
Variant choose_variant(OneDnnBackend& backend, const ConvShape& shape, const ConvContext& context);

}  // namespace ocellus::onednn

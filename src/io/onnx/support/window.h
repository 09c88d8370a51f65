// Windows of convolutions and pooling as ONNX describes them.
#pragma once

#include <ocellus/ops/window.h>

#include "io/onnx/support/node.h"

namespace ocellus::io::onnx_io {

/// Attributes strides, dilations, pads and auto_pad for `rank` spatial dimensions; throws ShapeError for lists of another
/// length, Unsupported for negative padding.
Window window_of(const OnnxNode& node, size_t rank);

/// An attribute with one number for each of `rank` dimensions, `otherwise` where it is not given.
std::vector<int64_t> per_dimension(const OnnxNode& node, std::string_view attribute, size_t rank, int64_t otherwise);

/// Spatial dimensions of input 0, which must be [N,C,spatial...] with one to three of them.
size_t spatial_rank(const OnnxNode& node);

}  // namespace ocellus::io::onnx_io

// Activations and windows in the library's terms.
#pragma once

#include <optional>

#include <ocellus/ops/activation.h>
#include <ocellus/ops/window.h>

#include "backend/onednn/runtime.h"

namespace ocellus::onednn {

/// The library's name of an activation whose derivative is taken from its output, if it has no constants but a slope.
struct Eltwise {
  dnnl::algorithm forward, backward;
  float alpha = 0;
};
std::optional<Eltwise> eltwise_of(const Activation& activation);

/// Appends an activation, with its constants, to what follows a primitive.
void append_activation(dnnl::post_ops& post_ops, const Activation& activation);

/// A primitive's attributes: scratchpad from us, followed by an activation.
dnnl::primitive_attr followed_by(const Activation& activation);

/// A window's lists as the library wants them; its dilation counts the gaps.
struct WindowDims {
  Dims kernel, stride, dilation, pad_begin, pad_end;
};
WindowDims window_dims(const PlacedWindow& window);

}  // namespace ocellus::onednn

// What the kernels for convolutions of few channels share.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include <ocellus/ops/conv.h>

#include "backend/simd/loops/small_conv.h"
#include "engine/kernel.h"

namespace ocellus {

/// Sizes of a 2-D convolution of few channels with stride 1, or why these kernels don't take it. `x`, `weights`: types of the
/// forward operator.
std::variant<simd::SmallConv, std::string> small_conv_of(const TensorType& x, const TensorType& weights,
                                                         const Window& window, int64_t groups);

/// What the activation does below zero, or nothing for one that is not linear there.
std::optional<float> slope_below_zero(const Activation& a);

/// Zeros, aligned for vectors.
std::shared_ptr<float> zeroed_floats(int64_t count);

/// A plan of plain layouts.
KernelPlan plain_plan(const Node& node, std::string name, std::unique_ptr<Kernel> kernel);

}  // namespace ocellus

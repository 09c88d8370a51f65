// ONNX: convolutions.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/ops/cast.h>
#include <ocellus/ops/conv.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/shape.h>

#include "io/onnx/support/window.h"

namespace ocellus::io::onnx_io {
namespace {

/// The kernel, whose spatial sizes must be those of the attribute where it is given.
Value kernel(const OnnxNode& node, size_t rank) {
  const Shape w = node.shape(1);
  if (w.rank() != rank + 2)
    throw ShapeError(fmt::format("input {} and kernel {} don't fit", node.shape(0).to_string(), w.to_string()));
  if (node.has("kernel_shape") && per_dimension(node, "kernel_shape", rank, 1) != spatial(w))
    throw ShapeError(fmt::format("kernel {} is not of the size that attribute kernel_shape says", w.to_string()));
  return node.parameter(1, {.name = "kernel", .initialiser = nn::glorot_uniform()});
}

Value bias(const OnnxNode& node) {
  return node.given(2) ? node.parameter(2, {.name = "bias", .role = ParamRole::bias}) : Value();
}

Operands conv(OnnxNode& node) {
  const size_t rank = spatial_rank(node);
  node.set_kind(fmt::format("Conv{}D", rank));
  return {ops::conv(node.real(0), kernel(node, rank), bias(node),
                    {.window = window_of(node, rank), .groups = node.integer("group", 1)})};
}

/// Padding that gives the sizes which attribute output_shape, or a rule for equal sizes, asks for.
void pad_to(const OnnxNode& node, const std::vector<int64_t>& sizes, Window& window, std::vector<int64_t>& further) {
  const auto input = spatial(node.shape(0)), kernel = spatial(node.shape(1));
  Padding padding(std::vector<int64_t>(input.size()), std::vector<int64_t>(input.size()));
  for (size_t i = 0; i < input.size(); ++i) {
    const int64_t covered = window.dilation[i] * (kernel[i] - 1) + 1;
    const int64_t total = window.stride[i] * (input[i] - 1) + further[i] + covered - sizes[i];
    if (total < 0) further[i] -= total;
    const int64_t half = std::max<int64_t>(total, 0) / 2, rest = std::max<int64_t>(total, 0) - half;
    const bool upper = node.text("auto_pad", "NOTSET") == "SAME_UPPER";
    padding.begin[i] = upper ? half : rest;
    padding.end[i] = upper ? rest : half;
  }
  window.padding = padding;
}

Operands conv_transpose(OnnxNode& node) {
  const size_t rank = spatial_rank(node);
  node.set_kind(fmt::format("Conv{}DTranspose", rank));
  Window window = window_of(node, rank);
  auto further = per_dimension(node, "output_padding", rank, 0);
  const auto kernel_value = kernel(node, rank);
  if (node.has("output_shape")) {
    auto sizes = node.integers("output_shape");
    if (sizes.size() == rank + 2) sizes.erase(sizes.begin(), sizes.begin() + 2);
    if (sizes.size() != rank) throw ShapeError("attribute output_shape has not one number a spatial dimension");
    pad_to(node, sizes, window, further);
  } else if (window.padding.rule == same || window.padding.rule == same_lower) {
    auto sizes = spatial(node.shape(0));
    for (size_t i = 0; i < rank; ++i) sizes[i] *= window.stride[i];
    pad_to(node, sizes, window, further);
  }
  return {ops::conv_transpose(node.real(0), kernel_value, bias(node),
                              {.window = window, .output_padding = further, .groups = node.integer("group", 1)})};
}

/// Products of bytes less their zero points, in f32, which holds such sums exactly up to 2^24.
Operands conv_integer(OnnxNode& node) {
  const size_t rank = spatial_rank(node);
  const auto centred = [&](size_t i) {
    const Value q = ops::cast(node.value(i), DType::f32);
    if (!node.given(i + 2)) return q;
    std::vector<int64_t> dims(node.shape(i + 2).numel() == 1 ? 0 : rank + 2, 1);
    if (!dims.empty()) dims[i == 0 ? 1 : 0] = node.shape(i + 2).numel();  // one for each channel
    return ops::sub(q, ops::reshape(ops::cast(node.value(i + 2), DType::f32), dims));
  };
  const Value y =
      ops::conv(centred(0), centred(1), {}, {.window = window_of(node, rank), .groups = node.integer("group", 1)});
  return {ops::cast(y, DType::i32)};
}

constexpr std::array<OperatorEntry, 3> entries = {{
    {"Conv", conv},
    {"ConvInteger", conv_integer},
    {"ConvTranspose", conv_transpose},
}};

}  // namespace

std::span<const OperatorEntry> operators_in_conv() { return entries; }

}  // namespace ocellus::io::onnx_io

// ONNX: arithmetic with bytes, q = round(x / scale) + zero point, for inference.
//
// Bytes are turned into real numbers, less their zero points, and what is computed with them back into bytes. Sums are
// exact in f32 up to 2^24, so that results are those of integer arithmetic but for a rare step in the last place.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/ops/cast.h>
#include <ocellus/ops/conv.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/matmul.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/shape.h>
#include <ocellus/ops/unary.h>

#include "io/onnx/support/compose.h"
#include "io/onnx/support/window.h"

namespace ocellus::io::onnx_io {
namespace {

/// A scale or zero point as a real number that x can be multiplied with: one for all, or one for each place along `axis`.
Value along(const OnnxNode& node, size_t i, int64_t axis, int64_t rank) {
  const Value v = ops::cast(node.value(i), DType::f32);
  if (v.shape().rank() == 0) return v;
  if (v.shape().rank() > 1) throw Unsupported("scales of blocks");
  if (v.shape()[0] == 1) return ops::reshape(v, {});
  std::vector<int64_t> dims(static_cast<size_t>(rank), 1);
  dims[static_cast<size_t>(axis)] = v.shape()[0];
  return ops::reshape(v, dims);
}

/// x / scale + zero point, rounded and cut to what the bytes hold.
Value to_bytes(const Value& scaled, const Value& zero, DType dtype) {
  if (dtype != DType::u8 && dtype != DType::i8)
    throw Unsupported("quantised values of another type than int8 and uint8");
  const double low = dtype == DType::u8 ? 0 : -128;
  const Value rounded = round_to_even(scaled);
  return ops::cast(ops::clip(zero ? ops::add(rounded, zero) : rounded, low, low + 255), dtype);
}

/// The type of the bytes: that of the zero point at input i.
DType byte_type(const OnnxNode& node, size_t i) { return node.given(i) ? node.dtype(i) : DType::u8; }

int64_t quantised_axis(const OnnxNode& node) {
  if (node.integer("block_size", 0) != 0) throw Unsupported("scales of blocks");
  return node.rank(0) == 0 || node.shape(1).rank() == 0 ? 0 : node.axis(node.integer("axis", 1), node.rank(0));
}

Operands quantize_linear(OnnxNode& node) {
  const int64_t axis = quantised_axis(node), rank = node.rank(0);
  if (!node.given(2) && node.integer("output_dtype", 2) != 2) throw Unsupported("attribute output_dtype");
  const Value zero = node.given(2) ? along(node, 2, axis, rank) : Value();
  return {
      to_bytes(ops::div(ops::cast(node.value(0), DType::f32), along(node, 1, axis, rank)), zero, byte_type(node, 2))};
}

Operands dequantize_linear(OnnxNode& node) {
  const int64_t axis = quantised_axis(node), rank = node.rank(0);
  if (node.dtype(0) == DType::f32) throw Unsupported("values that are no integers");
  const Value q = ops::cast(node.value(0), DType::f32);
  const Value centred = node.given(2) ? ops::sub(q, along(node, 2, axis, rank)) : q;
  return {ops::mul(centred, along(node, 1, axis, rank))};
}

/// Input i, bytes, less the zero point at input i + 2, without its scale.
Value centred(const OnnxNode& node, size_t i, int64_t axis) {
  const Value q = ops::cast(node.value(i), DType::f32);
  return ops::sub(q, along(node, i + 2, axis, node.rank(i)));
}

Operands qlinear_conv(OnnxNode& node) {
  const size_t rank = spatial_rank(node);
  const auto dims = node.rank(0);
  const Value x = centred(node, 0, 1), w = centred(node, 3, 0);
  const Value bias = node.given(8) ? ops::cast(node.value(8), DType::f32) : Value();
  const Value sums = ops::conv(x, w, bias, {.window = window_of(node, rank), .groups = node.integer("group", 1)});
  const Value scale = ops::div(ops::mul(along(node, 1, 1, dims), along(node, 4, 1, dims)), along(node, 6, 1, dims));
  return {to_bytes(ops::mul(sums, scale), along(node, 7, 1, dims), node.dtype(7))};
}

Operands qlinear_matmul(OnnxNode& node) {
  // One scale for each row of the first matrix and each column of the second.
  const auto rows = node.rank(0) - 2, columns = node.rank(3) - 1;
  const Value sums = ops::matmul(centred(node, 0, rows), centred(node, 3, columns));
  const Value scale = ops::div(ops::mul(along(node, 1, rows, node.rank(0)), along(node, 4, columns, node.rank(3))),
                               along(node, 6, rows, node.rank(0)));
  return {to_bytes(ops::mul(sums, scale), along(node, 7, rows, node.rank(0)), node.dtype(7))};
}

/// Bytes of a range that is taken from the values themselves and reaches over 0.
Operands dynamic_quantize_linear(OnnxNode& node) {
  const Value x = node.real(0);
  const Value low = ops::min(ops::reduce_min(x), number(0)), high = ops::max(ops::reduce_max(x), number(0));
  const Value scale = ops::affine(ops::sub(high, low), 1.0 / 255);
  const Value zero = ops::clip(round_to_even(ops::div(ops::affine(low, -1), scale)), 0, 255);
  return {to_bytes(ops::div(x, scale), zero, DType::u8), scale, ops::cast(zero, DType::u8)};
}

constexpr std::array<OperatorEntry, 5> entries = {{
    {"DequantizeLinear", dequantize_linear},
    {"DynamicQuantizeLinear", dynamic_quantize_linear},
    {"QLinearConv", qlinear_conv},
    {"QLinearMatMul", qlinear_matmul},
    {"QuantizeLinear", quantize_linear},
}};

}  // namespace

std::span<const OperatorEntry> operators_in_quantize() { return entries; }

}  // namespace ocellus::io::onnx_io

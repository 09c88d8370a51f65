// ONNX: elements by their places, and the places of the largest.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/ops/cast.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/indexing.h>
#include <ocellus/ops/select.h>
#include <ocellus/ops/shape.h>

#include "io/onnx/support/compose.h"
#include "io/onnx/support/node.h"

namespace ocellus::io::onnx_io {
namespace {

/// Indices in [0, size) as i32: negative ones count from the end.
Value indices_of(const OnnxNode& node, size_t i, int64_t size) {
  if (!node.known(i)) {
    const Value given = node.value(i), wide = ops::cast(given, DType::f32);
    return ops::cast(ops::where(ops::less(wide, number(0)), ops::affine(wide, 1, static_cast<double>(size)), wide),
                     DType::i32);
  }
  const Tensor& from = node.constant(i, "indices");
  Tensor indices(DType::i32, from.shape());
  for (int64_t k = 0; k < from.numel(); ++k) {
    const double at = from.at(k) < 0 ? from.at(k) + static_cast<double>(size) : from.at(k);
    if (!(at >= 0 && at < static_cast<double>(size)))
      throw ShapeError(fmt::format("index {} is none of {} elements", from.at(k), size));
    indices.as<int32_t>()[static_cast<size_t>(k)] = static_cast<int32_t>(at);
  }
  return ocellus::constant(indices);
}

Operands gather(OnnxNode& node) {
  const Value x = node.value(0);
  const int64_t axis = node.axis(node.integer("axis", 0), node.rank(0));
  const int64_t size = x.shape()[static_cast<size_t>(axis)];
  if (size == any_dim) throw Unsupported("a part of an open batch");
  return {ops::gather(x, indices_of(node, 1, size), axis)};
}

Operands gather_elements(OnnxNode& node) {
  Value x = node.value(0);
  const int64_t axis = node.axis(node.integer("axis", 0), node.rank(0));
  const Shape places = node.shape(1);
  if (places.rank() != x.shape().rank())
    throw ShapeError(
        fmt::format("indices {} have not as many dimensions as {}", places.to_string(), x.shape().to_string()));
  const int64_t size = x.shape()[static_cast<size_t>(axis)];
  if (size == any_dim) throw Unsupported("a part of an open batch");
  for (int64_t i = 0; i < node.rank(0); ++i)
    if (const int64_t n = places[static_cast<size_t>(i)]; i != axis && n != x.shape()[static_cast<size_t>(i)])
      x = ops::slice(x, {.axis = i, .begin = 0, .end = n});
  return {ops::gather_along(x, indices_of(node, 1, size), axis)};
}

/// Indices outside [-depth, depth) make a row of nothing but `off`.
Operands one_hot(OnnxNode& node) {
  const auto depth = static_cast<int64_t>(node.scalar(1, "depth"));
  const Tensor& values = node.constant(2, "values");
  if (depth < 1 || values.numel() != 2) throw ShapeError("needs a depth above 0 and two values");
  const Value given = ops::cast(node.value(0), DType::f32);
  const Value wrapped =
      ops::where(ops::less(given, number(0)), ops::affine(given, 1, static_cast<double>(depth)), given);
  const int64_t axis = node.axis(node.integer("axis", -1), node.rank(0) + 1);
  const Value y = ops::one_hot(ops::cast(wrapped, DType::i32),
                               {.depth = depth, .axis = axis, .on = values.at(1), .off = values.at(0)});
  return {is_floating(values.dtype())
              ? y
              : ops::cast(y, values.dtype() == DType::i64 && !node.folding() ? DType::i32 : values.dtype())};
}

/// Of equal elements the first, or with select_last_index the last.
Operands arg_extremum(const OnnxNode& node, bool smallest) {
  const Value x = node.real(0);
  const int64_t axis = node.axis(node.integer("axis", 0), node.rank(0)), size = x.shape()[static_cast<size_t>(axis)];
  node.keep_batch(x, axis);
  const bool last = node.flag("select_last_index", false);
  const Value seen = last ? ops::reverse(x, {axis}) : x;
  const ops::ArgConfig config = {.axis = axis, .keep_dims = node.flag("keepdims", true)};
  const Value index = smallest ? ops::argmin(seen, config) : ops::argmax(seen, config);
  if (!last) return {index};
  return {ops::cast(ops::affine(ops::cast(index, DType::f32), -1, static_cast<double>(size - 1)), DType::i32)};
}

Operands arg_max(OnnxNode& node) { return arg_extremum(node, false); }
Operands arg_min(OnnxNode& node) { return arg_extremum(node, true); }

Operands top_k(OnnxNode& node) {
  const Value x = node.real(0);
  const int64_t axis = node.axis(node.integer("axis", -1), node.rank(0));
  node.keep_batch(x, axis);
  const int64_t k = node.opset() < 10 ? node.integer("k", 0) : static_cast<int64_t>(node.scalar(1, "k"));
  const Values found = ops::top_k(x, {.k = k, .axis = axis, .smallest = !node.flag("largest", true)});
  return {node.as_input(found[0], 0), found[1]};
}

constexpr std::array<OperatorEntry, 6> entries = {{
    {"ArgMax", arg_max},
    {"ArgMin", arg_min},
    {"Gather", gather},
    {"GatherElements", gather_elements},
    {"OneHot", one_hot},
    {"TopK", top_k},
}};

}  // namespace

std::span<const OperatorEntry> operators_in_indexing() { return entries; }

}  // namespace ocellus::io::onnx_io

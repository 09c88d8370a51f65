// ONNX: constants, shapes as numbers, and conversions between element types.

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/ops/cast.h>

#include "io/onnx/support/node.h"
#include "io/onnx/support/tensor.h"

namespace ocellus::io::onnx_io {
namespace {

constexpr int64_t most_elements = int64_t{1} << 27;  // of a constant that a few numbers describe

Tensor list_of(const std::vector<int64_t>& numbers) {
  return Tensor::of({static_cast<int64_t>(numbers.size())}, numbers);
}

Operands constant(OnnxNode& node) {
  if (node.has("value")) return {node.tensor("value")};
  if (node.has("value_int")) return {Tensor::of<int64_t>({}, {node.integer("value_int", 0)})};
  if (node.has("value_ints")) return {list_of(node.integers("value_ints"))};
  if (node.has("value_float")) return {Tensor::scalar(static_cast<float>(node.number("value_float", 0)))};
  if (!node.has("value_floats")) throw Unsupported("a value that is no dense tensor of numbers");
  const auto numbers = node.numbers("value_floats");
  return {Tensor::of({static_cast<int64_t>(numbers.size())}, std::vector<float>(numbers.begin(), numbers.end()))};
}

Operands constant_of_shape(OnnxNode& node) {
  const auto dims = node.list(0, "a shape");
  for (int64_t d : dims)
    if (d >= batch_mark) throw Unsupported("a constant as long as the batch");
  const Shape shape{std::span<const int64_t>(dims)};
  if (!shape.known() || shape.numel() > most_elements)
    throw ShapeError(shape.to_string() + " can't be the shape of a constant");
  const Tensor value = node.has("value") ? node.tensor("value") : Tensor::scalar(0);
  if (value.numel() != 1) throw ShapeError("attribute value must hold one element");
  return {Tensor::full(value.dtype(), shape, value.at(0))};
}

/// start, start + delta, ... before limit.
Operands range(OnnxNode& node) {
  const double start = node.scalar(0, "start"), limit = node.scalar(1, "limit"), delta = node.scalar(2, "delta");
  const double count = delta == 0 ? 0 : std::ceil((limit - start) / delta);
  if (!(count <= static_cast<double>(most_elements))) throw ShapeError(fmt::format("a range of {} numbers", count));
  Tensor numbers(node.constant(0, "start").dtype(), {std::max<int64_t>(static_cast<int64_t>(count), 0)});
  for (int64_t i = 0; i < numbers.numel(); ++i) {
    const double x = start + static_cast<double>(i) * delta;
    if (numbers.dtype() == DType::i64)
      numbers.as<int64_t>()[static_cast<size_t>(i)] = static_cast<int64_t>(x);
    else
      numbers.as<float>()[static_cast<size_t>(i)] = static_cast<float>(x);
  }
  return {numbers};
}

Operand dims_as_numbers(std::vector<int64_t> dims) {
  bool open = false;
  for (int64_t& d : dims)
    if (d == any_dim) d = batch_mark, open = true;
  Operand operand(list_of(dims));
  operand.of_batch = open;
  return operand;
}

/// From version 15 on a part of the dimensions, as a slice of them.
Operands shape(OnnxNode& node) {
  const Shape of = node.shape(0);
  const auto rank = static_cast<int64_t>(of.rank());
  const auto place = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank); };
  const int64_t start = place(node.integer("start", 0)), end = std::max(place(node.integer("end", rank)), start);
  return {dims_as_numbers({of.begin() + start, of.begin() + end})};
}

Operands size(OnnxNode& node) {
  const Shape of = node.shape(0);
  if (of.known()) return {Tensor::of<int64_t>({}, {of.numel()})};
  Operand operand(Tensor::of<int64_t>({}, {of.with(0, 1).numel() * batch_mark}));
  operand.of_batch = true;
  return {operand};
}

/// The type in which numbers of a type of the file are kept: see `constant_dtype`; integers that a run gives are i32.
Operands cast_to(const OnnxNode& node, DType to) {
  if (!node.folding() && to == DType::i64) to = DType::i32;
  return {ops::cast(node.value(0), to)};
}

/// A cast to a real type of 16 bits rounds, though what comes of it is kept in f32.
Operands cast(OnnxNode& node) {
  const int type = static_cast<int>(node.integer("to", 0));
  const DType exact = exact_dtype(type, "a result"), kept = constant_dtype(type, "a result");
  if (exact != DType::f16 && exact != DType::bf16) return cast_to(node, kept);
  return {ops::cast(ops::cast(node.value(0), exact), kept)};
}

Operands cast_like(OnnxNode& node) { return cast_to(node, node.dtype(1)); }

constexpr std::array<OperatorEntry, 7> entries = {{
    {"Cast", cast},
    {"CastLike", cast_like},
    {"Constant", constant},
    {"ConstantOfShape", constant_of_shape},
    {"Range", range},
    {"Shape", shape, true},
    {"Size", size, true},
}};

}  // namespace

std::span<const OperatorEntry> operators_in_constant() { return entries; }

}  // namespace ocellus::io::onnx_io

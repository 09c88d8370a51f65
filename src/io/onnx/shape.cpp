// ONNX: operators that move elements, and those that compute shapes.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/ops/cast.h>
#include <ocellus/ops/rearrange.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/shape.h>

#include "io/onnx/support/compose.h"
#include "io/onnx/support/node.h"

namespace ocellus::io::onnx_io {
namespace {

std::vector<int64_t> dims_of(const Shape& shape) { return {shape.begin(), shape.end()}; }

bool open(const Value& x) { return x.shape().rank() > 0 && x.shape()[0] == any_dim; }

bool of_batch(int64_t dim) { return dim >= batch_mark && dim % batch_mark == 0; }

/// The dimensions that Reshape asks for, for an input whose batch is open: where the batch goes, 0 or -1 comes first.
std::vector<int64_t> dims_around_batch(const OnnxNode& node, const Value& x, std::vector<int64_t> dims) {
  const int64_t sample = x.shape().with(0, 1).numel();
  if (std::any_of(dims.begin() + !dims.empty(), dims.end(), of_batch))
    throw Unsupported("a batch that is not the first dimension");
  int64_t rest = 1;
  for (size_t i = 1; i < dims.size(); ++i) rest *= dims[i] == -1 ? 1 : std::max<int64_t>(dims[i], 1);
  const auto inferred = std::find(dims.begin(), dims.end(), -1);
  if (dims.empty()) throw Unsupported("a batch that becomes a scalar");
  if (of_batch(dims[0])) {
    const int64_t times = dims[0] / batch_mark;
    if (inferred != dims.end()) *inferred = sample / std::max<int64_t>(times * rest, 1);
    dims[0] = times == 1 ? 0 : -1;
  } else if (node.free_batch() && dims[0] > 0) {
    // The file's batch is one, so that these are the dimensions of a sample, be it in several rows.
    if (inferred != dims.end()) *inferred = sample / std::max<int64_t>(dims[0] * rest, 1);
    dims[0] = dims[0] == 1 ? 0 : -1;
  }
  return dims;
}

Operands reshape(OnnxNode& node) {
  node.set_kind("Reshape");
  const Value x = node.value(0);
  auto dims = node.list(1, "a shape");
  if (node.flag("allowzero", false) && std::count(dims.begin(), dims.end(), 0) > 0) {
    if (x.shape().known() && x.shape().numel() == 0) return {ops::reshape(x, dims)};
    throw Unsupported("allowzero with a zero in the shape");
  }
  for (size_t i = 1; i < dims.size(); ++i)
    if (dims[i] == 0 && i < x.shape().rank()) dims[i] = x.shape()[i];
  return {ops::reshape(x, open(x) ? dims_around_batch(node, x, dims) : dims)};
}

Operands flatten(OnnxNode& node) {
  node.set_kind("Flatten");
  const Value x = node.value(0);
  const int64_t rank = node.rank(0), given = node.integer("axis", 1);
  const int64_t axis = given == rank ? rank : node.axis(given, std::max<int64_t>(rank, 1));
  if (open(x) && axis == 0) throw Unsupported("an open batch that is not the first dimension");
  if (open(x) && axis == 1) return {ops::flatten(x)};
  int64_t front = 1, rest = 1;
  for (int64_t i = 0; i < rank; ++i) (i < axis ? front : rest) *= x.shape()[static_cast<size_t>(i)];
  return {ops::reshape(x, {open(x) ? -1 : front, rest})};
}

Operands transpose(OnnxNode& node) {
  std::vector<int64_t> reversed(static_cast<size_t>(node.rank(0)));
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  return {ops::transpose(node.value(0), node.integers("perm", reversed))};
}

Operands concat(OnnxNode& node) {
  node.set_kind("Concat");
  Values all;
  const int64_t axis = node.axis(node.integer("axis", 1), node.rank(0));
  for (size_t i = 0; i < node.inputs(); ++i) {
    if (node.known(i) && node.shape(i).numel() == 0 && node.inputs() > 1) continue;  // nothing is added
    all.push_back(node.value(i));
    node.keep_batch(all.back(), axis);
  }
  if (all.empty()) return {node.operand(0)};
  return {ops::concat(all, axis)};
}

/// What Slice takes of one dimension: on an axis that is read backwards after it has been reversed.
struct Cut {
  int64_t begin = 0, end = any_dim, step = 1;
  bool backwards = false;
};

Cut cut_of(int64_t size, int64_t start, int64_t stop, int64_t step) {
  if (step == 0) throw ShapeError("a step can't be 0");
  if (size == any_dim) {
    if (start != 0 || step != 1 || stop < batch_mark) throw Unsupported("a part of an open batch");
    return {};
  }
  const auto from_front = [&](int64_t i) { return i < 0 ? std::max<int64_t>(i, -size - 1) + size : i; };
  start = from_front(start);
  stop = from_front(stop);
  if (step > 0) {
    start = std::clamp<int64_t>(start, 0, size);
    return {start, std::clamp(stop, start, size), std::min(step, std::max<int64_t>(size, 1)), false};
  }
  start = std::clamp<int64_t>(start, -1, size - 1);
  stop = std::clamp<int64_t>(stop, -1, start);
  return {size - 1 - start, size - 1 - stop, std::min(-std::max(step, -size - 1), std::max<int64_t>(size, 1)), true};
}

/// An empty constant where no element is taken of one dimension or more.
std::optional<Tensor> nothing_of(const Value& x, const std::vector<int64_t>& begin, const std::vector<int64_t>& end) {
  auto dims = dims_of(x.shape());
  bool empty = false;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (end[i] != any_dim) dims[i] = end[i] - begin[i];
    empty = empty || dims[i] == 0;
  }
  if (!empty || !x.shape().known()) return std::nullopt;
  return Tensor(x.dtype() == DType::i32 ? DType::i64 : x.dtype(), Shape(std::span<const int64_t>(dims)));
}

Operands slice(OnnxNode& node) {
  Value x = node.value(0);
  const bool attributes = node.opset() < 10;
  const auto starts = attributes ? node.integers("starts") : node.list(1, "starts");
  const auto ends = attributes ? node.integers("ends") : node.list(2, "ends");
  auto axes = attributes ? node.integers("axes") : node.given(3) ? node.list(3, "axes") : std::vector<int64_t>();
  auto steps = !attributes && node.given(4) ? node.list(4, "steps") : std::vector<int64_t>();
  if (axes.empty()) {
    axes.resize(starts.size());
    std::iota(axes.begin(), axes.end(), 0);
  }
  if (steps.empty()) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    throw ShapeError("starts, ends, axes and steps are not of one length");
  const auto rank = static_cast<size_t>(node.rank(0));
  std::vector<int64_t> begin(rank, 0), end(rank, any_dim), step(rank, 1), reversed;
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(node.axis(axes[i], node.rank(0)));
    const Cut cut = cut_of(x.shape()[axis], starts[i], ends[i], steps[i]);
    begin[axis] = cut.begin, end[axis] = cut.end, step[axis] = cut.step;
    if (cut.backwards) reversed.push_back(static_cast<int64_t>(axis));
  }
  if (const auto none = nothing_of(x, begin, end)) return {*none};
  if (!reversed.empty()) x = ops::reverse(x, reversed);
  return {ops::slice(x, begin, end, step)};
}

/// Sizes of the parts: given, or equal ones of which the last may be smaller.
std::vector<int64_t> parts_of(const OnnxNode& node, int64_t size) {
  auto parts = node.opset() < 13 ? node.integers("split")
               : node.given(1)   ? node.list(1, "split")
                                 : std::vector<int64_t>();
  if (parts.empty()) {
    const auto count = node.integer("num_outputs", static_cast<int64_t>(node.outputs()));
    if (count < 1 || count > std::max<int64_t>(size, 1))
      throw ShapeError(fmt::format("{} can't be split into {}", size, count));
    const int64_t part = (size + count - 1) / count;
    for (int64_t i = 0; i < count; ++i) parts.push_back(std::clamp<int64_t>(size - i * part, 0, part));
  }
  if (std::any_of(parts.begin(), parts.end(), [&](int64_t p) { return p < 0 || p > size; }) ||
      std::accumulate(parts.begin(), parts.end(), int64_t{0}) != size)
    throw ShapeError(fmt::format("parts of [{}] don't make up {}", fmt::join(parts, ","), size));
  return parts;
}

Operands split(OnnxNode& node) {
  const Value x = node.value(0);
  const int64_t axis = node.axis(node.integer("axis", 0), node.rank(0));
  if (axis == 0 && open(x)) throw Unsupported("parts of an open batch");
  Operands results;
  int64_t begin = 0;
  for (int64_t part : parts_of(node, x.shape()[static_cast<size_t>(axis)])) {
    auto dims = dims_of(x.shape());
    dims[static_cast<size_t>(axis)] = 0;
    if (part > 0)
      results.push_back(ops::slice(x, {.axis = axis, .begin = begin, .end = begin + part}));
    else if (x.shape().known())
      results.push_back(
          Tensor(x.dtype() == DType::i32 ? DType::i64 : x.dtype(), Shape(std::span<const int64_t>(dims))));
    else
      throw Unsupported("an empty part");
    begin += part;
  }
  return results;
}

std::vector<int64_t> axes_of(const OnnxNode& node) {
  if (node.opset() < 13) return node.integers("axes");
  return node.given(1) ? node.list(1, "axes") : std::vector<int64_t>();
}

Operands squeeze(OnnxNode& node) {
  const Value x = node.value(0);
  const auto dims = dims_of(x.shape());
  std::vector<bool> drop(dims.size());
  const auto axes = axes_of(node);
  for (int64_t axis : axes) drop[static_cast<size_t>(node.axis(axis, node.rank(0)))] = true;
  std::vector<int64_t> kept;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (drop[i] && dims[i] != 1) throw ShapeError(fmt::format("dimension {} of {} is not 1", i, x.shape().to_string()));
    if (axes.empty() ? dims[i] != 1 : !drop[i]) kept.push_back(dims[i]);
  }
  return {reshaped(x, kept)};
}

Operands unsqueeze(OnnxNode& node) {
  const Value x = node.value(0);
  const auto axes = axes_of(node);
  const int64_t rank = node.rank(0) + static_cast<int64_t>(axes.size());
  if (rank > static_cast<int64_t>(Shape::max_rank)) throw Unsupported(fmt::format("{} dimensions", rank));
  std::vector<bool> fresh(static_cast<size_t>(rank));
  for (int64_t axis : axes) {
    const auto at = static_cast<size_t>(node.axis(axis, rank));
    if (fresh[at]) throw ShapeError(fmt::format("axis {} is there twice", axis));
    fresh[at] = true;
  }
  std::vector<int64_t> dims;
  size_t next = 0;
  for (size_t i = 0; i < fresh.size(); ++i) dims.push_back(fresh[i] ? 1 : x.shape()[next++]);
  return {reshaped(x, dims)};
}

/// An operator on real numbers for elements of any type.
template <class F>
Value as_real(const OnnxNode& node, F&& f) {
  const Value x = node.value(0);
  if (is_floating(x.dtype())) return f(x);
  // Integers of 16 bits and more would lose digits in f32; computed at once they are f64.
  if (!node.folding() && x.dtype() == DType::i32) throw Unsupported("integers that only a run decides");
  return ops::cast(f(ops::cast(x, node.folding() ? DType::f64 : DType::f32)), x.dtype());
}

Operands expand(OnnxNode& node) {
  const auto asked = node.list(1, "a shape");
  auto own = dims_of(node.shape(0));
  std::vector<int64_t> dims(std::max(asked.size(), own.size()), 1);
  own.insert(own.begin(), dims.size() - own.size(), 1);
  for (size_t i = 0; i < dims.size(); ++i) {
    const size_t missing = dims.size() - asked.size();
    const int64_t a = i < missing ? 1 : asked[i - missing] == batch_mark ? any_dim : asked[i - missing];
    if (a < any_dim || (a != own[i] && a != 1 && own[i] != 1))
      throw ShapeError(fmt::format("{} can't be expanded to [{}]", node.shape(0).to_string(), fmt::join(asked, ",")));
    dims[i] = own[i] == 1 ? a : own[i];
  }
  const Shape shape{std::span<const int64_t>(dims)};
  return {as_real(node, [&](const Value& x) { return x.shape() == shape ? x : ops::broadcast_to(x, shape); })};
}

Operands tile(OnnxNode& node) {
  Value y = node.value(0);
  const auto repeats = node.list(1, "repeats");
  if (static_cast<int64_t>(repeats.size()) != node.rank(0)) throw ShapeError("repeats has not one number a dimension");
  for (size_t axis = 0; axis < repeats.size(); ++axis) {
    if (repeats[axis] == 1) continue;
    if (repeats[axis] < 1 || repeats[axis] > 4096) throw Unsupported(fmt::format("{} repeats", repeats[axis]));
    node.keep_batch(y, static_cast<int64_t>(axis));
    y = ops::concat(Values(static_cast<size_t>(repeats[axis]), y), static_cast<int64_t>(axis));
  }
  return {y};
}

PadMode pad_mode(const std::string& mode) {
  if (mode == "constant") return PadMode::constant;
  if (mode == "reflect") return PadMode::reflect;
  if (mode == "edge") return PadMode::replicate;
  throw Unsupported("mode " + mode);
}

/// Padding is an attribute up to version 10, then an input, with axes from version 18 on. Where it is negative, elements go.
Operands pad(OnnxNode& node) {
  const auto rank = static_cast<size_t>(node.rank(0));
  const bool attributes = node.opset() < 11;
  const auto pads = attributes ? node.integers("pads") : node.list(1, "pads");
  std::vector<int64_t> axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  if (node.opset() >= 18 && node.given(3)) axes = node.list(3, "axes");
  if (pads.size() != 2 * axes.size())
    throw ShapeError(fmt::format("pads has {} numbers for {} axes", pads.size(), axes.size()));
  std::vector<int64_t> before(rank, 0), after(rank, 0), begin(rank, 0), end(rank, any_dim);
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(node.axis(axes[i], node.rank(0)));
    const int64_t front = pads[i], back = pads[i + axes.size()];
    before[axis] = std::max<int64_t>(front, 0), after[axis] = std::max<int64_t>(back, 0);
    if (front < 0) begin[axis] = -front;
    if (back < 0) end[axis] = node.shape(0)[axis] + back;
  }
  const bool cuts = std::any_of(pads.begin(), pads.end(), [](int64_t p) { return p < 0; });
  const PadMode mode = pad_mode(node.text("mode", "constant"));
  const double value = attributes ? node.number("value", 0) : node.given(2) ? node.scalar(2, "a padding value") : 0;
  return {as_real(node, [&](const Value& x) {
    const Value rest = cuts ? ops::slice(x, begin, end, std::vector<int64_t>(rank, 1)) : x;
    return ops::pad(rest, {.before = before, .after = after, .mode = mode, .value = value});
  })};
}

BlockOrder block_order(const OnnxNode& node) {
  const std::string mode = node.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") throw ShapeError(fmt::format("attribute mode can't be \"{}\"", mode));
  return mode == "CRD" ? BlockOrder::crd : BlockOrder::dcr;
}

Operands depth_to_space(OnnxNode& node) {
  node.set_kind("DepthToSpace");
  return {ops::depth_to_space(node.value(0), {.block = node.integer("blocksize", 0), .order = block_order(node)})};
}

Operands space_to_depth(OnnxNode& node) {
  node.set_kind("SpaceToDepth");
  return {ops::space_to_depth(node.value(0), {.block = node.integer("blocksize", 0), .order = block_order(node)})};
}

Operands identity(OnnxNode& node) { return {node.operand(0)}; }

/// Nothing is dropped in inference; the mask says so.
Operands dropout(OnnxNode& node) {
  if (node.given(2) && node.scalar(2, "training_mode") != 0 && (!node.given(1) || node.scalar(1, "ratio") != 0))
    throw Unsupported("training_mode, which draws numbers at random");
  if (!node.wants(1)) return {node.operand(0)};
  if (!node.shape(0).known()) throw Unsupported("a mask of an open batch");
  return {node.operand(0), ocellus::constant(Tensor::full(DType::boolean, node.shape(0), 1))};
}

constexpr std::array<OperatorEntry, 15> entries = {{
    {"Concat", concat},
    {"DepthToSpace", depth_to_space},
    {"Dropout", dropout},
    {"Expand", expand},
    {"Flatten", flatten},
    {"Identity", identity},
    {"Pad", pad},
    {"Reshape", reshape},
    {"Slice", slice},
    {"SpaceToDepth", space_to_depth},
    {"Split", split},
    {"Squeeze", squeeze},
    {"Tile", tile},
    {"Transpose", transpose},
    {"Unsqueeze", unsqueeze},
}};

}  // namespace

std::span<const OperatorEntry> operators_in_shape() { return entries; }

}  // namespace ocellus::io::onnx_io

// ONNX: images of another size.

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/ops/resize.h>

#include "io/onnx/support/node.h"

namespace ocellus::io::onnx_io {
namespace {

ResizeMode mode_of(const OnnxNode& node) {
  const std::string mode = node.text("mode", "nearest");
  if (mode == "nearest") return ResizeMode::nearest;
  if (mode == "linear" || mode == "bilinear") return ResizeMode::linear;
  throw Unsupported("mode " + mode);
}

ResizeRounding rounding_of(const OnnxNode& node) {
  const std::string mode = node.text("nearest_mode", "round_prefer_floor");
  if (mode == "round_prefer_floor") return ResizeRounding::round_half_down;
  if (mode == "round_prefer_ceil") return ResizeRounding::round_half_up;
  if (mode == "floor") return ResizeRounding::floor;
  if (mode == "ceil") return ResizeRounding::ceil;
  throw ShapeError(fmt::format("attribute nearest_mode can't be \"{}\"", mode));
}

/// pytorch_half_pixel is half_pixel but where one element is left.
ResizeCoordinates coordinates_of(const OnnxNode& node, const std::vector<int64_t>& size) {
  const std::string mode = node.text("coordinate_transformation_mode", "half_pixel");
  if (mode == "half_pixel") return ResizeCoordinates::half_pixel;
  if (mode == "align_corners") return ResizeCoordinates::align_corners;
  if (mode == "asymmetric") return ResizeCoordinates::asymmetric;
  if (mode == "pytorch_half_pixel" && std::ranges::count(size, 1) == 0) return ResizeCoordinates::half_pixel;
  throw Unsupported("coordinate_transformation_mode " + mode);
}

/// One number a dimension of x, of which the first two must leave batch and channels alone.
std::vector<double> all_scales(const OnnxNode& node, std::vector<double> scales) {
  const auto rank = static_cast<size_t>(node.rank(0));
  std::vector<double> all(rank, 1);
  std::vector<int64_t> axes = node.integers("axes");
  if (axes.empty() && scales.size() != rank)
    throw ShapeError(fmt::format("scales has {} numbers for {} dimensions", scales.size(), rank));
  if (!axes.empty() && axes.size() != scales.size()) throw ShapeError("scales and axes are not of one length");
  for (size_t i = 0; i < scales.size(); ++i)
    all[axes.empty() ? i : static_cast<size_t>(node.axis(axes[i], node.rank(0)))] = scales[i];
  return all;
}

/// Sizes by scales: the operator here takes its places from sizes alone, so that a scale must lead to a whole one.
std::vector<int64_t> scaled(const OnnxNode& node, const std::vector<double>& given) {
  const auto scales = all_scales(node, given);
  const Shape x = node.shape(0);
  std::vector<int64_t> size;
  for (size_t i = 0; i < scales.size(); ++i) {
    if (i < 2 && scales[i] != 1) throw Unsupported("scaled batch or channels");
    if (i < 2) continue;
    const double exact = static_cast<double>(x[i]) * scales[i];
    if (!(exact >= 1 && exact < 1e9)) throw ShapeError(fmt::format("{} can't be scaled by {}", x[i], scales[i]));
    if (std::abs(exact - std::round(exact)) > 1e-4 * exact / static_cast<double>(x[i]))
      throw Unsupported(fmt::format("a scale of {} that leads to no whole size", scales[i]));
    size.push_back(static_cast<int64_t>(std::round(exact)));
  }
  return size;
}

std::vector<double> numbers_of(const Tensor& t) {
  if (t.numel() > 8) throw ShapeError("more scales than there are dimensions");
  std::vector<double> list;
  for (int64_t i = 0; i < t.numel(); ++i) list.push_back(t.at(i));
  return list;
}

/// Sizes as input 3 gives them, by dimension or by axis, kept in proportion where the policy says so.
std::vector<int64_t> asked(const OnnxNode& node) {
  const auto sizes = node.list(3, "sizes");
  const auto axes = node.integers("axes");
  const Shape x = node.shape(0);
  std::vector<int64_t> all(x.begin(), x.end());
  if (axes.empty() ? sizes.size() != x.rank() : sizes.size() != axes.size())
    throw ShapeError(
        fmt::format("sizes has {} numbers for {} dimensions", sizes.size(), axes.empty() ? x.rank() : axes.size()));
  const std::string policy = node.text("keep_aspect_ratio_policy", "stretch");
  double factor = policy == "not_larger" ? 1e9 : 0;
  std::vector<size_t> at;
  for (size_t i = 0; i < sizes.size(); ++i) {
    at.push_back(axes.empty() ? i : static_cast<size_t>(node.axis(axes[i], node.rank(0))));
    const double f = static_cast<double>(sizes[i]) / static_cast<double>(x[at[i]]);
    factor = policy == "not_larger" ? std::min(factor, f) : std::max(factor, f);
  }
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (at[i] == 0 && (sizes[i] == batch_mark || x[0] == any_dim)) continue;
    all[at[i]] = policy == "stretch" ? sizes[i] : std::llround(factor * static_cast<double>(x[at[i]]));
  }
  if ((x[0] != any_dim && all[0] != x[0]) || all[1] != x[1]) throw Unsupported("resized batch or channels");
  return {all.begin() + 2, all.end()};
}

Operands resized(const OnnxNode& node, const ops::ResizeConfig& config) { return {ops::resize(node.real(0), config)}; }

/// In version 10 places were those of `asymmetric`, rounded down.
Operands resize(OnnxNode& node) {
  node.set_kind("Resize2D");
  if (node.rank(0) < 3) throw Unsupported("fewer than three dimensions");
  if (node.opset() < 11)
    return resized(node, {.size = scaled(node, numbers_of(node.constant(1, "scales"))),
                          .mode = mode_of(node),
                          .coordinates = ResizeCoordinates::asymmetric,
                          .rounding = ResizeRounding::floor});
  const bool by_size = node.given(3) && node.shape(3).numel() > 0;
  if (!by_size && !node.given(2)) throw ShapeError("has neither scales nor sizes");
  const auto size = by_size ? asked(node) : scaled(node, numbers_of(node.constant(2, "scales")));
  if (node.flag("antialias", false)) {
    const auto from = node.shape(0).begin() + 2;
    if (!std::equal(size.begin(), size.end(), from, [](int64_t to, int64_t n) { return to >= n; }))
      throw Unsupported("antialias");
  }
  return resized(
      node,
      {.size = size, .mode = mode_of(node), .coordinates = coordinates_of(node, size), .rounding = rounding_of(node)});
}

Operands upsample(OnnxNode& node) {
  node.set_kind("Resize2D");
  const auto scales = node.opset() < 9 ? node.numbers("scales") : numbers_of(node.constant(1, "scales"));
  return resized(node, {.size = scaled(node, scales),
                        .mode = mode_of(node),
                        .coordinates = ResizeCoordinates::asymmetric,
                        .rounding = ResizeRounding::floor});
}

constexpr std::array<OperatorEntry, 2> entries = {{
    {"Resize", resize},
    {"Upsample", upsample},
}};

}  // namespace

std::span<const OperatorEntry> operators_in_resize() { return entries; }

}  // namespace ocellus::io::onnx_io

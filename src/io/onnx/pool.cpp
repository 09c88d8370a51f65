// ONNX: pooling over windows, over everything, and over regions.

#include <array>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/ops/cast.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/pool.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/roi.h>
#include <ocellus/ops/shape.h>
#include <ocellus/ops/unary.h>

#include "io/onnx/support/window.h"

namespace ocellus::io::onnx_io {
namespace {

ops::PoolConfig pool_of(const OnnxNode& node, size_t rank) {
  if (!node.has("kernel_shape")) throw ShapeError("has no attribute kernel_shape");
  return {.kernel = per_dimension(node, "kernel_shape", rank, 1),
          .window = window_of(node, rank),
          .ceil_mode = node.flag("ceil_mode", false),
          .count_include_pad = node.flag("count_include_pad", false)};
}

Operands max_pool(OnnxNode& node) {
  const size_t rank = spatial_rank(node);
  node.set_kind(fmt::format("MaxPool{}D", rank));
  return {ops::max_pool(node.value(0), pool_of(node, rank))};
}

Operands average_pool(OnnxNode& node) {
  const size_t rank = spatial_rank(node);
  node.set_kind(fmt::format("AveragePool{}D", rank));
  return {ops::average_pool(node.real(0), pool_of(node, rank))};
}

/// The p-th root of a sum of p-th powers of magnitudes.
Value root_of_sum(const Value& mean, double count, double p) { return ops::pow(ops::affine(mean, count), 1 / p); }

Operands lp_pool(OnnxNode& node) {
  const size_t rank = spatial_rank(node);
  const double p = static_cast<double>(node.integer("p", 2));
  auto config = pool_of(node, rank);
  config.count_include_pad = true;  // zeros add nothing to a sum
  double count = 1;
  for (int64_t k : config.kernel) count *= static_cast<double>(k);
  return {root_of_sum(ops::average_pool(ops::pow(ops::abs(node.real(0)), p), config), count, p)};
}

Operands global_average_pool(OnnxNode& node) {
  node.set_kind(fmt::format("GlobalAveragePool{}D", spatial_rank(node)));
  return {ops::global_average_pool(node.real(0))};
}

Operands global_max_pool(OnnxNode& node) {
  node.set_kind(fmt::format("GlobalMaxPool{}D", spatial_rank(node)));
  return {ops::global_max_pool(node.real(0))};
}

Operands global_lp_pool(OnnxNode& node) {
  const double p = static_cast<double>(node.integer("p", 2));
  double count = 1;
  for (int64_t n : spatial(node.shape(0))) count *= static_cast<double>(n);
  return {root_of_sum(ops::global_average_pool(ops::pow(ops::abs(node.real(0)), p)), count, p)};
}

Operands max_roi_pool(OnnxNode& node) {
  return {ops::roi_pool(node.real(0), node.real(1),
                        {.size = per_dimension(node, "pooled_shape", 2, 1), .scale = node.number("spatial_scale", 1)})};
}

Operands roi_align(OnnxNode& node) {
  if (node.text("mode", "avg") != "avg") throw Unsupported("mode max");
  // Up to version 15 corners were taken as they are, and there was no attribute.
  const std::string mode =
      node.opset() < 16 ? "output_half_pixel" : node.text("coordinate_transformation_mode", "half_pixel");
  const Value images = ops::reshape(ops::cast(node.value(2), DType::f32), {-1, 1});
  return {ops::roi_align(node.real(0), ops::concat({images, node.real(1)}, 1),
                         {.size = {node.integer("output_height", 1), node.integer("output_width", 1)},
                          .scale = node.number("spatial_scale", 1),
                          .sampling_ratio = node.integer("sampling_ratio", 0),
                          .aligned = mode == "half_pixel"})};
}

constexpr std::array<OperatorEntry, 8> entries = {{
    {"AveragePool", average_pool},
    {"GlobalAveragePool", global_average_pool},
    {"GlobalLpPool", global_lp_pool},
    {"GlobalMaxPool", global_max_pool},
    {"LpPool", lp_pool},
    {"MaxPool", max_pool},
    {"MaxRoiPool", max_roi_pool},
    {"RoiAlign", roi_align},
}};

}  // namespace

std::span<const OperatorEntry> operators_in_pool() { return entries; }

}  // namespace ocellus::io::onnx_io

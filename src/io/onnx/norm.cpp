// ONNX: normalisation.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/ops/channel_norm.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/norm.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/sample_norm.h>
#include <ocellus/ops/shape.h>
#include <ocellus/ops/unary.h>

#include "io/onnx/support/node.h"

namespace ocellus::io::onnx_io {
namespace {

Value gamma(const OnnxNode& node, size_t i) {
  return node.given(i) ? node.parameter(i, {.name = "gamma", .role = ParamRole::norm_scale, .initialiser = nn::ones()})
                       : Value();
}

Value beta(const OnnxNode& node, size_t i) {
  return node.given(i) ? node.parameter(i, {.name = "beta", .role = ParamRole::norm_offset}) : Value();
}

Operands batch_normalization(OnnxNode& node) {
  if (node.flag("training_mode", false)) throw Unsupported("training_mode, in which outputs depend on the batch");
  if (!node.flag("spatial", true)) throw Unsupported("statistics of each element (spatial = 0)");
  node.set_kind("BatchNorm");
  const Values given = {
      gamma(node, 1), beta(node, 2), node.parameter(3, {.name = "moving_mean", .role = ParamRole::statistic}),
      node.parameter(4, {.name = "moving_variance", .role = ParamRole::statistic, .initialiser = nn::ones()})};
  return {ops::batch_norm(
      node.real(0), given,
      {.epsilon = node.number("epsilon", 1e-5), .momentum = node.number("momentum", 0.9), .unbiased_variance = false})};
}

Operands instance_normalization(OnnxNode& node) {
  node.set_kind("InstanceNorm");
  return {ops::instance_norm(
      node.real(0), {.scale = gamma(node, 1), .shift = beta(node, 2), .epsilon = node.number("epsilon", 1e-5)})};
}

/// Up to version 20 scale and bias were numbers of groups instead of channels.
Operands group_normalization(OnnxNode& node) {
  node.set_kind("GroupNorm");
  const int64_t groups = node.integer("num_groups", 0);
  const Value x = node.real(0);
  const double epsilon = node.number("epsilon", 1e-5);
  if (groups < 1 || x.shape().rank() < 2 || x.shape()[1] % groups != 0)
    throw ShapeError(fmt::format("num_groups {} does not divide the channels of {}", groups, x.shape().to_string()));
  if (node.opset() >= 21)
    return {ops::group_norm(x, groups, {.scale = gamma(node, 1), .shift = beta(node, 2), .epsilon = epsilon})};
  const Value normal = ops::reshape(ops::group_norm(x, groups, {.epsilon = epsilon}), {0, groups, -1});
  const Value scale = ops::reshape(gamma(node, 1), {groups, 1}), shift = ops::reshape(beta(node, 2), {groups, 1});
  std::vector<int64_t> dims(x.shape().begin(), x.shape().end());
  dims[0] = 0;
  return {ops::reshape(ops::add(ops::mul(normal, scale), shift), dims)};
}

Operands layer_normalization(OnnxNode& node) {
  node.set_kind("LayerNorm");
  const Value x = node.real(0);
  const int64_t rank = node.rank(0), first = node.axis(node.integer("axis", -1), rank);
  std::vector<int64_t> dims(x.shape().begin(), x.shape().end()), sample = dims;
  if (first == 0 && !x.shape().known()) throw Unsupported("normalisation over an open batch");
  // The batch is never normalised over here: where the file does that, all of it is made one sample.
  if (first == 0) sample.insert(sample.begin(), 1);
  const Value y =
      ops::layer_norm(first == 0 ? ops::reshape(x, sample) : x, rank - first,
                      {.scale = gamma(node, 1), .shift = beta(node, 2), .epsilon = node.number("epsilon", 1e-5)});
  Operands results = {first == 0 ? ops::reshape(y, dims) : y};
  std::fill(dims.begin() + first, dims.end(), 1);
  if (first > 0) dims[0] = x.shape().known() ? dims[0] : 0;
  for (size_t i = 1; i < 3 && node.wants(i); ++i) results.push_back(ops::reshape(Value(y.node_ptr(), i), dims));
  return results;
}

/// Trailing axes from `first`.
std::vector<int64_t> axes_from(int64_t first, int64_t rank) {
  std::vector<int64_t> axes;
  for (int64_t i = first; i < rank; ++i) axes.push_back(i);
  return axes;
}

Operands rms_normalization(OnnxNode& node) {
  const Value x = node.real(0);
  const auto axes = axes_from(node.axis(node.integer("axis", -1), node.rank(0)), node.rank(0));
  const Value mean = ops::reduce_mean(ops::mul(x, x), {.axes = axes, .keep_dims = true});
  const Value y = ops::div(x, ops::sqrt(ops::affine(mean, 1, node.number("epsilon", 1e-5))));
  return {ops::mul(y, gamma(node, 1))};
}

Operands mean_variance_normalization(OnnxNode& node) {
  const Value x = node.real(0);
  const auto axes = node.integers("axes", {0, 2, 3});
  for (int64_t axis : axes) node.keep_batch(x, node.axis(axis, node.rank(0)));
  const Value centred = ops::sub(x, ops::reduce_mean(x, {.axes = axes, .keep_dims = true}));
  const Value variance = ops::reduce_mean(ops::mul(centred, centred), {.axes = axes, .keep_dims = true});
  return {ops::div(centred, ops::affine(ops::sqrt(variance), 1, 1e-9))};
}

Operands lp_normalization(OnnxNode& node) {
  const Value x = node.real(0);
  const int64_t axis = node.axis(node.integer("axis", -1), node.rank(0)), p = node.integer("p", 2);
  if (p != 1 && p != 2) throw ShapeError(fmt::format("p must be 1 or 2, got {}", p));
  node.keep_batch(x, axis);
  const ops::ReduceConfig along = {.axes = {axis}, .keep_dims = true};
  // A line of zeros stays one: it is divided by the smallest number there is instead of by 0.
  const Value length = p == 1 ? ops::reduce_l1(x, along) : ops::reduce_l2(x, along);
  return {ops::div(x, ops::max(length, ocellus::constant(Tensor::scalar(1e-38f))))};
}

Operands lrn(OnnxNode& node) {
  node.set_kind("LocalResponseNorm");
  const int64_t size = node.integer("size", 0);
  if (size % 2 == 0) throw Unsupported(fmt::format("an even size, {}", size));
  return {ops::local_response_norm(node.real(0), {.size = size,
                                                  .alpha = node.number("alpha", 1e-4),
                                                  .beta = node.number("beta", 0.75),
                                                  .k = node.number("bias", 1),
                                                  .divide_alpha = true})};
}

constexpr std::array<OperatorEntry, 8> entries = {{
    {"BatchNormalization", batch_normalization},
    {"GroupNormalization", group_normalization},
    {"InstanceNormalization", instance_normalization},
    {"LRN", lrn},
    {"LayerNormalization", layer_normalization},
    {"LpNormalization", lp_normalization},
    {"MeanVarianceNormalization", mean_variance_normalization},
    {"RMSNormalization", rms_normalization},
}};

}  // namespace

std::span<const OperatorEntry> operators_in_norm() { return entries; }

}  // namespace ocellus::io::onnx_io

// Convolutions, transposed convolutions, dense layers, matrix products and distances.
#include <ocellus/ops/conv.h>
#include <ocellus/ops/dense.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/matmul.h>
#include <ocellus/ops/shape.h>

#include "fuzz/generator.h"

namespace ocellus::fuzz {
namespace {

Activation maybe_activation(Generator& g) {
  if (g.chance(0.7)) return linear;
  return g.one_of<Activation>({relu, leaky_relu(0.1), sigmoid, tanh_});
}

Value maybe_bias(Generator& g, int64_t size) {
  return g.chance(0.5) ? g.parameter({size}, {-0.5, 0.5}, ParamRole::bias) : Value{};
}

int64_t any_groups(Generator& g, int64_t channels) {
  if (g.chance(0.65)) return 1;
  if (g.chance(0.5)) return channels;
  const int64_t groups = g.one_of<int64_t>({2, 4});
  return channels % groups == 0 ? groups : 1;
}

bool is_image(const Value& x) { return x.shape().rank() >= 3 && x.shape().rank() <= 5; }

Shape weight_shape(int64_t outer, int64_t inner, const std::vector<int64_t>& kernel) {
  std::vector<int64_t> dims = {outer, inner};
  dims.insert(dims.end(), kernel.begin(), kernel.end());
  return Shape(std::span<const int64_t>(dims));
}

int64_t product(const std::vector<int64_t>& sizes) {
  int64_t all = 1;
  for (int64_t s : sizes) all *= s;
  return all;
}

Value conv(Generator& g, const Value& x) {
  if (!is_image(x)) return {};
  const size_t spatial_dimensions = x.shape().rank() - 2;
  const int64_t channels = x.shape()[1], groups = any_groups(g, channels);
  const int64_t filters = groups * std::max<int64_t>(1, g.one_of<int64_t>({1, 3, 8, 16, 17, 32}) / groups);
  const std::vector<int64_t> kernel = several(g, spatial_dimensions, 1, 3);
  ops::ConvConfig config{.window = any_window(g, spatial_dimensions, true),
                         .groups = groups,
                         .activation = maybe_activation(g),
                         .flip = g.chance(0.1)};
  if (g.chance(0.15)) config.padding_mode = g.any_of<PadMode>();
  const int64_t inner = channels / groups;
  const Value w = g.weights(weight_shape(filters, inner, kernel), x, inner * product(kernel));
  return ops::conv(x, w, maybe_bias(g, filters), config);
}

/// The layers that Winograd's algorithm takes: 3x3, stride 1, many channels.
Value wide_conv(Generator& g, const Value& x) {
  if (x.shape().rank() != 4 || x.shape().numel() / x.shape()[1] > 50) return {};
  const int64_t channels = x.shape()[1], filters = g.one_of<int64_t>({16, 32, 48});
  const int64_t pad = g.between(0, 1);
  const Value w = g.weights({filters, channels, 3, 3}, x, channels * 9), bias = maybe_bias(g, filters);
  return ops::conv(x, w, bias, {.window = {.padding = Padding(pad)}, .activation = maybe_activation(g)});
}

Value conv_transpose(Generator& g, const Value& x) {
  if (!is_image(x)) return {};
  const size_t spatial_dimensions = x.shape().rank() - 2;
  const int64_t channels = x.shape()[1], groups = any_groups(g, channels);
  const int64_t filters = g.one_of<int64_t>({1, 2, 3, 8, 16});
  const std::vector<int64_t> kernel = several(g, spatial_dimensions, 1, 4);
  ops::ConvTransposeConfig config{
      .window = any_window(g, spatial_dimensions, true), .groups = groups, .activation = maybe_activation(g)};
  if (g.chance(0.3)) config.output_padding = several(g, spatial_dimensions, 0, 1);
  const int64_t terms = channels / groups * std::max<int64_t>(1, product(kernel) / 2);
  const Value w = g.weights(weight_shape(channels, filters, kernel), x, terms);
  return ops::conv_transpose(x, w, maybe_bias(g, filters * groups), config);
}

Value dense(Generator& g, const Value& x) {
  const Value rows = x.shape().rank() == 2 ? x : ops::flatten(x);
  const int64_t in = rows.shape()[1], out = g.one_of<int64_t>({1, 2, 5, 10, 16, 33});
  if (in > 600) return {};
  const Value w = g.weights({out, in}, x, in), bias = maybe_bias(g, out);
  return ops::dense(rows, w, bias, maybe_activation(g));
}

Value matmul(Generator& g, const Value& x) {
  const size_t rank = x.shape().rank();
  const ops::MatMulConfig config{.transpose_a = g.chance(0.3), .transpose_b = g.chance(0.3)};
  const int64_t inner = x.shape()[rank - (config.transpose_a ? 2 : 1)], columns = g.between(1, 9);
  std::vector<int64_t> dims;
  if (rank > 2 && g.chance(0.4)) dims.push_back(g.chance(0.5) ? 1 : x.shape()[rank - 3]);
  dims.push_back(config.transpose_b ? columns : inner);
  dims.push_back(config.transpose_b ? inner : columns);
  return ops::matmul(x, g.weights(Shape(std::span<const int64_t>(dims)), x, inner), config);
}

Value square(Generator& g, const Value& x) {
  const auto same_type = [&](const Value& v) { return v.type() == x.type(); };
  const Value other = g.chance(0.5) ? *g.earlier(same_type) : x;
  if (x.shape().rank() < 3 || x.shape()[x.shape().rank() - 2] > 16) return {};
  return ops::affine(ops::matmul(x, other, {.transpose_b = true}), 1.0 / static_cast<double>(x.shape()[2]));
}

Value gram(Generator& g, const Value& x) {
  if (!is_image(x) || x.shape()[1] > 17) return {};
  return ops::gram(x, g.one_of({GramDivisor::positions, GramDivisor::elements}));
}

Value distances(Generator& g, const Value& x) {
  if (x.shape().rank() != 2 || x.shape()[1] < 2) return {};
  const auto kind = g.any_of<DistanceKind>();
  if (g.chance(0.5)) return ops::pairwise_distance(x, g.source({g.between(2, 5), x.shape()[1]}, {-2, 2}), kind);
  return ops::distance(x, g.source(x.shape(), {-2, 2}), kind);
}

}  // namespace

std::vector<Choice> products() {
  return {{16, conv},  {5, wide_conv}, {5, conv_transpose}, {5, dense},
          {3, matmul}, {1, square},    {1, gram},           {1, distances}};
}

}  // namespace ocellus::fuzz

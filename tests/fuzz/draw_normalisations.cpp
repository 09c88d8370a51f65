// Normalisations, which are drawn only over numbers that differ: dividing by a variance near 0 would magnify rounding.
#include <ocellus/ops/channel_norm.h>
#include <ocellus/ops/norm.h>
#include <ocellus/ops/sample_norm.h>
#include <ocellus/ops/softmax.h>

#include "fuzz/generator.h"

namespace ocellus::fuzz {
namespace {

constexpr double enough = 0.02;  // variance

int64_t inner_of(const Value& x) { return x.shape().numel() / (x.shape()[0] * x.shape()[1]); }

Value batch_norm(Generator& g, const Value& x) {
  const int64_t channels = x.shape()[1], inner = inner_of(x);
  if (x.shape().numel() / channels < 4 ||
      g.least_variance(x, channels, [&](int64_t i) { return i / inner % channels; }) < enough)
    return {};
  auto [mean, variance] = g.channel_moments(x);
  for (float& v : mean.as<float>()) v += static_cast<float>(g.real({-0.2, 0.2}));
  for (float& v : variance.as<float>()) v *= static_cast<float>(g.real({0.7, 1.4}));
  const Values arguments = {g.parameter({channels}, {0.5, 1.5}, ParamRole::norm_scale),
                            g.parameter({channels}, {-0.5, 0.5}, ParamRole::norm_offset),
                            g.parameter(mean, ParamRole::statistic), g.parameter(variance, ParamRole::statistic)};
  return ops::batch_norm(x, arguments,
                         {.epsilon = g.one_of({1e-3, 1e-5}),
                          .epsilon_outside = g.chance(0.2),
                          .momentum = g.one_of({0.99, 0.5}),
                          .unbiased_variance = g.chance(0.5),
                          .activation = g.chance(0.7) ? linear : g.one_of<Activation>({relu, leaky_relu(0.1), tanh_})});
}

ops::SampleNormConfig scaled(Generator& g, const Shape& shape) {
  ops::SampleNormConfig config;
  if (g.chance(0.6)) config.scale = g.parameter(shape, {0.5, 1.5}, ParamRole::norm_scale);
  if (g.chance(0.6)) config.shift = g.parameter(shape, {-0.5, 0.5}, ParamRole::norm_offset);
  return config;
}

Value group_norm(Generator& g, const Value& x) {
  const int64_t channels = x.shape()[1], groups = g.one_of<int64_t>({1, 2, 4, channels});
  if (channels % groups != 0) return {};
  const int64_t block = x.shape().numel() / (x.shape()[0] * groups);
  if (block < 4 || g.least_variance(x, x.shape()[0] * groups, [&](int64_t i) { return i / block; }) < enough) return {};
  return ops::group_norm(x, groups, scaled(g, {channels}));
}

Value layer_norm(Generator& g, const Value& x) {
  const int64_t dimensions = g.between(1, static_cast<int64_t>(x.shape().rank()) - 1);
  const auto trailing = x.shape().dims().last(static_cast<size_t>(dimensions));
  const int64_t block = Shape(trailing).numel();
  if (block < 4 || g.least_variance(x, x.shape().numel() / block, [&](int64_t i) { return i / block; }) < enough)
    return {};
  return ops::layer_norm(x, dimensions, scaled(g, Shape(trailing)));
}

Value local_response_norm(Generator& g, const Value& x) {
  if (x.shape().rank() < 3) return {};
  return ops::local_response_norm(x, {.size = g.one_of<int64_t>({3, 5}),
                                      .alpha = g.one_of({1e-4, 0.2}),
                                      .beta = g.one_of({0.75, 0.5}),
                                      .k = g.one_of({1.0, 2.0}),
                                      .divide_alpha = g.chance(0.5)});
}

Value l2_normalize(Generator& g, const Value& x) {
  const int64_t channels = x.shape()[1], inner = inner_of(x);
  std::vector<double> squares(static_cast<size_t>(x.shape().numel() / channels));
  const Tensor& numbers = g.numbers(x);
  for (int64_t i = 0; i < numbers.numel(); ++i)
    squares[static_cast<size_t>(i / (inner * channels) * inner + i % inner)] += numbers.at(i) * numbers.at(i);
  for (double s : squares)
    if (s < enough) return {};
  return ops::l2_normalize(x, g.parameter({channels}, {0.5, 3}));
}

Value softmax(Generator& g, const Value& x) {
  if (x.shape()[1] < 2) return {};
  return g.chance(0.5) ? ops::softmax(x) : ops::log_softmax(x);
}

}  // namespace

std::vector<Choice> normalisations() {
  return {{10, batch_norm},         {2, group_norm},   {2, layer_norm},
          {2, local_response_norm}, {1, l2_normalize}, {2, softmax}};
}

}  // namespace ocellus::fuzz

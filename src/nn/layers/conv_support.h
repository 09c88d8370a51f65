// What the convolution layers share. C is one of their configurations.
#pragma once

#include <ocellus/ops/conv.h>

#include "nn/layers/checks.h"

namespace ocellus::nn {

/// Throws UsageError, naming the layer, for a window with sizes below 1.
template <class C>
void expect_window(std::string_view kind, const C& config) {
  at_least_one(kind, "kernel", config.kernel);
  at_least_one(kind, "stride", config.stride);
  at_least_one(kind, "dilation", config.dilation);
}

/// The same, and for filters that don't divide into the groups.
template <class C>
void expect_filters(std::string_view kind, const C& config) {
  at_least_one(kind, "filters", config.filters);
  expect_window(kind, config);
  at_least_one(kind, "groups", config.groups);
  if (config.filters % config.groups != 0)
    throw UsageError(fmt::format("{}: {} filters don't divide into {} groups", kind, config.filters, config.groups));
}

/// The channels of x, which throw ShapeError if they don't divide into the groups.
inline int64_t channels_in_groups(const Value& x, int64_t groups) {
  const int64_t channels = x.shape()[1];
  if (channels % groups != 0)
    throw ShapeError(fmt::format("{} input channels don't divide into {} groups", channels, groups));
  return channels;
}

template <class C>
Window window_of(const C& config) {
  return {config.stride.dims(), config.dilation.dims(), config.padding};
}

/// The layer's bias, or an empty Value for none.
template <class C>
Value bias_of(Build& build, const C& config, int64_t filters) {
  return config.use_bias ? build.parameter("bias", {filters}, ParamRole::bias, config.bias_initialiser) : Value();
}

}  // namespace ocellus::nn

#include <ocellus/nn/layers/conv2d.h>

#include "nn/layers/checks.h"

namespace ocellus::nn {

Conv2D::Conv2D(Conv2DConfig config) : Layer("Conv2D", config.name), config_(std::move(config)) {
  at_least_one("Conv2D", "filters", config_.filters);
  at_least_one("Conv2D", "kernel", config_.kernel);
  at_least_one("Conv2D", "stride", config_.stride);
  at_least_one("Conv2D", "dilation", config_.dilation);
  at_least_one("Conv2D", "groups", config_.groups);
  if (config_.filters % config_.groups != 0)
    throw UsageError(fmt::format("Conv2D: {} filters don't divide into {} groups", config_.filters, config_.groups));
}

Values Conv2D::call(Build& build, const Values& inputs) const {
  const Value& x = single(inputs);
  if (x.shape().rank() != 4) throw ShapeError("needs an input [N,C,H,W], got " + to_string(x.type()));
  const int64_t channels = x.shape()[1];
  if (channels % config_.groups != 0)
    throw ShapeError(fmt::format("{} input channels don't divide into {} groups", channels, config_.groups));
  const Value kernel = build.parameter(
      "kernel", {config_.filters, channels / config_.groups, config_.kernel.height, config_.kernel.width},
      ParamRole::kernel, config_.kernel_initialiser);
  const Value bias = config_.use_bias
                         ? build.parameter("bias", {config_.filters}, ParamRole::bias, config_.bias_initialiser)
                         : Value();
  const Window window{config_.stride.dims(), config_.dilation.dims(), config_.padding};
  return {ops::conv(x, kernel, bias, {.window = window, .groups = config_.groups, .activation = config_.activation})};
}

}  // namespace ocellus::nn

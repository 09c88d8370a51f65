#include <ocellus/nn/layers/dense.h>

#include <ocellus/ops/dense.h>

#include "nn/layers/checks.h"

namespace ocellus::nn {

Dense::Dense(DenseConfig config) : Layer("Dense", config.name), config_(std::move(config)) {
  at_least_one("Dense", "units", config_.units);
}

Values Dense::call(Build& build, const Values& inputs) const {
  const Value& x = single(inputs);
  if (x.shape().rank() != 2) throw ShapeError("needs an input [N,in], got " + to_string(x.type()) + ": flatten it first");
  const Value kernel =
      build.parameter("kernel", {config_.units, x.shape()[1]}, ParamRole::kernel, config_.kernel_initialiser);
  const Value bias = config_.use_bias
                         ? build.parameter("bias", {config_.units}, ParamRole::bias, config_.bias_initialiser)
                         : Value();
  return {ops::dense(x, kernel, bias, config_.activation)};
}

}  // namespace ocellus::nn

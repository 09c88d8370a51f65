#include <ocellus/nn/layers/global_average_pool2d.h>

#include <ocellus/ops/pool.h>
#include <ocellus/ops/shape.h>

namespace ocellus::nn {

GlobalAveragePool2D::GlobalAveragePool2D(GlobalAveragePool2DConfig config)
    : Layer("GlobalAveragePool2D", config.name), config_(std::move(config)) {}

Values GlobalAveragePool2D::call(Build&, const Values& inputs) const {
  const Value& x = single(inputs);
  if (x.shape().rank() != 4) throw ShapeError("needs an input [N,C,H,W], got " + to_string(x.type()));
  const Value mean = ops::global_average_pool(x);
  return {config_.keep_dims ? mean : ops::flatten(mean)};
}

}  // namespace ocellus::nn

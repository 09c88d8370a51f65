#include <ocellus/nn/layers/time_distributed.h>

#include <ocellus/base/error.h>
#include <ocellus/ops/shape.h>

namespace ocellus::nn {
namespace {

/// A shape's dimensions from number `first` on, with others in front.
std::vector<int64_t> dims_after(std::vector<int64_t> front, const Shape& shape, size_t first) {
  front.insert(front.end(), shape.begin() + first, shape.end());
  return front;
}

}  // namespace

TimeDistributed::TimeDistributed(std::shared_ptr<Layer> layer, std::string name)
    : Layer("TimeDistributed", std::move(name)), layer_(std::move(layer)) {}

void TimeDistributed::trainable(bool learns) {
  Layer::trainable(learns);
  layer_->trainable(learns);
}

Values TimeDistributed::call(Build&, const Values& inputs) const {
  const Value& x = single(inputs);
  if (x.shape().rank() < 2 || x.shape()[1] < 1)
    throw ShapeError("needs an input [N,T,...] of at least one step, got " + to_string(x.type()));
  const int64_t steps = x.shape()[1];
  Values outputs = layer_->outputs({ops::reshape(x, dims_after({-1}, x.shape(), 2))});
  for (Value& y : outputs) y = ops::reshape(y, dims_after({-1, steps}, y.shape(), 1));
  return outputs;
}

}  // namespace ocellus::nn

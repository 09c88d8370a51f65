#include <ocellus/nn/layers/softmax.h>

#include <ocellus/ops/softmax.h>

namespace ocellus::nn {

Softmax::Softmax(SoftmaxConfig config) : Layer("Softmax", config.name), config_(std::move(config)) {}

Values Softmax::call(Build&, const Values& inputs) const {
  const Value& x = single(inputs);
  return {config_.log ? ops::log_softmax(x) : ops::softmax(x)};
}

}  // namespace ocellus::nn

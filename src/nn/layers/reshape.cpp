#include <ocellus/nn/layers/reshape.h>

#include <ocellus/ops/shape.h>

namespace ocellus::nn {

Reshape::Reshape(ReshapeConfig config) : Layer("Reshape", config.name), config_(std::move(config)) {}

Values Reshape::call(Build&, const Values& inputs) const {
  std::vector<int64_t> dims = {0};  // the batch, as it comes
  dims.insert(dims.end(), config_.shape.begin(), config_.shape.end());
  return {ops::reshape(single(inputs), std::move(dims))};
}

}  // namespace ocellus::nn

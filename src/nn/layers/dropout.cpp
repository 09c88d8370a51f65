#include <ocellus/nn/layers/dropout.h>

#include <fmt/format.h>

#include <ocellus/ops/elementwise.h>

namespace ocellus::nn {

Dropout::Dropout(DropoutConfig config) : Layer("Dropout", config.name), config_(std::move(config)) {
  if (!(config_.rate >= 0 && config_.rate < 1))
    throw UsageError(fmt::format("Dropout: rate must lie in [0,1), got {}", config_.rate));
}

Values Dropout::call(Build&, const Values& inputs) const {
  return {ops::dropout(single(inputs), config_.rate, config_.seed)};
}

}  // namespace ocellus::nn

#include <ocellus/nn/layers/gram.h>

namespace ocellus::nn {

Gram::Gram(GramConfig config) : Layer("Gram", config.name), config_(std::move(config)) {}

Values Gram::call(Build&, const Values& inputs) const { return {ops::gram(single(inputs), config_.divisor)}; }

}  // namespace ocellus::nn

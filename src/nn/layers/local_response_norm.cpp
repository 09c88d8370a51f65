#include <ocellus/nn/layers/local_response_norm.h>

#include <ocellus/ops/channel_norm.h>

namespace ocellus::nn {

LocalResponseNorm::LocalResponseNorm(LocalResponseNormConfig config)
    : Layer("LocalResponseNorm", config.name), config_(std::move(config)) {}

Values LocalResponseNorm::call(Build&, const Values& inputs) const {
  return {ops::local_response_norm(single(inputs), {.size = config_.size,
                                                    .alpha = config_.alpha,
                                                    .beta = config_.beta,
                                                    .k = config_.k,
                                                    .divide_alpha = config_.divide_alpha})};
}

}  // namespace ocellus::nn

#include <ocellus/nn/layers/pad.h>

#include <fmt/format.h>

namespace ocellus::nn {

Pad::Pad(PadConfig config) : Layer("Pad", config.name), config_(std::move(config)) {}

Values Pad::call(Build&, const Values& inputs) const {
  const Value& x = single(inputs);
  const size_t rank = x.shape().rank() - 1;
  if (config_.before.size() != rank || config_.after.size() != rank)
    throw ShapeError(fmt::format("before and after need {} elements for an input {}, got {} and {}", rank,
                                 to_string(x.type()), config_.before.size(), config_.after.size()));
  ops::PadConfig config{.before = {0}, .after = {0}, .mode = config_.mode, .value = config_.value};
  config.before.insert(config.before.end(), config_.before.begin(), config_.before.end());
  config.after.insert(config.after.end(), config_.after.begin(), config_.after.end());
  return {ops::pad(x, config)};
}

}  // namespace ocellus::nn

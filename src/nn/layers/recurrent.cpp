#include <ocellus/nn/layers/recurrent.h>

#include <algorithm>

#include <ocellus/ops/dense.h>
#include <ocellus/ops/recurrent.h>
#include <ocellus/ops/shape.h>

#include "nn/layers/checks.h"

namespace ocellus::nn {
namespace {

const Value& sequence(const Values& inputs) {
  const Value& x = single(inputs);
  if (x.shape().rank() != 3 || x.shape()[1] < 1)
    throw ShapeError("needs an input [N,T,C] of at least one step, got " + to_string(x.type()));
  return x;
}

/// Makes one direction's parameters and the input's share of its gates.
template <class Config>
class Direction {
 public:
  Direction(Build& build, const Config& config, int64_t gates, std::string prefix)
      : build_(build), config_(config), outs_(gates * config.units), prefix_(std::move(prefix)) {}

  Value weights() const {
    return build_.parameter(prefix_ + "recurrent_kernel", {outs_, config_.units}, ParamRole::kernel,
                            config_.recurrent_initialiser);
  }
  Value bias(std::string_view name, const Initialiser& initialiser) const {
    if (!config_.use_bias) return {};
    return build_.parameter(prefix_ + std::string(name), {outs_}, ParamRole::bias, initialiser);
  }
  Value kernel(int64_t features) const {
    return build_.parameter(prefix_ + "kernel", {outs_, features}, ParamRole::kernel, config_.kernel_initialiser);
  }
  /// x W^T + b, for all steps at once.
  Value gates(const Value& x, const Value& kernel, const Value& bias) const {
    const int64_t steps = x.shape()[1], features = x.shape()[2];
    return ops::reshape(ops::dense(ops::reshape(x, {-1, features}), kernel, bias, {}), {-1, steps, outs_});
  }

 private:
  Build& build_;
  const Config& config_;
  int64_t outs_;
  std::string prefix_;
};

/// The states that are wanted of one direction or two. `states(direction, x)` gives those at all times.
template <class Config, class F>
Value run(Build& build, const Value& x, const Config& config, int64_t gates, const F& states) {
  const auto wanted = [&](const Value& h) {
    if (config.return_sequences) return h;
    return ops::reshape(ops::slice(h, {.axis = 1, .begin = -1, .end = h.shape()[1]}), {0, config.units});
  };
  Value forward = wanted(states(Direction(build, config, gates, ""), x));
  if (!config.bidirectional) return forward;
  const Value backward = wanted(states(Direction(build, config, gates, "backward_"), ops::reverse(x, {1})));
  return ops::concat({forward, config.return_sequences ? ops::reverse(backward, {1}) : backward}, -1);
}

/// A bias of 4 gates whose second part, the forget gate's, is ones.
Initialiser remembering(Initialiser rest) {
  return [rest = std::move(rest)](Tensor& t, Rng& rng) {
    rest(t, rng);
    const auto values = t.as<float>();
    std::ranges::fill(values.subspan(values.size() / 4, values.size() / 4), 1.0f);
  };
}

}  // namespace

LSTM::LSTM(LSTMConfig config) : Layer("LSTM", config.name), config_(std::move(config)) {
  at_least_one(kind(), "units", config_.units);
}

Values LSTM::call(Build& build, const Values& inputs) const {
  const Value& x = sequence(inputs);
  const auto initialiser = config_.unit_forget_bias ? remembering(config_.bias_initialiser) : config_.bias_initialiser;
  return {run(build, x, config_, 4, [&](const auto& direction, const Value& in) {
    const Value kernel = direction.kernel(in.shape()[2]), weights = direction.weights();
    return ops::lstm(direction.gates(in, kernel, direction.bias("bias", initialiser)), weights)[0];
  })};
}

GRU::GRU(GRUConfig config) : Layer("GRU", config.name), config_(std::move(config)) {
  at_least_one(kind(), "units", config_.units);
}

Values GRU::call(Build& build, const Values& inputs) const {
  const Value& x = sequence(inputs);
  return {run(build, x, config_, 3, [&](const auto& direction, const Value& in) {
    const Value kernel = direction.kernel(in.shape()[2]), weights = direction.weights();
    const Value gates = direction.gates(in, kernel, direction.bias("bias", config_.bias_initialiser));
    const Value bias = config_.reset_after ? direction.bias("recurrent_bias", config_.bias_initialiser) : Value();
    return ops::gru(gates, weights, {.reset_after = config_.reset_after, .bias = bias});
  })};
}

}  // namespace ocellus::nn

// The optimisers' common frame: checks, clipping, and the split of the work over threads; and the four rules' settings.
//
// Work is split over the concatenation of all parameters, so that one large parameter and many small ones both spread
// over the threads. The updates are element by element, so the split leaves no trace in the result; the gradient's norm
// is summed in blocks of fixed size whose sums are added in order, so it is the same for any number of threads.
#include <ocellus/train/optimizer.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/base/threads.h>

#include "base/suggest.h"
#include "train/optimizer_simd.h"

namespace ocellus::optim {
namespace {

constexpr size_t norm_block = 8192;
constexpr int64_t grain = 16384;

void require(bool ok, std::string_view optimizer, std::string_view what, double value) {
  if (!ok) throw UsageError(fmt::format("{}: {}, got {}", optimizer, what, value));
}

void check_common(std::string_view name, const CommonConfig& c) {
  const auto usable = [](double v) { return std::isfinite(v) && v >= 0; };
  require(usable(c.lr), name, "lr must be 0 or more", c.lr);
  require(usable(c.weight_decay), name, "weight_decay must be 0 or more", c.weight_decay);
  require(usable(c.clip_norm), name, "clip_norm must be 0 (off) or more", c.clip_norm);
  require(usable(c.clip_value), name, "clip_value must be 0 (off) or more", c.clip_value);
}

void check_share(std::string_view name, std::string_view setting, double value) {
  require(value >= 0 && value < 1, name, fmt::format("{} must be at least 0 and below 1", setting), value);
}

template <class Config>
CommonConfig common(const Config& c) {
  return {.lr = c.lr,
          .weight_decay = c.weight_decay,
          .decay_norm_and_bias = c.decay_norm_and_bias,
          .clip_norm = c.clip_norm,
          .clip_value = c.clip_value};
}

size_t blocks_of(const Slice& slice) { return (slice.grad.size() + norm_block - 1) / norm_block; }

/// Calls `body(slice, begin, end)` for the parts of the slices that [begin, end) of their concatenation covers, where a
/// slice counts `size(slice)` units.
template <class Size, class Body>
void walk(std::span<const Slice> slices, int64_t begin, int64_t end, const Size& size, const Body& body) {
  int64_t offset = 0;
  for (const Slice& slice : slices) {
    const int64_t n = static_cast<int64_t>(size(slice));
    const int64_t from = std::max(begin - offset, int64_t{0}), to = std::min(end - offset, n);
    if (from < to) body(slice, static_cast<size_t>(from), static_cast<size_t>(to), static_cast<size_t>(offset));
    offset += n;
    if (offset >= end) return;
  }
}

}  // namespace

Optimizer::Optimizer(const CommonConfig& common) : common_(common), step_lr_(common.lr) {}
Optimizer::~Optimizer() = default;

void Optimizer::set_lr(double lr) {
  require(std::isfinite(lr) && lr >= 0, name(), "lr must be 0 or more", lr);
  common_.lr = lr;
}

void Optimizer::begin_step(int64_t step, double lr) {
  if (step < 1) throw UsageError(fmt::format("{}: steps count from 1, got {}", name(), step));
  require(std::isfinite(lr) && lr >= 0, name(), "lr must be 0 or more", lr);
  step_ = step;
  step_lr_ = lr;
}

void Optimizer::check(std::span<const Slice> slices) const {
  if (step_ < 1) throw UsageError(fmt::format("{}: step was called before begin_step", name()));
  const size_t count = slots().size();
  for (size_t i = 0; i < slices.size(); ++i) {
    const Slice& s = slices[i];
    if (s.param.size() != s.grad.size())
      throw ShapeError(name().data(), "",
                       fmt::format("parameter {} has {} elements, its gradient {}", i, s.param.size(), s.grad.size()));
    for (size_t k = 0; k < count; ++k)
      if (s.state[k] == nullptr && !s.param.empty())
        throw ShapeError(name().data(), "", fmt::format("parameter {} lacks its state \"{}\"", i, slots()[k]));
  }
}

double Optimizer::global_norm(std::span<const Slice> slices) {
  size_t blocks = 0;
  for (const Slice& slice : slices) blocks += blocks_of(slice);
  partial_.resize(blocks);
  const auto sum_blocks = [&](int64_t begin, int64_t end) {
    walk(slices, begin, end, blocks_of, [&](const Slice& slice, size_t from, size_t to, size_t offset) {
      for (size_t b = from; b < to; ++b) {
        const size_t at = b * norm_block;
        partial_[offset + b] = sum_of_squares(slice.grad.data() + at, std::min(norm_block, slice.grad.size() - at));
      }
    });
  };
  parallel_for(static_cast<int64_t>(blocks), 4, std::cref(sum_blocks));
  double sum = 0;
  for (const double partial : partial_) sum += partial;
  return std::sqrt(sum);
}

void Optimizer::step(std::span<const Slice> slices) {
  check(slices);
  double scale = 1;
  grad_norm_.reset();
  if (common_.clip_norm > 0) {
    grad_norm_ = global_norm(slices);
    if (!std::isfinite(*grad_norm_))
      throw NumericError(
          fmt::format("the gradients' norm is {} at step {}; the weights are as before", *grad_norm_, step_));
    if (*grad_norm_ > common_.clip_norm) scale = common_.clip_norm / *grad_norm_;
  }
  const float limit =
      common_.clip_value > 0 ? static_cast<float>(common_.clip_value) : std::numeric_limits<float>::infinity();
  const auto update_range = [&](int64_t begin, int64_t end) {
    const auto size = [](const Slice& slice) { return slice.param.size(); };
    walk(slices, begin, end, size, [&](const Slice& slice, size_t from, size_t to, size_t) {
      const bool decays = common_.decay_norm_and_bias || !slice.norm_or_bias;
      update(slice, from, to,
             {.lr = static_cast<float>(step_lr_ * static_cast<double>(slice.lr_scale)),
              .weight_decay = decays ? static_cast<float>(common_.weight_decay) : 0.0f,
              .grad_scale = static_cast<float>(scale),
              .grad_limit = limit});
    });
  };
  int64_t total = 0;
  for (const Slice& slice : slices) total += static_cast<int64_t>(slice.param.size());
  parallel_for(total, grain, std::cref(update_range));
}

std::map<std::string, double> Optimizer::scalar_state() const {
  return {{"step", static_cast<double>(step_)}, {"step_lr", step_lr_}, {"lr", common_.lr}};
}

void Optimizer::restore_scalar_state(const std::map<std::string, double>& state) {
  const auto value = [&](const char* key) {
    const auto found = state.find(key);
    if (found == state.end() || !std::isfinite(found->second) || found->second < 0)
      throw UsageError(fmt::format("{}: the saved state has no usable \"{}\"", name(), key));
    return found->second;
  };
  const double step = value("step"), step_lr = value("step_lr"), lr = value("lr");
  if (step > 0x1p53) throw UsageError(fmt::format("{}: the saved state has no usable \"step\"", name()));
  step_ = static_cast<int64_t>(step);
  step_lr_ = step_lr;
  common_.lr = lr;
}

std::string Optimizer::describe() const {
  std::string text = fmt::format("{}(lr={}", name(), common_.lr);
  const auto add = [&](std::string_view key, double value) {
    if (value != 0) text += fmt::format(", {}={}", key, value);
  };
  for (const auto& [key, value] : settings()) add(key, value);
  add("weight_decay", common_.weight_decay);
  if (common_.weight_decay != 0 && !common_.decay_norm_and_bias) text += ", decay_norm_and_bias=0";
  add("clip_norm", common_.clip_norm);
  add("clip_value", common_.clip_value);
  return text + ")";
}

std::optional<double> Optimizer::setting(std::string_view name) const {
  if (name == "lr") return common_.lr;
  if (name == "weight_decay") return common_.weight_decay;
  for (const auto& [key, value] : settings())
    if (key == name) return value;
  return std::nullopt;
}

SGD::SGD(SGDConfig config) : Optimizer(common(config)), momentum_(config.momentum), nesterov_(config.nesterov) {
  check_common(name(), common(config));
  check_share(name(), "momentum", momentum_);
  if (nesterov_ && momentum_ == 0) throw UsageError("sgd: nesterov needs a momentum above 0");
}
std::vector<std::string> SGD::slots() const {
  return momentum_ > 0 ? std::vector<std::string>{"momentum"} : std::vector<std::string>{};
}
std::unique_ptr<Optimizer> SGD::clone() const { return std::make_unique<SGD>(*this); }

void SGD::update(const Slice& s, size_t begin, size_t end, const StepScalars& k) const {
  const SgdArgs args = {.gradient = {k.grad_scale, k.grad_limit, k.weight_decay},
                        .lr = k.lr,
                        .momentum = static_cast<float>(momentum_),
                        .nesterov = nesterov_};
  float* momentum = momentum_ > 0 ? s.state[0] + begin : nullptr;
  sgd_update(args, s.param.data() + begin, s.grad.data() + begin, momentum, end - begin);
}

std::vector<std::pair<std::string_view, double>> SGD::settings() const {
  return {{"momentum", momentum_}, {"nesterov", nesterov_ ? 1 : 0}};
}

Adam::Adam(AdamConfig config) : Adam(config, false) {}
Adam::Adam(const AdamConfig& config, bool decoupled)
    : Optimizer(common(config)), beta1_(config.beta1), beta2_(config.beta2), eps_(config.eps), decoupled_(decoupled) {
  const std::string_view rule = decoupled ? "adamw" : "adam";
  check_common(rule, common(config));
  check_share(rule, "beta1", beta1_);
  check_share(rule, "beta2", beta2_);
  require(std::isfinite(eps_) && eps_ >= 0, rule, "eps must be 0 or more", eps_);
}
std::vector<std::string> Adam::slots() const { return {"m", "v"}; }
std::unique_ptr<Optimizer> Adam::clone() const { return std::make_unique<Adam>(*this); }

void Adam::update(const Slice& s, size_t begin, size_t end, const StepScalars& k) const {
  const double t = static_cast<double>(step_count());
  const double bias1 = 1 - std::pow(beta1_, t), bias2 = 1 - std::pow(beta2_, t);
  const AdamArgs args = {.gradient = {k.grad_scale, k.grad_limit, decoupled_ ? 0.0f : k.weight_decay},
                         .shrink = decoupled_ ? 1.0f - k.lr * k.weight_decay : 1.0f,
                         .step_size = static_cast<float>(static_cast<double>(k.lr) / bias1),
                         .beta2 = static_cast<float>(beta2_),
                         .keep1 = static_cast<float>(1 - beta1_),
                         .keep2 = static_cast<float>(1 - beta2_),
                         .root_scale = static_cast<float>(1 / std::sqrt(bias2)),
                         .eps = static_cast<float>(eps_)};
  adam_update(args, s.param.data() + begin, s.grad.data() + begin, s.state[0] + begin, s.state[1] + begin, end - begin);
}

std::vector<std::pair<std::string_view, double>> Adam::settings() const {
  return {{"beta1", beta1_}, {"beta2", beta2_}, {"eps", eps_}};
}

AdamW::AdamW(AdamWConfig c)
    : Adam({.lr = c.lr,
            .beta1 = c.beta1,
            .beta2 = c.beta2,
            .eps = c.eps,
            .weight_decay = c.weight_decay,
            .decay_norm_and_bias = c.decay_norm_and_bias,
            .clip_norm = c.clip_norm,
            .clip_value = c.clip_value},
           true) {}
std::unique_ptr<Optimizer> AdamW::clone() const { return std::make_unique<AdamW>(*this); }

RMSProp::RMSProp(RMSPropConfig config)
    : Optimizer(common(config)),
      alpha_(config.alpha),
      eps_(config.eps),
      momentum_(config.momentum),
      centered_(config.centered) {
  check_common(name(), common(config));
  check_share(name(), "alpha", alpha_);
  check_share(name(), "momentum", momentum_);
  require(std::isfinite(eps_) && eps_ >= 0, name(), "eps must be 0 or more", eps_);
}

std::vector<std::string> RMSProp::slots() const {
  std::vector<std::string> names = {"square"};
  if (centered_) names.push_back("mean");
  if (momentum_ > 0) names.push_back("momentum");
  return names;
}
std::unique_ptr<Optimizer> RMSProp::clone() const { return std::make_unique<RMSProp>(*this); }

void RMSProp::update(const Slice& s, size_t begin, size_t end, const StepScalars& k) const {
  const RmsPropArgs args = {.gradient = {k.grad_scale, k.grad_limit, k.weight_decay},
                            .lr = k.lr,
                            .alpha = static_cast<float>(alpha_),
                            .keep = static_cast<float>(1 - alpha_),
                            .eps = static_cast<float>(eps_),
                            .momentum = static_cast<float>(momentum_)};
  float* mean = centered_ ? s.state[1] + begin : nullptr;
  float* momentum = momentum_ > 0 ? s.state[centered_ ? 2 : 1] + begin : nullptr;
  rmsprop_update(args, s.param.data() + begin, s.grad.data() + begin, s.state[0] + begin, mean, momentum, end - begin);
}

std::vector<std::pair<std::string_view, double>> RMSProp::settings() const {
  return {{"alpha", alpha_}, {"eps", eps_}, {"momentum", momentum_}, {"centered", centered_ ? 1 : 0}};
}

namespace {

template <class Config>
Config overridden(std::string_view name, const Overrides& overrides) {
  Config config;
  config.lr = overrides.lr.value_or(config.lr);
  config.weight_decay = overrides.weight_decay.value_or(config.weight_decay);
  if constexpr (requires { config.momentum; })
    config.momentum = overrides.momentum.value_or(config.momentum);
  else if (overrides.momentum)
    throw UsageError(fmt::format("{} takes no momentum (sgd and rmsprop do)", name));
  return config;
}

}  // namespace

Handle<Optimizer> make(std::string_view name, const Overrides& overrides) {
  if (name == "sgd") return SGD(overridden<SGDConfig>(name, overrides));
  if (name == "adam") return Adam(overridden<AdamConfig>(name, overrides));
  if (name == "adamw") return AdamW(overridden<AdamWConfig>(name, overrides));
  if (name == "rmsprop") return RMSProp(overridden<RMSPropConfig>(name, overrides));
  static constexpr std::string_view known[] = {"sgd", "adam", "adamw", "rmsprop"};
  throw UsageError(
      fmt::format("unknown optimizer \"{}\"{} (known: {})", name, did_you_mean(name, known), listed(known)));
}

}  // namespace ocellus::optim

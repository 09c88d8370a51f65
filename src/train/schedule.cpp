#include <ocellus/train/schedule.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numbers>

#include <fmt/format.h>

#include <ocellus/base/error.h>

#include "base/suggest.h"

namespace ocellus::schedule {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Time in epochs: whole ones, or with the fraction that the steps give.
double now(const Moment& m, bool per_step) {
  return per_step ? static_cast<double>(m.step) / static_cast<double>(m.steps_per_epoch) : static_cast<double>(m.epoch);
}

void require(bool ok, std::string_view what, double value) {
  if (!ok) throw UsageError(fmt::format("{}, got {}", what, value));
}

void check_factor(std::string_view who, double factor) {
  require(factor > 0 && factor <= 1, fmt::format("{}: the factor must be above 0 and at most 1", who), factor);
}

}  // namespace

Schedule::~Schedule() = default;
void Schedule::end_epoch(const Logs&) {}
std::map<std::string, double> Schedule::state() const { return {}; }
void Schedule::restore(const std::map<std::string, double>&) {}

Step::Step(StepConfig config) : config_(config) {
  require(std::isfinite(config_.every) && config_.every > 0, "step: the number of epochs must be above 0",
          config_.every);
  check_factor("step", config_.factor);
}
double Step::factor(const Moment& m) const {
  return std::pow(config_.factor, std::floor(now(m, config_.per_step) / config_.every));
}
std::string Step::describe() const { return fmt::format("step:{}:{}", config_.every, config_.factor); }

MultiStep::MultiStep(MultiStepConfig config) : config_(std::move(config)) {
  if (config_.epochs.empty()) throw UsageError("multistep: at least one epoch is needed");
  double last = 0;
  for (const double epoch : config_.epochs) {
    require(std::isfinite(epoch) && epoch > last, "multistep: epochs must be above 0 and increase", epoch);
    last = epoch;
  }
  check_factor("multistep", config_.factor);
}
double MultiStep::factor(const Moment& m) const {
  const double t = now(m, config_.per_step);
  return std::pow(config_.factor,
                  static_cast<double>(std::ranges::count_if(config_.epochs, [&](double e) { return e <= t; })));
}
std::string MultiStep::describe() const {
  return fmt::format("multistep:{}:{}", fmt::join(config_.epochs, ","), config_.factor);
}

Cosine::Cosine(CosineConfig config) : config_(config) {
  require(config_.min_factor >= 0 && config_.min_factor <= 1, "cosine: the lowest factor must lie from 0 to 1",
          config_.min_factor);
  require(std::isfinite(config_.epochs) && config_.epochs >= 0, "cosine: the number of epochs must be 0 or more",
          config_.epochs);
}
double Cosine::factor(const Moment& m) const {
  const double length = config_.epochs > 0 ? config_.epochs : static_cast<double>(m.epochs) - m.start;
  const double elapsed = now(m, config_.per_step) - m.start;
  const double t = length > 0 ? std::clamp(elapsed / length, 0.0, 1.0) : elapsed < 0 ? 0.0 : 1.0;
  return config_.min_factor + (1 - config_.min_factor) * 0.5 * (1 + std::cos(std::numbers::pi * t));
}
std::string Cosine::describe() const {
  return config_.min_factor > 0 ? fmt::format("cosine:{}", config_.min_factor) : "cosine";
}

Warmup::Warmup(WarmupConfig config) : config_(std::move(config)) {
  require(std::isfinite(config_.epochs) && config_.epochs >= 0, "warmup: the number of epochs must be 0 or more",
          config_.epochs);
  require(config_.start_factor >= 0 && config_.start_factor <= 1, "warmup: the first factor must lie from 0 to 1",
          config_.start_factor);
  if (!config_.then) config_.then = Constant();
}
double Warmup::factor(const Moment& m) const {
  Moment inner = m;
  inner.start = m.start + config_.epochs;
  const double steps = config_.epochs * static_cast<double>(m.steps_per_epoch);
  const double done = static_cast<double>(m.step) + 1 - m.start * static_cast<double>(m.steps_per_epoch);
  const double rise = done < steps ? config_.start_factor + (1 - config_.start_factor) * done / steps : 1;
  return rise * config_.then->factor(inner);
}
std::string Warmup::describe() const { return fmt::format("warmup:{},{}", config_.epochs, config_.then->describe()); }

Plateau::Plateau(PlateauConfig config)
    : config_(std::move(config)), monitor_(config_.monitor, config_.mode, config_.min_delta), best_(nan) {
  check_factor("plateau", config_.factor);
  require(config_.patience >= 0, "plateau: patience must be 0 or more", static_cast<double>(config_.patience));
  require(config_.cooldown >= 0, "plateau: cooldown must be 0 or more", static_cast<double>(config_.cooldown));
  require(config_.min_factor >= 0 && config_.min_factor <= 1, "plateau: the lowest factor must lie from 0 to 1",
          config_.min_factor);
}
std::string Plateau::describe() const { return fmt::format("plateau:{}:{}", config_.factor, config_.patience); }

void Plateau::end_epoch(const Logs& logs) {
  const double value = monitor_.value(logs, "plateau");
  if (monitor_.improves(value, best_)) {
    best_ = value;
    bad_epochs_ = 0;
  } else {
    ++bad_epochs_;
  }
  if (cooling_ > 0) {
    --cooling_;
    bad_epochs_ = 0;
  }
  if (bad_epochs_ > config_.patience) {
    product_ = std::max(product_ * config_.factor, std::min(product_, config_.min_factor));
    cooling_ = config_.cooldown;
    bad_epochs_ = 0;
  }
}

std::map<std::string, double> Plateau::state() const {
  std::map<std::string, double> state = {{"factor", product_},
                                         {"bad_epochs", static_cast<double>(bad_epochs_)},
                                         {"cooling", static_cast<double>(cooling_)}};
  if (!std::isnan(best_)) state["best"] = best_;
  return state;
}

void Plateau::restore(const std::map<std::string, double>& state) {
  const auto value = [&](const char* key) {
    const auto found = state.find(key);
    if (found == state.end() || !(found->second >= 0 && found->second < 1e9))
      throw UsageError(fmt::format("plateau: the saved state has no usable \"{}\"", key));
    return found->second;
  };
  const double product = value("factor"), bad = value("bad_epochs"), cooling = value("cooling");
  product_ = product;
  bad_epochs_ = static_cast<int64_t>(bad);
  cooling_ = static_cast<int64_t>(cooling);
  best_ = state.contains("best") ? state.at("best") : nan;
}

namespace {

constexpr std::string_view forms =
    "constant, cosine[:MIN], step:EPOCHS[:FACTOR], multistep:E1,E2,...[:FACTOR], plateau[:FACTOR[:PATIENCE]], "
    "or warmup:EPOCHS, before one of them";

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

/// The fields of one schedule, `name:field:field`, with errors that show the whole text.
class Fields {
 public:
  Fields(std::string_view whole, std::string_view part) : whole_(whole), parts_(split(part, ':')) {}

  std::string_view name() const { return parts_[0]; }
  bool has(size_t i) const { return i < parts_.size(); }
  std::string_view text(size_t i) const { return parts_[i]; }

  void expect(size_t least, size_t most, std::string_view form) const {
    const size_t n = parts_.size() - 1;
    if (n < least || n > most) fail(fmt::format("{} is written {}", name(), form));
  }
  double number(size_t i, std::string_view meaning) const { return number(parts_[i], meaning); }
  double number(std::string_view text, std::string_view meaning) const {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
      fail(fmt::format("\"{}\" is no {}", text, meaning));
    return value;
  }
  int64_t whole_number(size_t i, std::string_view meaning) const {
    const double value = number(i, meaning);
    if (value != std::floor(value) || std::abs(value) > 1e9) fail(fmt::format("\"{}\" is no {}", parts_[i], meaning));
    return static_cast<int64_t>(value);
  }
  [[noreturn]] void fail(std::string_view message) const {
    throw UsageError(fmt::format("schedule \"{}\": {}", whole_, message));
  }

 private:
  std::string_view whole_;
  std::vector<std::string_view> parts_;
};

Handle<Schedule> parse_one(const Fields& f) {
  const std::string_view name = f.name();
  if (name == "constant") {
    f.expect(0, 0, "constant");
    return Constant();
  }
  if (name == "cosine") {
    f.expect(0, 1, "cosine or cosine:MIN, for example cosine:0.01");
    return Cosine({.min_factor = f.has(1) ? f.number(1, "factor") : 0});
  }
  if (name == "step") {
    f.expect(1, 2, "step:EPOCHS or step:EPOCHS:FACTOR, for example step:30:0.1");
    return Step({.every = f.number(1, "number of epochs"), .factor = f.has(2) ? f.number(2, "factor") : 0.1});
  }
  if (name == "multistep") {
    f.expect(1, 2, "multistep:E1,E2 or multistep:E1,E2:FACTOR, for example multistep:80,120:0.1");
    MultiStepConfig config{.epochs = {}, .factor = f.has(2) ? f.number(2, "factor") : 0.1};
    for (const std::string_view epoch : split(f.text(1), ',')) config.epochs.push_back(f.number(epoch, "epoch"));
    return MultiStep(config);
  }
  if (name == "plateau") {
    f.expect(0, 2, "plateau:FACTOR:PATIENCE, for example plateau:0.5:3");
    PlateauConfig config;
    if (f.has(1)) config.factor = f.number(1, "factor");
    if (f.has(2)) config.patience = f.whole_number(2, "whole number of epochs");
    return Plateau(config);
  }
  if (name == "warmup") f.fail("one warmup is enough");
  static constexpr std::string_view known[] = {"constant", "cosine", "step", "multistep", "plateau", "warmup"};
  f.fail(fmt::format("unknown schedule \"{}\"{} (forms: {})", name, did_you_mean(name, known), forms));
}

}  // namespace

Handle<Schedule> parse(std::string_view text) {
  try {
    if (!text.starts_with("warmup")) return parse_one(Fields(text, text));
    const size_t comma = text.find(',');
    const Fields first(text, text.substr(0, comma));
    if (first.name() != "warmup") return parse_one(first);
    first.expect(1, 1, "warmup:EPOCHS, for example warmup:5,cosine");
    WarmupConfig config{.epochs = first.number(1, "number of epochs")};
    if (comma != std::string_view::npos) config.then = parse_one(Fields(text, text.substr(comma + 1)));
    return Warmup(config);
  } catch (const UsageError& error) {
    const std::string_view what = error.what();
    if (what.starts_with("schedule \"")) throw;
    throw UsageError(fmt::format("schedule \"{}\": {}", text, what));  // a value out of range
  }
}

}  // namespace ocellus::schedule

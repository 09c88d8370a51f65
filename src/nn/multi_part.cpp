// Several losses side by side on the channels of one prediction. A part that is a log-likelihood takes the softmax of its
// own channels first; its mean is over positions, as a cross-entropy's is, where that of the others is over elements.
//
// Settings are numbers by name, so a part's are called "<its place> <its name> <what it is>".

#include <algorithm>
#include <charconv>

#include <ocellus/graph/parameter.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/shape.h>

#include "nn/loss_settings.h"

namespace ocellus::loss {
namespace {

void expect_parts(const MultiPartConfig& config) {
  if (config.parts.empty()) throw UsageError("loss multi_part: needs a part");
  std::vector<std::string> names;
  for (const PartConfig& part : config.parts) {
    if (part.name.empty() || std::ranges::find(names, part.name) != names.end())
      throw UsageError(fmt::format("loss multi_part: parts need names of their own, got \"{}\"", part.name));
    if (part.channels < 1)
      throw UsageError(
          fmt::format("loss multi_part: part {} must have a channel or more, got {}", part.name, part.channels));
    expect_scalar("multi_part", part.element.reduction);
    names.push_back(part.name);
  }
}

int64_t channels_of(const std::vector<PartConfig>& parts) {
  int64_t sum = 0;
  for (const PartConfig& part : parts) sum += part.channels;
  return sum;
}

Value channels(const Value& v, int64_t begin, int64_t count) {
  if (!v || v.shape()[1] == count) return v;
  return ops::slice(v, {.axis = 1, .begin = begin, .end = begin + count});
}

LossValues build(const MultiPartConfig& config, const Value& prediction, const Value& target) {
  const SplitTarget split = split_target(config.weighted, prediction.shape()[1], target);
  Values parts, listed;
  int64_t begin = 0;
  for (const PartConfig& part : config.parts) {
    const bool classes = part.element.kind == ElementLossKind::log_likelihood;
    const Value x = channels(prediction, begin, part.channels);
    const Value value =
        ops::element_loss(classes ? ops::log_softmax(x) : x, channels(split.values, begin, part.channels), part.element,
                          channels(split.weights, begin, part.channels));
    const bool over_positions = classes && part.element.reduction == Reduction::mean;
    const double weight = part.weight * (over_positions ? static_cast<double>(part.channels) : 1.0);
    parts.push_back(weight == 1 ? value : ops::affine(value, weight));
    listed.push_back(ops::reshape(parts.back(), {1}));
    begin += part.channels;
  }
  return {add_n(parts), listed.size() == 1 ? listed.front() : ops::concat(listed, 0)};
}

std::map<std::string, double> settings_of(const MultiPartConfig& config) {
  std::map<std::string, double> settings = {{"weighted", config.weighted}};
  for (size_t i = 0; i < config.parts.size(); ++i) {
    const PartConfig& part = config.parts[i];
    const auto set = [&](const char* what, double value) {
      settings[fmt::format("{} {} {}", i, part.name, what)] = value;
    };
    set("channels", static_cast<double>(part.channels));
    set("kind", Settings::code(part.element.kind));
    set("threshold", part.element.threshold);
    set("alpha", part.element.alpha);
    set("gamma", part.element.gamma);
    set("reduction", Settings::code(part.element.reduction));
    set("weight", part.weight);
  }
  return settings;
}

/// The names of the parts, by their places.
std::map<int, std::string> names_in(const Settings& s) {
  std::map<int, std::string> names;
  for (const auto& [key, value] : s.all()) {
    const size_t first = key.find(' '), last = key.rfind(' ');
    int place = 0;
    if (first == last || std::from_chars(key.data(), key.data() + first, place).ec != std::errc()) continue;
    names[place] = key.substr(first + 1, last - first - 1);
  }
  return names;
}

}  // namespace

Loss multi_part(MultiPartConfig config) {
  expect_parts(config);
  std::vector<std::string> names;
  for (const PartConfig& part : config.parts) names.push_back(part.name);
  const int64_t wanted = channels_of(config.parts);
  return Loss(LossSpec{
      .name = "multi_part",
      .settings = settings_of(config),
      .parts = std::move(names),
      .target =
          [wanted, weighted = config.weighted](const TensorType& prediction, DType target) {
            if (prediction.shape.rank() < 2 || prediction.shape[1] != wanted)
              throw ShapeError(fmt::format("multi_part has parts for a prediction [N,{},...], got {}", wanted,
                                           to_string(prediction)));
            return values_and_weights(weighted, prediction, target);
          },
      .build = [config](const Value& prediction, const Value& target) { return build(config, prediction, target); },
      .probabilities = nullptr});
}

Loss multi_part_from(const Settings& s) {
  MultiPartConfig config{.parts = {}, .weighted = s.flag("weighted")};
  for (const auto& [place, name] : names_in(s)) {
    const auto key = [&, start = fmt::format("{} {} ", place, name)](const char* what) { return start + what; };
    config.parts.push_back({.name = name,
                            .channels = static_cast<int64_t>(s.number(key("channels"), 1)),
                            .element = {.kind = s.choice(key("kind"), ElementLossKind::squared_error),
                                        .threshold = s.number(key("threshold"), 1),
                                        .alpha = s.number(key("alpha"), 0.25),
                                        .gamma = s.number(key("gamma"), 2),
                                        .reduction = s.choice(key("reduction"), Reduction::mean)},
                            .weight = s.number(key("weight"), 1)});
  }
  return multi_part(std::move(config));
}

}  // namespace ocellus::loss

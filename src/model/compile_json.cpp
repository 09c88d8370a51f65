#include "model/compile_json.h"

#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ocellus {
namespace {

using nlohmann::json;

/// Settings of "sgd(lr=0.1, momentum=0.9)"; those that are not written are 0.
class Written {
 public:
  explicit Written(const std::string& text) {
    const size_t open = text.find('(');
    if (open == std::string::npos || text.back() != ')') throw UsageError("no optimizer: \"" + text + "\"");
    name = text.substr(0, open);
    for (size_t at = open + 1; at < text.size() - 1;) {
      const size_t end = std::min(text.find(", ", at), text.size() - 1);
      const size_t equals = text.find('=', at);
      double value = 0;
      if (equals >= end || std::from_chars(text.data() + equals + 1, text.data() + end, value).ec != std::errc())
        throw UsageError("no optimizer: \"" + text + "\"");
      settings_[text.substr(at, equals - at)] = value;
      at = end + 2;
    }
  }

  double operator[](const char* key) const {
    const auto it = settings_.find(key);
    return it == settings_.end() ? 0 : it->second;
  }

  /// What all optimisers have.
  template <class Config>
  Config common(Config config) const {
    config.lr = (*this)["lr"];
    config.weight_decay = (*this)["weight_decay"];
    config.decay_norm_and_bias = !settings_.contains("decay_norm_and_bias");
    config.clip_norm = (*this)["clip_norm"];
    config.clip_value = (*this)["clip_value"];
    return config;
  }

  std::string name;

 private:
  std::map<std::string, double> settings_;
};

Handle<metric::Metric> metric_from_name(const std::string& name) {
  if (name == "accuracy") return metric::accuracy();
  if (name == "macro_f1") return metric::macro_f1();
  int64_t k = 0;
  const char* end = name.data() + name.size();
  if (name.starts_with("top_") && std::from_chars(name.data() + 4, end, k).ptr == end && k > 0) return metric::top_k(k);
  throw UsageError("unknown metric \"" + name + "\"");
}

}  // namespace

Handle<optim::Optimizer> optimizer_from_text(const std::string& text) {
  const Written w(text);
  if (w.name == "sgd")
    return optim::SGD(w.common(optim::SGDConfig{.momentum = w["momentum"], .nesterov = w["nesterov"] != 0}));
  if (w.name == "adam")
    return optim::Adam(w.common(optim::AdamConfig{.beta1 = w["beta1"], .beta2 = w["beta2"], .eps = w["eps"]}));
  if (w.name == "adamw")
    return optim::AdamW(w.common(optim::AdamWConfig{.beta1 = w["beta1"], .beta2 = w["beta2"], .eps = w["eps"]}));
  if (w.name == "rmsprop")
    return optim::RMSProp(w.common(optim::RMSPropConfig{
        .alpha = w["alpha"], .eps = w["eps"], .momentum = w["momentum"], .centered = w["centered"] != 0}));
  throw UsageError("unknown optimizer \"" + w.name + "\"");
}

std::string compile_to_json(const Model::State& state) {
  const CompileConfig& config = state.config;
  json metrics = json::array();
  for (const auto& metric : config.metrics) metrics.push_back(metric->name());
  return json{{"optimizer", config.optimizer->describe()},
              {"updates", state.optimizer.updates},
              {"loss", {{"name", config.loss->name}, {"settings", config.loss->settings}}},
              {"loss_weights", config.loss_weights},
              {"metrics", metrics}}
      .dump();
}

int64_t compile_from_json(std::string_view text, const std::string& source, Model::State& state) {
  try {
    const json j = json::parse(text);
    CompileConfig read;
    const json& loss = j.at("loss");
    const auto updates = j.at("updates").get<int64_t>();
    if (updates < 0) throw FormatError(source, "metadata compile", "counts updates below zero");
    j.at("loss_weights").get_to(read.loss_weights);
    std::string what;
    try {
      const auto name = loss.at("name").get<std::string>();
      what = fmt::format("the loss \"{}\"", name);
      read.loss = loss::make(name, loss.at("settings").get<std::map<std::string, double>>());
      const auto optimizer = j.at("optimizer").get<std::string>();
      what = fmt::format("the optimizer \"{}\"", optimizer);
      read.optimizer = optimizer_from_text(optimizer);
      for (const json& entry : j.at("metrics")) {
        const auto metric = entry.get<std::string>();
        what = fmt::format("the metric \"{}\"", metric);
        read.metrics.push_back(metric_from_name(metric));
      }
    } catch (const UsageError&) {
      state.foreign = {std::move(what), std::string(text)};
      return 0;
    }
    state.config = std::move(read);
    return updates;
  } catch (const json::exception& e) {
    throw FormatError(source, "metadata compile", "is damaged: " + std::string(e.what()));
  }
}

std::string preprocess_to_json(const data::Preprocess& p) {
  return json{{"channels", p.channels},
              {"colour", to_string(p.colour)},
              {"height", p.height},
              {"width", p.width},
              {"resize", to_string(p.resize)},
              {"interpolation", to_string(p.interpolation)},
              {"border", p.border},
              {"scale", p.scale},
              {"mean", p.mean},
              {"std", p.std}}
      .dump();
}

data::Preprocess preprocess_from_json(std::string_view text, const std::string& source) {
  data::Preprocess p;
  try {
    const json j = json::parse(text);
    j.at("channels").get_to(p.channels);
    p.colour = data::colour_order_from_string(j.at("colour").get<std::string>());
    j.at("height").get_to(p.height);
    j.at("width").get_to(p.width);
    p.resize = data::resize_rule_from_string(j.at("resize").get<std::string>());
    p.interpolation = data::interpolation_from_string(j.at("interpolation").get<std::string>());
    j.at("border").get_to(p.border);
    j.at("scale").get_to(p.scale);
    j.at("mean").get_to(p.mean);
    j.at("std").get_to(p.std);
  } catch (const json::exception& e) {
    throw FormatError(source, "metadata preprocess", "is damaged: " + std::string(e.what()));
  } catch (const UsageError& e) {
    throw FormatError(source, "metadata preprocess", e.what());
  }
  return p;
}

}  // namespace ocellus

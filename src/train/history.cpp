#include <ocellus/train/history.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ocellus/base/error.h>

namespace ocellus {

std::optional<double> find(const Logs& logs, std::string_view name) {
  for (const auto& [key, value] : logs)
    if (key == name) return value;
  return std::nullopt;
}

void History::add(int64_t epoch, Logs logs) {
  std::erase_if(rows_, [&](const Row& row) { return row.epoch >= epoch; });
  rows_.push_back({epoch, std::move(logs)});
}

std::vector<std::string> History::names() const {
  std::vector<std::string> names;
  for (const Row& row : rows_)
    for (const auto& [name, value] : row.logs)
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  return names;
}

std::vector<double> History::column(std::string_view name) const {
  std::vector<double> values;
  for (const Row& row : rows_)
    values.push_back(find(row.logs, name).value_or(std::numeric_limits<double>::quiet_NaN()));
  return values;
}

std::string History::to_json() const {
  nlohmann::ordered_json json;
  json["epoch"] = nlohmann::ordered_json::array();
  for (const Row& row : rows_) json["epoch"].push_back(row.epoch);
  json["columns"] = nlohmann::ordered_json::array();
  for (const std::string& name : names()) json["columns"].push_back({{"name", name}, {"values", column(name)}});
  return json.dump();
}

History History::from_json(std::string_view text, std::string_view source) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) throw FormatError(source, "the training history is no JSON");
  try {
    const auto epochs = json.at("epoch").get<std::vector<int64_t>>();
    History history;
    for (size_t i = 0; i < epochs.size(); ++i) {
      if (epochs[i] < 0 || (i > 0 && epochs[i] <= epochs[i - 1]))
        throw FormatError(source, "the training history's epochs don't increase");
      history.rows_.push_back({epochs[i], {}});
    }
    for (const auto& column : json.at("columns")) {
      const auto name = column.at("name").get<std::string>();
      const auto& values = column.at("values");
      if (values.size() != epochs.size())
        throw FormatError(source, fmt::format("the training history has {} values of \"{}\" for {} epochs",
                                              values.size(), name, epochs.size()));
      for (size_t i = 0; i < epochs.size(); ++i)
        history.rows_[i].logs.emplace_back(
            name, values.at(i).is_null() ? std::numeric_limits<double>::quiet_NaN() : values.at(i).get<double>());
    }
    return history;
  } catch (const nlohmann::json::exception&) {
    throw FormatError(source,
                      "the training history lacks \"epoch\" or \"columns\", or they hold other things than numbers");
  }
}

Monitor::Monitor(std::string name, Direction mode, double min_delta) : name_(std::move(name)), min_delta_(min_delta) {
  if (!(min_delta >= 0)) throw UsageError(fmt::format("min_delta must be 0 or more, got {}", min_delta));
  const auto has = [&](std::string_view word) { return name_.find(word) != std::string::npos; };
  smaller_ =
      mode == Direction::min || (mode == Direction::automatic && (has("loss") || has("error") || has("perplexity")));
}

double Monitor::value(const Logs& logs, std::string_view who) const {
  if (const auto found = find(logs, name_)) return *found;
  std::string have;
  for (const auto& [key, value] : logs) have += (have.empty() ? "" : ", ") + key;
  throw UsageError(fmt::format("{} watches \"{}\", but an epoch gives: {}{}", who, name_, have,
                               name_.starts_with("val_") ? " (is there validation data?)" : ""));
}

bool Monitor::improves(double value, double best) const {
  if (std::isnan(value)) return false;
  if (std::isnan(best)) return true;
  return smaller_ ? value < best - min_delta_ : value > best + min_delta_;
}

}  // namespace ocellus

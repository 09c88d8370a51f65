#include "model/calibration_json.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ocellus {

using nlohmann::json;

std::string calibration_to_json(const Calibration& calibration) {
  json ranges = json::object();
  for (const auto& [name, range] : calibration.ranges) ranges[name] = {range.low, range.high};
  return json{{"ranges", ranges}, {"f32", calibration.wide}}.dump();
}

Calibration calibration_from_json(std::string_view text, const std::string& source, const Model::State& state) {
  const auto fail = [&](const std::string& what) { throw FormatError(source, "metadata quantization", what); };
  Calibration calibration;
  try {
    const json j = json::parse(text);
    for (const auto& [name, range] : j.at("ranges").items()) {
      const auto ends = range.get<std::vector<double>>();
      if (ends.size() != 2 || !std::isfinite(ends[0]) || !std::isfinite(ends[1]) || ends[0] > 0 || ends[1] < 0)
        fail(fmt::format("the range {} of \"{}\" is no interval around 0", range.dump(), name));
      calibration.ranges[name] = {ends[0], ends[1]};
    }
    for (const auto& name : j.at("f32").get<std::vector<std::string>>()) {
      if (std::ranges::none_of(state.layers, [&](const auto& info) { return info->name == name; }))
        fail(fmt::format("names a layer \"{}\" that the model does not have", name));
      calibration.wide.insert(name);
    }
  } catch (const json::exception& e) {
    fail("is damaged: " + std::string(e.what()));
  }
  return calibration;
}

}  // namespace ocellus

// ocellus conformance DIR...

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ocellus/io/conformance.h>

#include "common.h"
#include "verb.h"

namespace cli {
namespace {

using namespace ocellus;

struct State {
  std::vector<std::string> folders;
  bool json = false;
  Machine machine;
};

std::string name_of(const std::string& folder) {
  const std::filesystem::path path = std::filesystem::path(folder).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

int conformance(const State& s) {
  const io::ConformanceConfig config{.backend = s.machine.open()};
  const auto outcomes = enum_names(io::Outcome{});
  std::vector<int64_t> counts(outcomes.size());
  auto tests = nlohmann::ordered_json::array();
  for (const std::string& folder : s.folders) {
    const io::ConformanceResult result = io::check_conformance(folder, config);
    const auto outcome = static_cast<size_t>(result.outcome);
    ++counts[outcome];
    if (s.json)
      tests.push_back({{"name", name_of(folder)}, {"outcome", outcomes[outcome]}, {"reason", result.reason}});
    else
      fmt::print("{:<12} {}{}\n", outcomes[outcome], name_of(folder),
                 result.reason.empty() ? "" : ": " + result.reason);
  }
  if (s.json) {
    nlohmann::ordered_json j;
    for (size_t i = 0; i < outcomes.size(); ++i) j[std::string(outcomes[i])] = counts[i];
    j["tests"] = tests;
    j["operators"] = io::onnx_operators();
    fmt::print("{}\n", j.dump(2));
  } else {
    fmt::print("{} passed, {} failed, {} unsupported\n", counts[0], counts[1], counts[2]);
  }
  return counts[static_cast<size_t>(io::Outcome::failed)] > 0 ? 1 : 0;
}

std::function<int()> declare(Options& options) {
  auto s = std::make_shared<State>();
  options.arguments("DIR", s->folders, "folders with model.onnx and test_data_set_*/{input,output}_*.pb", 1);
  options.flag("--json", s->json, "the results as JSON, with the operators that are known");
  s->machine.declare(options);
  return [s] { return conformance(*s); };
}

}  // namespace

const Verb conformance_verb = {"conformance", "Run tests in the ONNX project's form and say which pass",
                               "  ocellus conformance onnx/backend/test/data/node/test_relu\n"
                               "  ocellus conformance node/* --json --backend reference",
                               declare};

}  // namespace cli

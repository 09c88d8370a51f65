// ocellus info

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ocellus/backend/backends.h>
#include <ocellus/backend/peak.h>
#include <ocellus/base/file.h>
#include <ocellus/base/settings.h>
#include <ocellus/base/threads.h>
#include <ocellus/base/version.h>
#include <ocellus/zoo/zoo.h>

#include "common.h"
#include "verb.h"

namespace cli {
namespace {

using namespace ocellus;

/// The first "model name" of /proc/cpuinfo.
std::string cpu_name() {
  try {
    const std::string text = read_file("/proc/cpuinfo", uint64_t{1} << 24);
    const size_t at = text.find("model name");
    if (at == std::string::npos) return "unknown";
    const size_t begin = text.find(':', at) + 2;
    return text.substr(begin, text.find('\n', begin) - begin);
  } catch (const IoError&) {
    return "unknown";
  }
}

std::vector<std::string> cpu_features() {
  std::vector<std::string> found;
#define OCELLUS_FEATURE(name) \
  if (__builtin_cpu_supports(name)) found.emplace_back(name)
  OCELLUS_FEATURE("avx2");
  OCELLUS_FEATURE("fma");
  OCELLUS_FEATURE("avx512f");
  OCELLUS_FEATURE("avx512bw");
  OCELLUS_FEATURE("avx512vnni");
  OCELLUS_FEATURE("avx512bf16");
#undef OCELLUS_FEATURE
  return found;
}

int show(bool as_json, bool measure) {
  const Settings settings = load_settings();
  set_num_threads(settings.threads.value);
  const BackendPtr backend = make_backend(settings.backend.value);
  const auto names = backend_names();
  std::vector<std::string> networks;
  for (const auto& e : zoo::entries()) networks.emplace_back(e.name);
  const double peak = measure ? measure_peak() : 0;
  if (as_json) {
    nlohmann::ordered_json j = {
        {"version", OCELLUS_VERSION},
        {"backend",
         {{"name", settings.backend.value},
          {"origin", settings.backend.origin},
          {"library", backend->describe()},
          {"available", names}}},
        {"threads", {{"count", num_threads()}, {"origin", settings.threads.origin}}},
        {"floatx", settings.floatx.value},
        {"image_data_format", settings.image_data_format.value},
        {"epsilon", settings.epsilon.value},
        {"cpu", {{"name", cpu_name()}, {"features", cpu_features()}, {"vectors", vector_target()}}},
        {"settings_file", settings_path().string()},
        {"networks", networks}};
    if (measure) j["cpu"]["peak_gflops"] = peak;
    fmt::print("{}\n", j.dump(2));
    return 0;
  }
  const auto row = [](std::string_view name, const std::string& value) { fmt::print("{:<20} {}\n", name, value); };
  row("ocellus", OCELLUS_VERSION);
  row("backend",
      fmt::format("{} ({}); available: {}", settings.backend.value, settings.backend.origin, fmt::join(names, ", ")));
  row("library", backend->describe());
  row("threads", fmt::format("{} ({})", num_threads(), settings.threads.origin));
  row("cpu", cpu_name());
  row("cpu features", fmt::format("{}", fmt::join(cpu_features(), " ")));
  row("own vector loops", vector_target());
  if (measure) row("fma peak", fmt::format("{:.1f} GFLOP/s with {} threads", peak, num_threads()));
  row("image data format", settings.image_data_format.value + " (" + settings.image_data_format.origin + ")");
  row("floatx", settings.floatx.value + " (" + settings.floatx.origin + ")");
  row("settings file", settings_path().string() + (std::filesystem::exists(settings_path()) ? "" : " (not there)"));
  row("networks", fmt::format("{}", fmt::join(networks, " ")));
  return 0;
}

std::function<int()> declare(Options& options) {
  struct State {
    bool json = false, peak = false;
  };
  auto s = std::make_shared<State>();
  options.flag("--json", s->json, "for machines");
  options.flag("--peak", s->peak, "measure the machine's multiply-add peak too");
  return [s] { return show(s->json, s->peak); };
}

}  // namespace

const Verb info_verb = {"info", "Show version, backend and why, processor, threads, settings",
                        "  ocellus info\n"
                        "  OCELLUS_BACKEND=reference ocellus info --json",
                        declare};

}  // namespace cli

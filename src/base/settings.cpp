#include <ocellus/base/settings.h>

#include <charconv>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include <ocellus/base/error.h>
#include <ocellus/base/file.h>

namespace ocellus {
namespace {

using nlohmann::json;

/// The variable's text; unset and empty are the same.
std::string environment(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? "" : text;
}

template <class T>
void take(const json& object, const char* key, const std::string& path, Setting<T>& setting) {
  const auto found = object.find(key);
  if (found == object.end()) return;
  bool fits = found->is_string();
  if constexpr (std::is_same_v<T, int>) fits = found->is_number_integer();
  if constexpr (std::is_same_v<T, double>) fits = found->is_number();
  if (!fits) throw FormatError(path, std::string("key ") + key, "has a value of the wrong kind: " + found->dump());
  setting = {found->get<T>(), path};
}

bool is_floatx(std::string_view name) { return name == "float32" || name == "bfloat16"; }

void read_settings_file(Settings& settings) {
  const std::filesystem::path path = settings_path();
  std::error_code missing;
  if (path.empty() || !std::filesystem::exists(path, missing)) return;
  const std::string name = path.string();
  json object;
  try {
    object = json::parse(read_file(path, uint64_t{1} << 20));
  } catch (const json::parse_error& e) {
    throw FormatError(name, "byte " + std::to_string(e.byte), "is no JSON");
  }
  if (!object.is_object()) throw FormatError(name, "must hold a JSON object");
  take(object, "backend", name, settings.backend);
  take(object, "floatx", name, settings.floatx);
  take(object, "image_data_format", name, settings.image_data_format);
  take(object, "epsilon", name, settings.epsilon);
  take(object, "threads", name, settings.threads);
  if (!is_floatx(settings.floatx.value))
    throw FormatError(name, "key floatx", "\"" + settings.floatx.value + "\" is not supported; float32 and bfloat16 are");
  if (settings.image_data_format.value != "channels_last" && settings.image_data_format.value != "channels_first")
    throw FormatError(name, "key image_data_format", "must be channels_last or channels_first");
}

int number_of_threads(const std::string& text) {
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > 4096)
    throw UsageError("OCELLUS_THREADS must be a number from 0 to 4096, got \"" + text + "\"");
  return value;
}

}  // namespace

bool openmp_waiting_is_set() {
  return !environment("OMP_WAIT_POLICY").empty() || !environment("GOMP_SPINCOUNT").empty();
}

std::filesystem::path settings_path() {
  const std::string home = environment("HOME");
  return home.empty() ? std::filesystem::path() : std::filesystem::path(home) / ".ocellus" / "ocellus.json";
}

Settings load_settings(const SettingsArguments& arguments) {
  Settings settings;
  read_settings_file(settings);
  if (const std::string name = environment("OCELLUS_BACKEND"); !name.empty())
    settings.backend = {name, "environment variable OCELLUS_BACKEND"};
  if (const std::string text = environment("OCELLUS_THREADS"); !text.empty())
    settings.threads = {number_of_threads(text), "environment variable OCELLUS_THREADS"};
  if (!arguments.backend.empty()) settings.backend = {arguments.backend, "argument"};
  if (!arguments.floatx.empty()) settings.floatx = {arguments.floatx, "argument"};
  if (!is_floatx(settings.floatx.value))
    throw UsageError("computes in float32 or bfloat16, not in " + settings.floatx.value);
  if (arguments.threads >= 0) settings.threads = {arguments.threads, "argument"};
  if (settings.threads.value < 0 || settings.threads.value > 4096)
    throw UsageError("threads must be a number from 0 to 4096, got " + std::to_string(settings.threads.value) + " (" +
                     settings.threads.origin + ")");
  return settings;
}

}  // namespace ocellus

// Settings of the user and the machine: a file in the home folder, overridden by environment variables, overridden by arguments.
// This is the one place that reads environment variables.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <ocellus/base/export.h>

namespace ocellus {

/// A value, and where it comes from: "default", "environment variable OCELLUS_BACKEND", "argument" or the file's path.
template <class T>
struct Setting {
  T value;
  std::string origin = "default";
};

struct Settings {
  Setting<std::string> backend = {"onednn"};
  Setting<std::string> floatx = {"float32"};                      ///< element type of computations: float32 or bfloat16
  Setting<std::string> image_data_format = {"channels_last"};     ///< how `summary` prints shapes; the engine is channels-first
  Setting<double> epsilon = {1e-7};                               ///< fuzz factor, as Keras defines it
  Setting<int> threads = {0};                                     ///< 0: all cores that the process may use
};

/// What a caller asks for itself; "" and -1 leave the choice to environment and file.
struct SettingsArguments {
  std::string backend = {};
  int threads = -1;
  std::string floatx = {};
};

/// Reads ~/.ocellus/ocellus.json (no file is no error), then OCELLUS_BACKEND and OCELLUS_THREADS, then the arguments.
/// Throws FormatError for a file that is no JSON object or holds a value of the wrong kind, UsageError for a number of threads
/// that is none or another floatx.
OCELLUS_API Settings load_settings(const SettingsArguments& arguments = {});

/// Whether the environment says how idle OpenMP threads wait (OMP_WAIT_POLICY or GOMP_SPINCOUNT).
OCELLUS_API bool openmp_waiting_is_set();

/// Where the file is looked for; empty without a home folder.
OCELLUS_API std::filesystem::path settings_path();

}  // namespace ocellus

#include "common.h"

#include <algorithm>
#include <numeric>

#include <ocellus/backend/backends.h>
#include <ocellus/base/error.h>
#include <ocellus/base/settings.h>
#include <ocellus/base/threads.h>
#include <ocellus/io/format.h>
#include <ocellus/zoo/zoo.h>

namespace cli {

using namespace ocellus;

size_t parse_bytes(const std::string& flag, const std::string& text) {
  if (text.empty()) return 0;
  size_t used = 0;
  double value = -1;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception&) {
  }
  const std::string unit = text.substr(used);
  const double factor = unit.empty() ? 1 : unit == "K" ? 1e3 : unit == "M" ? 1e6 : unit == "G" ? 1e9 : 0;
  if (!(value > 0) || factor == 0 || value * factor < 1 || value * factor > 1e15)
    throw UsageError(flag + " is a number of bytes like 800000000, 800M or 1.5G, not \"" + text + "\"");
  return static_cast<size_t>(value * factor);
}

void Machine::declare(Options& options) {
  options.add("--threads", threads, "threads to compute with; 0: all cores");
  options.add("--backend", backend, "onednn or reference; default: see `ocellus info`");
  options.add("--algorithms", algorithms,
              "how convolutions are computed: time (measure once, take the fastest), standard (fixed rules), exact "
              "(direct only)");
  options.add("--dtype", dtype,
              "what products are computed in: f32; bf16, with masters, statistics and losses in f32; or int8, for "
              "predictions of a quantized model, where it is the default");
}

Settings Machine::settings() const {
  const std::string floatx = dtype == "f32" ? "float32" : dtype == "bf16" ? "bfloat16" : in_bytes() ? "" : dtype;
  return load_settings({.backend = backend, .threads = threads > 0 ? static_cast<int>(threads) : -1, .floatx = floatx});
}

void Machine::run(Model& model) const {
  model.set_backend(open());
  if (!dtype.empty() || !model.calibration()) model.set_precision(precision());
}

DType Machine::precision() const {
  if (in_bytes()) return DType::i8;
  return settings().floatx.value == "bfloat16" ? DType::bf16 : DType::f32;
}

BackendPtr Machine::open() const {
  const Settings settings = this->settings();
  set_num_threads(settings.threads.value);
  const auto names = enum_names(Algorithms{});
  const auto it = std::ranges::find(names, algorithms);
  if (it == names.end()) throw UsageError("--algorithms is time, standard or exact, not \"" + algorithms + "\"");
  return make_backend(settings.backend.value,
                      {.algorithms = static_cast<Algorithms>(it - names.begin()), .cache_path = algorithm_cache()});
}

/// What was measured before on this machine lies beside the settings; without a home folder it is measured each time.
std::string Machine::algorithm_cache() {
  const std::filesystem::path folder = settings_path().parent_path();
  std::error_code error;
  if (folder.empty() || (std::filesystem::create_directories(folder, error), error)) return "";
  return (folder / "algorithms.txt").string();
}

bool in_zoo(const std::string& name) {
  const auto entries = zoo::entries();
  return std::ranges::any_of(entries, [&](const zoo::Entry& e) { return e.name == name; });
}

Model open_model(const std::string& name_or_file, int64_t classes) {
  const bool file = std::filesystem::exists(name_or_file);
  if (in_zoo(name_or_file) || !file) {
    // Something that looks like a path is one: "no such file" says more than a list of networks.
    const std::filesystem::path path(name_or_file);
    if (!in_zoo(name_or_file) && (path.has_parent_path() || path.has_extension())) return io::read_model(path);
    return zoo::create(name_or_file, {.classes = classes});
  }
  return io::read_model(name_or_file);
}

void refuse_foreign_loss(const Model& model, const std::string& file, const std::string& what) {
  if (model.lacks().empty()) return;
  throw UsageError(file + ": " + model.lacks() + " is a function of the program that saved the model, so only that can " +
                   what);
}

std::string class_name(const Model& model, int64_t i) {
  const auto& names = model.class_names();
  return static_cast<size_t>(i) < names.size() ? names[static_cast<size_t>(i)] : std::to_string(i);
}

std::vector<Guess> top(std::span<const float> probabilities, int64_t k) {
  std::vector<int64_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater(), [&](int64_t i) { return probabilities[static_cast<size_t>(i)]; });
  std::vector<Guess> guesses;
  for (int64_t i : order) {
    if (static_cast<int64_t>(guesses.size()) == k) break;
    guesses.push_back({i, probabilities[static_cast<size_t>(i)]});
  }
  return guesses;
}

Tensor batch_of(const Model& model, std::span<const data::Image> images) {
  Tensor batch;
  for (size_t i = 0; i < images.size(); ++i) {
    const Tensor sample = data::apply(model.preprocess(), images[i]);
    if (!batch) {
      std::vector<int64_t> dims = {static_cast<int64_t>(images.size())};
      dims.insert(dims.end(), sample.shape().begin(), sample.shape().end());
      batch = Tensor(DType::f32, Shape(std::span<const int64_t>(dims)));
    }
    Tensor row = batch.rows(static_cast<int64_t>(i), static_cast<int64_t>(i) + 1);
    row.copy_from(sample);
  }
  return batch;
}

}  // namespace cli

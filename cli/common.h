// What several verbs share: opening models and data, and the options for threads and backends.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <ocellus/base/settings.h>
#include <ocellus/data/dataset.h>
#include <ocellus/data/image.h>
#include <ocellus/model/model.h>

#include "options.h"

namespace cli {

/// --threads, --backend, --algorithms and --dtype.
struct Machine {
  int64_t threads = 0;
  std::string backend;
  std::string algorithms = "time";
  std::string dtype;

  void declare(Options& options);
  /// Sets the number of threads, and has the model use the backend and precision that settings and options ask for.
  void run(ocellus::Model& model) const;
  /// Sets the number of threads, and makes the backend that settings and options ask for.
  ocellus::BackendPtr open() const;
  ocellus::DType precision() const;
  bool in_bytes() const { return dtype == "int8" || dtype == "i8"; }

 private:
  ocellus::Settings settings() const;
  static std::string algorithm_cache();
};

/// Bytes from "800000000", "800M" or "1.5G" (powers of 1000); throws UsageError, naming the flag, for anything else. 0 for "".
size_t parse_bytes(const std::string& flag, const std::string& text);

/// True for the name of a network of the zoo.
bool in_zoo(const std::string& name);

/// A network of the zoo by name, or a saved model by path; throws UsageError, suggesting the nearest name, when it is
/// neither.
ocellus::Model open_model(const std::string& name_or_file, int64_t classes = 0);

/// Throws UsageError for a model from `file` whose loss only the program that saved it has; `what`: "judge it".
void refuse_foreign_loss(const ocellus::Model& model, const std::string& file, const std::string& what);

/// The name of class i, or its number where names are unknown.
std::string class_name(const ocellus::Model& model, int64_t i);

struct Guess {
  int64_t index;
  float probability;
};
/// The k most probable classes, most probable first; of equal ones the first.
std::vector<Guess> top(std::span<const float> probabilities, int64_t k);

/// f32 [N,C,H,W] from images, as the model wants them.
ocellus::Tensor batch_of(const ocellus::Model& model, std::span<const ocellus::data::Image> images);

}  // namespace cli

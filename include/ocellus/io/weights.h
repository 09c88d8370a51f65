// Weights of other programs for networks of the zoo: arrays in safetensors or HDF5 files, found by tables of names.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <ocellus/io/format.h>
#include <ocellus/zoo/zoo.h>

namespace ocellus::io {

/// What became of one parameter.
struct MappedParameter {
  std::string parameter;  ///< "conv1/kernel"
  std::vector<int64_t> shape;
  std::string tensor;          ///< the file's name for it, or the one that was looked for
  std::vector<int64_t> given;  ///< the file's shape, before its dimensions were put in our order
  std::string lack;            ///< empty where all is well: "is missing", "has another shape"
};

/// How a file's arrays were given to a network's parameters.
struct OCELLUS_API WeightsReport {
  std::string names;  ///< the table that fits best: "torchvision"
  std::vector<MappedParameter> parameters;
  std::vector<FileTensor> unused;  ///< of the file
  bool complete() const;           ///< every parameter has its array
  std::string text() const;        ///< a table for people
};

struct WeightsConfig {
  /// A JSON file with names of one's own: {"layout": "channels_first" or "channels_last", "names": {"conv1/kernel": "stem.w"}}.
  /// Parameters that it doesn't name are looked for by the tables.
  std::filesystem::path map = {};
  zoo::ZooConfig network = {};
};

struct LoadedWeights {
  Model model;
  WeightsReport report;
};

/// Builds a network of the zoo and fills it from a file's arrays, with the preprocessing that belongs to them. Parameters without
/// an array keep fresh values; the report tells which. Throws IoError, FormatError, and UsageError for an unknown network or a
/// map that names a parameter that isn't there.
OCELLUS_API LoadedWeights read_weights(const std::filesystem::path& path, std::string_view network,
                                       const WeightsConfig& config = {});

}  // namespace ocellus::io

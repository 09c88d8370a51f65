// Formats: model files of any kind by one pair of functions, which tell a file by its content and a name by its ending.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ocellus/model/model.h>

namespace ocellus::io {

/// One tensor of a model file, as the file has it.
struct FileTensor {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
  uint64_t bytes = 0;
};

/// One layer, node or section of a model file, as the file names it.
struct FileLayer {
  std::string name;
  std::string kind;
  std::string detail;  ///< attributes and shapes, for people
};

/// What a model file holds, without building the network.
struct FileContent {
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<FileLayer> layers;
  std::vector<FileTensor> tensors;
};

/// A kind of model file. What a format cannot do is null.
struct Format {
  std::string_view name;                      ///< "onnx"
  std::string_view description;               ///< one line
  std::span<const std::string_view> endings;  ///< ".onnx"; the first is the usual one
  /// True when the file is of this kind, judged by its first bytes (up to 4096) and its name.
  bool (*recognises)(std::string_view head, const std::filesystem::path& path) = nullptr;
  Model (*read)(const std::filesystem::path& path) = nullptr;
  void (*write)(const Model& model, const std::filesystem::path& path) = nullptr;
  FileContent (*inspect)(const std::filesystem::path& path) = nullptr;
};

/// All formats, by name.
OCELLUS_API std::vector<Format> formats();
/// The format of a file that exists. Throws IoError when it can't be read, FormatError when no format knows it.
OCELLUS_API Format format_of(const std::filesystem::path& path);

/// Reads a model of any format. Throws FormatError naming the byte, layer or node for a damaged file, Unsupported listing
/// everything in it that has no counterpart here.
OCELLUS_API Model read_model(const std::filesystem::path& path);
/// Writes a model, atomically, in the format that the name's ending tells. Throws UsageError for an unknown ending,
/// Unsupported for what the format cannot express.
OCELLUS_API void write_model(const Model& model, const std::filesystem::path& path);
/// Lists what is in a file of any format.
OCELLUS_API FileContent inspect_model(const std::filesystem::path& path);

}  // namespace ocellus::io

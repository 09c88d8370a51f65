// Safetensors files: named tensors and text metadata behind a JSON header.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ocellus/base/export.h>
#include <ocellus/tensor/tensor.h>

namespace ocellus {

/// The content of a safetensors file, tensors in the order of its header.
struct SafetensorsFile {
  std::map<std::string, std::string> metadata;
  std::vector<std::pair<std::string, Tensor>> tensors;

  /// The tensor of that name, or nullptr.
  const Tensor* find(std::string_view name) const {
    for (const auto& [key, tensor] : tensors)
      if (key == name) return &tensor;
    return nullptr;
  }
};

/// One line of a safetensors header.
struct SafetensorsEntry {
  std::string name;
  std::string dtype;  ///< as the file writes it: "F32", "BF16", ...
  std::vector<int64_t> shape;
  uint64_t begin = 0;  ///< first byte of the data, counted from the start of the file
  uint64_t end = 0;    ///< one past the last
};

/// What a safetensors header says, without the data.
struct SafetensorsHeader {
  uint64_t file_bytes = 0;
  uint64_t header_bytes = 0;  ///< length of the JSON text
  std::map<std::string, std::string> metadata;
  std::vector<SafetensorsEntry> tensors;
};

/// Reads and checks the header alone. Throws FormatError, naming the byte or the tensor, for a file that is cut short,
/// whose header is no JSON of the format or over 100 MB, or whose tensors overlap, leave holes, or don't fill the file
/// exactly.
OCELLUS_API SafetensorsHeader inspect_safetensors(const std::filesystem::path& path);

/// Maps the file into memory and returns its tensors as views that keep the map alive (a tensor that lies unaligned is
/// copied). Writing to such a tensor changes a private copy of the page, never the file.
/// Throws as inspect_safetensors does, and Unsupported for an element type that has no DType (I16, U64, F8_E4M3, ...).
OCELLUS_API SafetensorsFile read_safetensors(const std::filesystem::path& path);

/// Writes the file atomically, tensors in the order given; the header is padded so that the data start on 64 bytes.
/// Throws UsageError for a name given twice or not in UTF-8, or an empty tensor handle; IoError when the disk refuses.
OCELLUS_API void write_safetensors(const std::filesystem::path& path, const SafetensorsFile& file);

}  // namespace ocellus

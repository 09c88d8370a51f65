// Darknet's .weights file: a header and then nothing but floats, in the order of the sections.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <ocellus/base/file.h>
#include <ocellus/tensor/tensor.h>

namespace ocellus::io::darknet {

/// Three numbers of the version, and how many pictures the network had seen.
struct WeightsHeader {
  int32_t major = 0, minor = 2, revision = 5;
  uint64_t seen = 0;

  /// `seen` takes eight bytes since version 0.2, four before.
  bool wide() const { return int64_t{major} * 10 + minor >= 2 && major < 1000 && minor < 1000; }
  /// A file from a GPU program of old has the matrices of [connected] the other way round.
  bool transposed() const { return major > 1000 || minor > 1000; }
  size_t bytes() const { return wide() ? 20 : 16; }
  /// "0 2 5 1234", for a model's metadata.
  std::string to_text() const;
  static std::optional<WeightsHeader> from_text(std::string_view text);
  /// As a file begins.
  std::string to_bytes() const;
};

/// Takes floats from the file's front. Throws FormatError naming the byte, what it is for and how much is left.
class WeightsReader {
 public:
  explicit WeightsReader(const std::filesystem::path& path);

  const WeightsHeader& header() const { return header_; }
  uint64_t size() const { return file_.bytes().size(); }
  /// Throws unless the file has `count` more floats for `what`, "[convolutional] in line 12".
  void need(int64_t count, std::string_view what) const;
  /// A view of the next floats, valid while the reader lives.
  Tensor take(const Shape& shape, std::string_view what);
  /// Throws when floats are left over.
  void finish() const;

 private:
  std::string path_;
  MappedFile file_;
  WeightsHeader header_;
  uint64_t at_ = 0;
};

}  // namespace ocellus::io::darknet

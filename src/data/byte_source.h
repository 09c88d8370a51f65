// A file read from front to back, plain or compressed with gzip, whichever its first bytes say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <ocellus/base/file.h>

namespace ocellus::data {

/// Never gives more bytes than asked for, so a small file can't unpack into a large one unnoticed.
class ByteSource {
 public:
  explicit ByteSource(const std::filesystem::path& path);  ///< throws IoError
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  /// Reads up to `count` bytes; fewer only at the end. Throws FormatError for a damaged or truncated gzip stream.
  size_t read(void* out, size_t count);

  /// Reads exactly `count` bytes; throws FormatError, naming `what` was to be read, when the file ends before.
  void read_exactly(void* out, size_t count, std::string_view what);

  bool at_end();                             ///< nothing is left to read
  std::vector<uint8_t> rest(uint64_t most);  ///< all that is left; FormatError when that is more than `most` bytes
  uint64_t most() const;                     ///< no more bytes than this can be in the whole file, unpacked
  uint64_t position() const { return position_; }
  const std::string& name() const { return name_; }

 private:
  struct Inflater;

  std::string name_;
  MappedFile file_;
  uint64_t position_ = 0;
  std::unique_ptr<Inflater> inflater_;  ///< null for a plain file
};

}  // namespace ocellus::data

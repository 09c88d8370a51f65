// Files: whole reads with a bound, memory maps, and atomic writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include <ocellus/base/export.h>

namespace ocellus {

/// Reads a whole file; throws IoError when it can't be read or is larger than `max_bytes`.
OCELLUS_API std::string read_file(const std::filesystem::path& path, uint64_t max_bytes = uint64_t{1} << 32);

/// A private memory map of a whole file: writing to a page copies it, the file never changes.
class OCELLUS_API MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

/// Where `write_atomically`'s callback puts its bytes.
class OCELLUS_API ByteSink {
 public:
  virtual ~ByteSink();
  virtual void write(const void* data, size_t bytes) = 0;
  void write(std::string_view text) { write(text.data(), text.size()); }
};

/// Writes a file that appears whole or not at all: temporary file beside it, fsync, rename, fsync of the folder.
/// On any error the old file stays and the temporary one is removed. A writer that is killed leaves `<path>.tmp<process>`
/// behind; the next write to the path removes it.
OCELLUS_API void write_atomically(const std::filesystem::path& path, const std::function<void(ByteSink&)>& fill);
OCELLUS_API void write_atomically(const std::filesystem::path& path, std::string_view content);

}  // namespace ocellus

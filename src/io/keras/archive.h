// Zip archives in memory, as `.keras` files are.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ocellus::io::keras {

/// An archive that is read: nothing is unpacked but what is asked for by name, into memory. A file that says it unpacks to more
/// than a hundred times its size, or has two entries of one name, is refused.
class ArchiveReader {
 public:
  /// `bytes` must outlive the reader; `source` names the file in errors. Throws FormatError.
  ArchiveReader(std::span<const std::byte> bytes, std::string source);
  ~ArchiveReader();
  bool has(const std::string& name) const;
  std::string read(const std::string& name) const;  ///< throws FormatError for a missing or damaged entry

 private:
  struct State;
  std::string source_;
  std::unique_ptr<State> state_;
};

/// An archive of these names and contents, stored without compression as Keras does it: its largest part is weights.
std::string archive_of(const std::vector<std::pair<std::string, std::string>>& entries);

}  // namespace ocellus::io::keras

// HDF5 files in memory: groups, attributes and datasets of numbers, read with bounds and written.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ocellus/tensor/tensor.h>

namespace ocellus::io::keras {

/// What a dataset says of itself.
struct DatasetInfo {
  std::string dtype;  ///< "F32", "F16", "I64", ...
  std::vector<int64_t> shape;
  uint64_t bytes = 0;
};

/// An HDF5 file that is read. Paths are "a/b/c" from the root, "" is the root itself. Links that lead out of the file or
/// elsewhere in it, data kept in other files, and filters other than deflate, shuffle and checksums are refused, and so is a
/// file that unpacks to more than a hundred times its size.
class Hdf5Reader {
 public:
  /// `source` names the file in errors. Throws FormatError.
  Hdf5Reader(std::span<const std::byte> bytes, std::string source);
  ~Hdf5Reader();

  bool has(const std::string& path) const;
  bool is_group(const std::string& path) const;
  std::vector<std::string> children(const std::string& path) const;  ///< names in a group
  /// A text attribute of a group or dataset.
  std::optional<std::string> text(const std::string& path, const std::string& attribute) const;
  /// An attribute that is a list of texts. Where Keras has cut a long one into "name0", "name1" ..., all of them.
  std::optional<std::vector<std::string>> texts(const std::string& path, const std::string& attribute) const;
  DatasetInfo info(const std::string& path) const;
  Tensor tensor(const std::string& path) const;  ///< a dataset of numbers as f32
  const std::string& source() const { return source_; }

 private:
  struct State;
  std::string source_;
  std::unique_ptr<State> state_;
};

/// An HDF5 file that is written.
class Hdf5Writer {
 public:
  Hdf5Writer();
  ~Hdf5Writer();
  void group(const std::string& path);  ///< made with all the groups above it
  void text(const std::string& path, const std::string& attribute, const std::string& value);
  void texts(const std::string& path, const std::string& attribute, const std::vector<std::string>& values);
  void tensor(const std::string& path, const Tensor& value);  ///< f32; groups above it are made
  std::string bytes();                                        ///< the whole file

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ocellus::io::keras

#include <ocellus/data/sets/cifar.h>

#include <algorithm>
#include <cstring>
#include <sstream>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/base/file.h>

#include "data/byte_source.h"
#include "data/sets/find.h"

namespace ocellus::data {
namespace {

constexpr size_t pixels = 3 * 32 * 32;

size_t label_bytes(CifarKind kind) { return kind == CifarKind::cifar10 ? 1 : 2; }
uint8_t class_count(CifarKind kind) { return kind == CifarKind::cifar10 ? 10 : 100; }

std::vector<std::string> default_classes(CifarKind kind) {
  if (kind == CifarKind::cifar10)
    return {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back(std::to_string(i));
  return names;
}

/// Class names of a text file, one a line; the built-in ones when the file is missing or of another length.
std::vector<std::string> read_classes(const std::filesystem::path& path, CifarKind kind) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return default_classes(kind);
  std::istringstream text(read_file(path, 1 << 16));
  std::vector<std::string> names;
  for (std::string line; std::getline(text, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) names.push_back(line);
  }
  return names.size() == class_count(kind) ? names : default_classes(kind);
}

std::vector<uint8_t> read_records(const std::filesystem::path& path, CifarKind kind) {
  ByteSource file(path);
  std::vector<uint8_t> bytes = file.rest(uint64_t{1} << 31);
  const size_t record = label_bytes(kind) + pixels;
  if (bytes.empty() || bytes.size() % record != 0)
    throw FormatError(file.name(), fmt::format("{} bytes are no whole number of records of {} bytes: "
                                               "the file is truncated or not CIFAR's",
                                               bytes.size(), record));
  return bytes;
}

InMemory load(const std::vector<std::filesystem::path>& files, CifarKind kind, std::vector<std::string> classes,
              const std::string& name) {
  const size_t record = label_bytes(kind) + pixels;
  std::vector<std::vector<uint8_t>> contents;
  size_t count = 0;
  for (const auto& path : files) {
    contents.push_back(read_records(path, kind));
    count += contents.back().size() / record;
  }
  Tensor images(DType::u8, {static_cast<int64_t>(count), 3, 32, 32}), labels(DType::i32, {static_cast<int64_t>(count)});
  uint8_t* image = images.as<uint8_t>().data();
  int32_t* label = labels.as<int32_t>().data();
  for (size_t f = 0; f < files.size(); ++f) {
    for (size_t at = 0; at < contents[f].size(); at += record, image += pixels, ++label) {
      const size_t label_at = at + label_bytes(kind) - 1;
      if (contents[f][label_at] >= class_count(kind))
        throw FormatError(files[f].string(), fmt::format("byte {}", label_at),
                          fmt::format("label {} is not below {}", contents[f][label_at], class_count(kind)));
      *label = contents[f][label_at];
      std::memcpy(image, &contents[f][label_at + 1], pixels);
    }
  }
  return InMemory({.inputs = images, .targets = labels, .classes = std::move(classes), .name = name});
}

std::vector<std::filesystem::path> files_or_throw(const std::filesystem::path& folder, Split split,
                                                  std::string_view wanted) {
  auto files = find_cifar(folder, split);
  if (files.empty()) throw IoError(folder.string(), fmt::format("holds no CIFAR files {}, plain or .gz", wanted));
  return files;
}

}  // namespace

InMemory cifar_files(const std::vector<std::filesystem::path>& files, CifarKind kind, const std::string& name) {
  return load(files, kind, default_classes(kind), name);
}

InMemory cifar10(const std::filesystem::path& folder, Split split) {
  const auto files = files_or_throw(folder, split, split == Split::train ? "data_batch_*.bin" : "test_batch.bin");
  return load(files, CifarKind::cifar10, read_classes(folder / "batches.meta.txt", CifarKind::cifar10),
              fmt::format("cifar10 ({})", to_string(split)));
}

InMemory cifar100(const std::filesystem::path& folder, Split split) {
  const auto files = files_or_throw(folder, split, split == Split::train ? "train.bin" : "test.bin");
  return load(files, CifarKind::cifar100, read_classes(folder / "fine_label_names.txt", CifarKind::cifar100),
              fmt::format("cifar100 ({})", to_string(split)));
}

std::vector<std::filesystem::path> find_cifar(const std::filesystem::path& folder, Split split) {
  std::vector<std::filesystem::path> found;
  for (const auto& path : files_in(folder)) {
    const std::string name = path.filename().string();
    if (!name.ends_with(".bin") && !name.ends_with(".bin.gz")) continue;
    const auto belongs = name.starts_with("data_batch_") ? Split::train : split_of_name(name);
    if (belongs == split) found.push_back(path);
  }
  return found;
}

CifarKind cifar_kind(const std::filesystem::path& folder) {
  std::error_code error;
  const bool fine = std::filesystem::exists(folder / "fine_label_names.txt", error) ||
                    std::filesystem::exists(folder / "coarse_label_names.txt", error);
  return fine ? CifarKind::cifar100 : CifarKind::cifar10;
}

}  // namespace ocellus::data

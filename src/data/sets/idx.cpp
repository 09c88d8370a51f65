#include <ocellus/data/sets/idx.h>

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include <ocellus/base/error.h>

#include "data/byte_source.h"
#include "data/sets/find.h"

namespace ocellus::data {
namespace {

uint32_t big_endian(const uint8_t* p) {
  return uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 | uint32_t{p[2]} << 8 | uint32_t{p[3]};
}

std::vector<std::string> numbered_classes(std::span<const int32_t> labels) {
  const int32_t last = labels.empty() ? -1 : *std::max_element(labels.begin(), labels.end());
  std::vector<std::string> names;
  for (int32_t i = 0; i <= last; ++i) names.push_back(std::to_string(i));
  return names;
}

}  // namespace

Tensor read_idx(const std::filesystem::path& path) {
  ByteSource file(path);
  std::array<uint8_t, 4> magic{};
  file.read_exactly(magic.data(), magic.size(), "the magic number");
  const uint32_t rank = magic[3];
  if (magic[0] != 0 || magic[1] != 0 || magic[2] != 8 || rank < 1 || rank > 4)
    throw FormatError(file.name(), "byte 0",
                      fmt::format("magic number 0x{:08x} is not that of IDX bytes (0x00000801 to 0x00000804)",
                                  big_endian(magic.data())));
  std::vector<int64_t> dims;
  uint64_t total = 1;
  for (uint32_t d = 0; d < rank; ++d) {
    std::array<uint8_t, 4> word{};
    const uint64_t at = file.position();
    file.read_exactly(word.data(), word.size(), "a dimension");
    dims.push_back(big_endian(word.data()));
    const auto dim = static_cast<uint64_t>(dims.back());
    if (dim != 0 && total > file.most() / dim)
      throw FormatError(file.name(), fmt::format("byte {}", at),
                        fmt::format("the header claims {} values or more, the file can't hold them", total * dim));
    total *= dim;
  }
  Tensor values(DType::u8, Shape(std::span<const int64_t>(dims)));
  file.read_exactly(values.data(), values.bytes(), fmt::format("{} values", values.shape().to_string()));
  if (!file.at_end())
    throw FormatError(file.name(), fmt::format("byte {}", file.position()),
                      fmt::format("there is more data than the {} values of the header", values.shape().to_string()));
  return values;
}

InMemory idx(const IdxFiles& files, const std::string& name) {
  Tensor images = read_idx(files.images);
  const Shape shape = images.shape();
  if (shape.rank() != 3 && shape.rank() != 4)
    throw FormatError(files.images.string(), "byte 0", fmt::format("{} are not images [N,H,W]", shape.to_string()));
  if (shape.rank() == 3) images = images.reshape({shape[0], 1, shape[1], shape[2]});
  const Tensor labels = read_idx(files.labels);
  if (labels.shape().rank() != 1)
    throw FormatError(files.labels.string(), "byte 0",
                      fmt::format("{} are not labels [N]", labels.shape().to_string()));
  if (labels.shape()[0] != shape[0])
    throw FormatError(files.labels.string(), fmt::format("{} labels do not match the {} images of {}",
                                                         labels.shape()[0], shape[0], files.images.string()));
  const Tensor targets = labels.to(DType::i32);
  return InMemory(
      {.inputs = images, .targets = targets, .classes = numbered_classes(targets.as<int32_t>()), .name = name});
}

std::optional<IdxFiles> find_idx(const std::filesystem::path& folder, Split split) {
  const auto file = [&](std::string_view what) -> std::filesystem::path {
    for (const auto& path : files_in(folder)) {
      const std::string name = path.filename().string();
      if (split_of_name(name) == split && name.find(what) != std::string::npos && name.find("idx") != std::string::npos)
        return path;
    }
    return {};
  };
  IdxFiles files{file("images"), file("labels")};
  if (files.images.empty() || files.labels.empty()) return std::nullopt;
  return files;
}

InMemory mnist(const std::filesystem::path& folder, Split split) {
  const auto files = find_idx(folder, split);
  if (!files) {
    const std::string_view stem = split == Split::train ? "train" : split == Split::test ? "t10k" : "val";
    throw IoError(folder.string(), fmt::format("holds no IDX files {0}-images-idx3-ubyte and {0}-labels-idx1-ubyte, "
                                               "plain or .gz",
                                               stem));
  }
  return idx(*files, fmt::format("mnist ({})", to_string(split)));
}

}  // namespace ocellus::data

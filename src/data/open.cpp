#include <ocellus/data/open.h>

#include <filesystem>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/data/sets/cifar.h>
#include <ocellus/data/sets/digits.h>
#include <ocellus/data/sets/idx.h>
#include <ocellus/data/sets/image_folder.h>

namespace ocellus::data {
namespace {

constexpr std::string_view builtin = "builtin:";

enum class Kind { digits, idx, cifar, images, none };

void check_builtin(const std::string& path) {
  if (path != "builtin:digits") throw UsageError(fmt::format("there is no '{}': try builtin:digits", path));
}

/// What kind of set lies at a path for a split.
Kind kind_of(const std::string& path, Split split) {
  if (path.starts_with(builtin)) {
    check_builtin(path);
    return split == Split::validation ? Kind::none : Kind::digits;
  }
  if (find_idx(path, split)) return Kind::idx;
  if (!find_cifar(path, split).empty()) return Kind::cifar;
  if (!find_image_folder(path, split).empty()) return Kind::images;
  return Kind::none;
}

std::string last_name(const std::string& path) {
  return (std::filesystem::path(path) / "").lexically_normal().parent_path().filename().string();
}

}  // namespace

AnyDataset open_dataset(const std::string& path, Split split) {
  switch (kind_of(path, split)) {
    case Kind::digits: return digits({.split = split});
    case Kind::idx: return idx(*find_idx(path, split), fmt::format("{} ({})", last_name(path), to_string(split)));
    case Kind::cifar: return cifar_kind(path) == CifarKind::cifar10 ? cifar10(path, split) : cifar100(path, split);
    case Kind::images: return ImageFolder(path, split);
    default: break;
  }
  if (path.starts_with(builtin))
    throw UsageError(fmt::format("{} has no {} part: train and test", path, to_string(split)));
  throw FormatError(path, fmt::format("no {} data found: looked for IDX files (train-images-idx3-ubyte, plain or .gz), "
                                      "CIFAR files (data_batch_1.bin) and class folders of images (<class>/*.jpg, "
                                      "also below train, val, test)",
                                      to_string(split)));
}

bool has_split(const std::string& path, Split split) { return kind_of(path, split) != Kind::none; }

}  // namespace ocellus::data

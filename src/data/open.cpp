#include <ocellus/data/open.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/data/sets/cifar.h>
#include <ocellus/data/sets/digits.h>
#include <ocellus/data/sets/idx.h>
#include <ocellus/data/sets/image_folder.h>
#include <ocellus/data/sets/yolo_folder.h>

#include "data/sets/find.h"

namespace ocellus::data {
namespace {

constexpr std::string_view builtin = "builtin:";

enum class Kind { digits, idx, cifar, boxes, images, none };

void check_builtin(const std::string& path) {
  if (path != "builtin:digits") throw UsageError(fmt::format("there is no '{}': try builtin:digits", path));
}

/// A folder of images and boxes is one for every split: its folders are no classes.
bool has_boxes(const std::string& path) {
  return std::ranges::any_of(std::array{Split::train, Split::validation, Split::test},
                             [&](Split split) { return !find_yolo_folder(path, split).empty(); });
}

/// What kind of set lies at a path for a split.
Kind kind_of(const std::string& path, Split split) {
  if (path.starts_with(builtin)) {
    check_builtin(path);
    return split == Split::validation ? Kind::none : Kind::digits;
  }
  if (find_idx(path, split)) return Kind::idx;
  if (!find_cifar(path, split).empty()) return Kind::cifar;
  if (has_boxes(path)) return find_yolo_folder(path, split).empty() ? Kind::none : Kind::boxes;
  if (!find_image_folder(path, split).empty()) return Kind::images;
  return Kind::none;
}

std::string last_name(const std::string& path) {
  return (std::filesystem::path(path) / "").lexically_normal().parent_path().filename().string();
}

/// Whether an image lies below the folder. The search is bounded, as the folder may be any: a home, say, or a whole disk.
bool any_image_below(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  constexpr int most = 100'000;
  std::error_code error;
  fs::recursive_directory_iterator it(
      folder, fs::directory_options::follow_directory_symlink | fs::directory_options::skip_permission_denied, error);
  for (int seen = 0; !error && it != fs::recursive_directory_iterator() && seen < most; it.increment(error), ++seen)
    if (is_image_extension(it->path().extension().string())) return true;
  return false;
}

/// Class folders without a single image are rather folders of something else: none of them is to blame.
bool looks_like_images(const std::string& path, Split split) {
  const auto classes = folders_in(find_image_folder(path, split));
  return classes.empty() || std::any_of(classes.begin(), classes.end(), any_image_below);
}

[[noreturn]] void nothing_found(const std::string& path, Split split) {
  throw FormatError(path, fmt::format("no {} data found; understood are IDX pairs (train-images-idx3-ubyte and "
                                      "train-labels-idx1-ubyte, t10k-... for test, plain or .gz), CIFAR binaries "
                                      "(data_batch_1.bin and test_batch.bin, or train.bin and test.bin), images with boxes "
                                      "(images/ and labels/) and class folders of images (<class>/*.jpg, also below "
                                      "train, val, test)",
                                      to_string(split)));
}

}  // namespace

AnyDataset open_dataset(const std::string& path, Split split) {
  switch (kind_of(path, split)) {
    case Kind::digits: return digits({.split = split});
    case Kind::idx: return idx(*find_idx(path, split), fmt::format("{} ({})", last_name(path), to_string(split)));
    case Kind::cifar: return cifar_kind(path) == CifarKind::cifar10 ? cifar10(path, split) : cifar100(path, split);
    case Kind::boxes: return YoloFolder(path, split);
    case Kind::images:
      if (!looks_like_images(path, split)) nothing_found(path, split);
      return ImageFolder(path, split);
    default: break;
  }
  if (path.starts_with(builtin))
    throw UsageError(fmt::format("{} has no {} part: train and test", path, to_string(split)));
  nothing_found(path, split);
}

bool has_split(const std::string& path, Split split) { return kind_of(path, split) != Kind::none; }

}  // namespace ocellus::data

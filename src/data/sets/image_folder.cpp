#include <ocellus/data/sets/image_folder.h>

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include <ocellus/base/error.h>

#include "data/sets/find.h"

namespace ocellus::data {
namespace {

namespace fs = std::filesystem;

std::vector<std::string_view> part_names(Split split) {
  switch (split) {
    case Split::train: return {"train"};
    case Split::validation: return {"val", "valid", "validation"};
    default: return {"test"};
  }
}

bool is_part_name(std::string_view name) {
  for (const Split split : {Split::train, Split::validation, Split::test})
    for (const std::string_view part : part_names(split))
      if (name == part) return true;
  return false;
}

/// All image files below a folder, sorted by path.
std::vector<fs::path> images_below(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const fs::path& path : files_in(folder))
    if (is_image_extension(path.extension().string())) found.push_back(path);
  for (const fs::path& inner : folders_in(folder)) {
    const auto more = images_below(inner);
    found.insert(found.end(), more.begin(), more.end());
  }
  std::sort(found.begin(), found.end());
  return found;
}

fs::path part_or_throw(const fs::path& folder, Split split) {
  fs::path part = find_image_folder(folder, split);
  if (part.empty())
    throw IoError(folder.string(), fmt::format("holds no folder '{}' of class folders", part_names(split).front()));
  return part;
}

}  // namespace

struct ImageFolder::Listing {
  fs::path folder;
  DecodeConfig decode;
  std::vector<std::string> classes;
  std::vector<std::pair<fs::path, int32_t>> files;
};

ImageFolder::ImageFolder(const fs::path& folder, const ImageFolderConfig& config) {
  auto listing = std::make_shared<Listing>();
  listing->folder = folder;
  listing->decode = config.decode;
  for (const fs::path& of_class : folders_in(folder)) {
    const auto label = static_cast<int32_t>(listing->classes.size());
    listing->classes.push_back(of_class.filename().string());
    const auto images = images_below(of_class);
    if (images.empty()) throw FormatError(of_class.string(), "the class folder holds no images");
    for (const fs::path& image : images) listing->files.emplace_back(image, label);
  }
  if (listing->classes.empty())
    throw FormatError(folder.string(), "the folder holds no class folders: expected <class>/<image>.jpg or .png");
  listing_ = std::move(listing);
}

ImageFolder::ImageFolder(const fs::path& folder, Split split, const ImageFolderConfig& config)
    : ImageFolder(part_or_throw(folder, split), config) {}

int64_t ImageFolder::size() const { return static_cast<int64_t>(listing_->files.size()); }

Sample ImageFolder::get(int64_t i, Rng&) const {
  const auto& [path, label] = listing_->files.at(static_cast<size_t>(i));
  Tensor target(DType::i32, {});
  target.as<int32_t>()[0] = label;
  return {to_tensor(load_image(path, listing_->decode)), target};
}

std::string ImageFolder::name() const {
  const fs::path clean = (listing_->folder / "").lexically_normal().parent_path();
  std::string last = clean.filename().string();
  if (!is_part_name(last) || !clean.has_parent_path()) return last;
  return fmt::format("{} ({})", clean.parent_path().filename().string(), last);
}

std::vector<std::string> ImageFolder::class_names() const { return listing_->classes; }

std::string ImageFolder::where(int64_t i) const { return path(i).string(); }

const fs::path& ImageFolder::path(int64_t i) const { return listing_->files.at(static_cast<size_t>(i)).first; }

fs::path find_image_folder(const fs::path& folder, Split split) {
  const auto inner = folders_in(folder);
  bool has_parts = false;
  for (const fs::path& path : inner) has_parts = has_parts || is_part_name(path.filename().string());
  if (!has_parts) return split == Split::train && !inner.empty() ? folder : fs::path();
  for (const std::string_view name : part_names(split))
    for (const fs::path& path : inner)
      if (path.filename() == name) return path;
  return {};
}

}  // namespace ocellus::data

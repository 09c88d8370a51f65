#include <ocellus/data/sets/yolo_folder.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/base/file.h>

#include "data/sets/find.h"

namespace ocellus::data {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t most_bytes = uint64_t{16} << 20;
constexpr float most_classes = 1 << 20, slack = 1e-3f;  // labels are rounded

/// labels/ or labels_boxes/, whichever is there.
fs::path labels_of(const fs::path& folder) {
  std::error_code error;
  for (const char* name : {"labels", "labels_boxes"})
    if (fs::is_directory(folder / name, error)) return folder / name;
  return {};
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<fs::path> lists;
  for (const fs::path& path : files_in(folder))
    if (path.extension() == ".names") lists.push_back(path);
  std::vector<std::string> names;
  if (lists.size() != 1) return names;
  std::istringstream text(read_file(lists[0], most_bytes));
  for (std::string line; std::getline(text, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty()) names.push_back(line);
  }
  return names;
}

/// The five numbers of a line.
void parse_line(std::string_view line, std::vector<float>& numbers, const auto& fail) {
  const size_t begin = numbers.size();
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    if (line.empty()) break;
    const size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    float value = 0;
    const auto [stop, error] = std::from_chars(line.data(), line.data() + end, value);
    if (error != std::errc() || stop != line.data() + end || !std::isfinite(value) || numbers.size() == begin + 5)
      fail("expected five numbers: class, centre and size of a box");
    numbers.push_back(value);
    line.remove_prefix(end);
  }
  if (numbers.size() == begin) return;
  if (numbers.size() != begin + 5) fail("expected five numbers: class, centre and size of a box");
  const float* box = numbers.data() + begin;
  if (box[0] < 0 || box[0] >= most_classes || box[0] != std::floor(box[0])) fail("its class is no number of a class");
  for (int k = 1; k < 5; ++k)
    if (box[k] < -slack || box[k] > 1 + slack) fail("centre and size must be fractions of the image, from 0 to 1");
}

}  // namespace

struct YoloFolder::Listing {
  std::string name;
  fs::path labels;
  std::vector<std::string> classes;
  std::vector<fs::path> images;
};

fs::path find_yolo_folder(const fs::path& folder, Split split) {
  std::error_code error;
  const fs::path images = folder / "images";
  if (!fs::is_directory(images, error) || labels_of(folder).empty()) return {};
  const auto parts = folders_in(images);
  if (parts.empty()) return split == Split::train ? images : fs::path();
  for (const fs::path& part : parts)
    if (split_of_name(part.filename().string()) == split) return part;
  return {};
}

YoloFolder::YoloFolder(const fs::path& folder, Split split) {
  const fs::path images = find_yolo_folder(folder, split);
  if (images.empty())
    throw IoError(folder.string(), fmt::format("holds no images/ and labels/ for {}", to_string(split)));
  auto listing = std::make_shared<Listing>();
  const bool parted = images.filename() != "images";
  listing->labels = parted ? labels_of(folder) / images.filename() : labels_of(folder);
  listing->name = fmt::format("{} ({})", (folder / "").lexically_normal().parent_path().filename().string(),
                              parted ? images.filename().string() : "all");
  listing->classes = names_in(folder);
  for (const fs::path& path : files_in(images))
    if (is_image_extension(path.extension().string())) listing->images.push_back(path);
  if (listing->images.empty()) throw FormatError(images.string(), "the folder holds no images");
  listing_ = std::move(listing);
}

int64_t YoloFolder::size() const { return static_cast<int64_t>(listing_->images.size()); }

const fs::path& YoloFolder::path(int64_t i) const { return listing_->images.at(static_cast<size_t>(i)); }

Tensor YoloFolder::boxes(int64_t i) const {
  fs::path file = listing_->labels / path(i).filename();
  file.replace_extension(".txt");
  std::vector<float> numbers;
  std::error_code error;
  if (fs::exists(file, error)) {
    std::istringstream text(read_file(file, most_bytes));
    int64_t at = 0;
    for (std::string line; std::getline(text, line);) {
      ++at;
      parse_line(line, numbers,
                 [&](std::string_view why) { throw FormatError(file.string(), fmt::format("line {}", at), why); });
    }
  }
  return Tensor::of(Shape{static_cast<int64_t>(numbers.size()) / 5, 5}, numbers);
}

Sample YoloFolder::get(int64_t i, Rng&) const { return {to_tensor(load_image(path(i), {.channels = 3})), boxes(i)}; }

std::string YoloFolder::name() const { return listing_->name; }

std::vector<std::string> YoloFolder::class_names() const { return listing_->classes; }

std::string YoloFolder::where(int64_t i) const { return path(i).string(); }

}  // namespace ocellus::data

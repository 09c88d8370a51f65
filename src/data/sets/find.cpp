#include "data/sets/find.h"

#include <algorithm>
#include <system_error>

#include <ocellus/base/error.h>

namespace ocellus::data {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> entries(const fs::path& folder, bool folders) {
  std::error_code error;
  if (!fs::exists(folder, error)) throw IoError(folder.string(), "does not exist");
  if (!fs::is_directory(folder, error)) throw IoError(folder.string(), "is a file, not a folder");
  std::vector<fs::path> found;
  fs::directory_iterator it(folder, error);
  if (error) throw IoError(folder.string(), "can't be listed", error.value());
  for (; it != fs::directory_iterator(); it.increment(error)) {
    const fs::path& path = it->path();
    if (path.filename().string().starts_with('.')) continue;
    if (folders ? it->is_directory(error) : it->is_regular_file(error)) found.push_back(path);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

std::vector<fs::path> files_in(const fs::path& folder) { return entries(folder, false); }

std::vector<fs::path> folders_in(const fs::path& folder) { return entries(folder, true); }

std::optional<Split> split_of_name(std::string_view name) {
  const auto has = [&](std::string_view part) { return name.find(part) != std::string_view::npos; };
  if (has("train")) return Split::train;
  if (has("test") || has("t10k")) return Split::test;
  if (has("val")) return Split::validation;
  return std::nullopt;
}

}  // namespace ocellus::data

// Looking for a data set's files in a folder.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include <ocellus/data/dataset.h>

namespace ocellus::data {

/// The files, or the folders, directly in `folder`, sorted by name, hidden ones left out. Throws IoError when the
/// folder is not there or can't be read.
std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder);
std::vector<std::filesystem::path> folders_in(const std::filesystem::path& folder);

/// The split that a file or folder name speaks of ("train", "val", "test" or "t10k" in it), if any.
std::optional<Split> split_of_name(std::string_view name);

}  // namespace ocellus::data

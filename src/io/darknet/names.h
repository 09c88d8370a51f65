// The names of a darknet network's classes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace ocellus::io::darknet {

/// The first `classes` lines of a file in the network's folder: `<stem>.names`, else what the only .data file there calls its
/// `names` (its folder is not followed), else the only .names or .list file. Empty when there is none of as many lines.
std::vector<std::string> class_names(const std::filesystem::path& network, int64_t classes);

}  // namespace ocellus::io::darknet

#include "io/darknet/names.h"

#include <optional>
#include <sstream>
#include <system_error>

#include <ocellus/base/file.h>

#include "io/darknet/cfg.h"

namespace ocellus::io::darknet {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t most_bytes = uint64_t{4} << 20;
constexpr int most_files = 10'000;

/// The only file of the folder with that ending, if there is one and no more.
fs::path only_file(const fs::path& folder, std::string_view ending) {
  std::error_code error;
  fs::path found;
  int seen = 0;
  for (fs::directory_iterator it(folder, error); !error && it != fs::directory_iterator(); it.increment(error)) {
    if (++seen > most_files) return {};
    if (it->path().extension() != ending) continue;
    if (!found.empty()) return {};
    found = it->path();
  }
  return found;
}

std::vector<std::string> lines_of(const fs::path& path) {
  std::error_code error;
  if (path.empty() || !fs::is_regular_file(path, error) || fs::file_size(path, error) > most_bytes || error) return {};
  std::istringstream text(read_file(path, most_bytes));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

/// The file that a .data file's `names = data/coco.names` means, beside it.
fs::path named_by(const fs::path& data) {
  for (const std::string& line : lines_of(data)) {
    std::string compact;
    for (const char c : line)
      if (c != ' ' && c != '\t') compact += c;
    if (compact.starts_with("names=")) return data.parent_path() / fs::path(compact.substr(6)).filename();
  }
  return {};
}

}  // namespace

std::vector<std::string> class_names(const fs::path& network, int64_t classes) {
  const fs::path folder = network.parent_path().empty() ? "." : network.parent_path();
  fs::path own = network;
  for (const fs::path& file : {own.replace_extension(".names"), named_by(only_file(folder, ".data")),
                               only_file(folder, ".names"), only_file(folder, ".list")}) {
    std::vector<std::string> lines = lines_of(file);
    if (static_cast<int64_t>(lines.size()) < classes) continue;
    lines.resize(static_cast<size_t>(classes));
    bool readable = true;
    for (const std::string& line : lines) readable = readable && is_utf8(line);
    if (readable) return lines;
  }
  return {};
}

}  // namespace ocellus::io::darknet

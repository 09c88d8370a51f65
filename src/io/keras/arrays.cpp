#include "io/keras/arrays.h"

#include <fstream>

#include <ocellus/base/file.h>

#include "io/keras/hdf5.h"

namespace ocellus::io::keras {
namespace {

/// "model_weights/conv1/conv1/kernel:0" as "conv1/kernel".
std::string short_name(const std::string& path) {
  std::string text = path.starts_with("model_weights/") ? path.substr(14) : path;
  if (const size_t colon = text.find_last_of(':'); colon != std::string::npos) text.resize(colon);
  const size_t first = text.find('/'), last = text.rfind('/');
  return first == std::string::npos ? text : text.substr(0, first) + text.substr(last);
}

void collect(const Hdf5Reader& file, const std::string& group, int depth,
             std::vector<std::pair<std::string, Tensor>>& arrays) {
  if (depth > 16) return;
  for (const std::string& name : file.children(group)) {
    const std::string path = group.empty() ? name : group + "/" + name;
    if (path == "optimizer_weights" || path == "optimizer") continue;
    if (file.is_group(path))
      collect(file, path, depth + 1, arrays);
    else
      arrays.emplace_back(short_name(path), file.tensor(path));
  }
}

}  // namespace

bool is_hdf5(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string head(8, '\0');
  file.read(head.data(), 8);
  return head == "\x89HDF\r\n\x1a\n";
}

std::vector<std::pair<std::string, Tensor>> read_arrays(const std::filesystem::path& path) {
  const MappedFile mapped(path);
  const Hdf5Reader file(mapped.bytes(), path.string());
  std::vector<std::pair<std::string, Tensor>> arrays;
  collect(file, "", 0, arrays);
  return arrays;
}

}  // namespace ocellus::io::keras

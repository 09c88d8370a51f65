#include <ocellus/io/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include <ocellus/base/error.h>

#include "format_table.h"

namespace ocellus::io {
namespace {

/// The first bytes of a file, by which formats tell themselves.
std::string head_of(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) throw IoError(path.string(), "is a folder, not a file");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw IoError(path.string(), "can't be opened", errno);
  std::string head(4096, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(file.gcount()));
  return head;
}

std::string known_endings(bool writable) {
  std::string text;
  for (const Format& format : formats()) {
    if (writable ? !format.write : !format.read) continue;
    for (std::string_view ending : format.endings) text += (text.empty() ? "" : ", ") + std::string(ending);
  }
  return text;
}

}  // namespace

std::vector<Format> formats() {
  std::vector<Format> all;
  for (Lister lister : formats_in_listers()) {
    const auto listed = lister();
    all.insert(all.end(), listed.begin(), listed.end());
  }
  std::ranges::sort(all, {}, &Format::name);
  return all;
}

Format format_of(const std::filesystem::path& path) {
  const std::string head = head_of(path);
  const auto all = formats();
  // An ending is what people mean by a file's format; only without one its bytes decide.
  for (const Format& format : all)
    if (std::ranges::count(format.endings, path.extension().string()) && format.recognises(head, path)) return format;
  for (const Format& format : all)
    if (format.recognises(head, path)) return format;
  throw FormatError(path.string(), "neither its name nor its content is that of a model file (" +
                    known_endings(false) + ")");
}

Model read_model(const std::filesystem::path& path) {
  const Format format = format_of(path);
  if (!format.read)
    throw Unsupported(path.string() + ": " + std::string(format.name) + " files can't be read as a model");
  return format.read(path);
}

void write_model(const Model& model, const std::filesystem::path& path) {
  for (const Format& format : formats())
    if (format.write && std::ranges::count(format.endings, path.extension().string())) return format.write(model, path);
  throw UsageError(path.string() + ": no format that can be written ends like this (" + known_endings(true) + ")");
}

FileContent inspect_model(const std::filesystem::path& path) {
  const Format format = format_of(path);
  if (!format.inspect) throw Unsupported(path.string() + ": " + std::string(format.name) + " files can't be listed");
  return format.inspect(path);
}

}  // namespace ocellus::io

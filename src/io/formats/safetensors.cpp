// Our own model file: safetensors with the architecture in its metadata.

#include <array>

#include <ocellus/io/format.h>
#include <ocellus/tensor/safetensors.h>

namespace ocellus::io {
namespace {

constexpr std::array<std::string_view, 1> endings = {".safetensors"};

/// The header is JSON behind eight bytes of length.
bool recognises(std::string_view head, const std::filesystem::path& path) {
  return path.extension() == endings[0] || (head.size() > 8 && head[8] == '{');
}

void write(const Model& model, const std::filesystem::path& path) { model.save(path); }

FileContent inspect(const std::filesystem::path& path) {
  const SafetensorsHeader header = inspect_safetensors(path);
  FileContent content;
  content.metadata.assign(header.metadata.begin(), header.metadata.end());
  for (const SafetensorsEntry& t : header.tensors)
    content.tensors.push_back({.name = t.name, .dtype = t.dtype, .shape = t.shape, .bytes = t.end - t.begin});
  return content;
}

constexpr std::array<Format, 1> entries = {{{.name = "safetensors",
                                             .description = "our own: architecture, weights, training state",
                                             .endings = endings,
                                             .recognises = recognises,
                                             .read = Model::load,
                                             .write = write,
                                             .inspect = inspect}}};

}  // namespace

std::span<const Format> formats_in_safetensors() { return entries; }

}  // namespace ocellus::io

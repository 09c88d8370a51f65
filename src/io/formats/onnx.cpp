// ONNX: the exchange format of most frameworks.

#include <array>

#include <ocellus/io/format.h>

#include "io/onnx/support/exporter.h"
#include "io/onnx/support/importer.h"
#include "io/onnx/support/listing.h"

namespace ocellus::io {
namespace {

constexpr std::array<std::string_view, 1> endings = {".onnx"};

/// A message of protocol buffers begins with a field's number: files begin with the version of the format, which is a small
/// number, and have the producer's name or the graph next.
bool recognises(std::string_view head, const std::filesystem::path& path) {
  return path.extension() == endings[0] || (head.size() > 2 && head[0] == 0x08 && head[1] > 0 && head[1] < 64 &&
                                            (head[2] == 0x12 || head[2] == 0x3a || head[2] == 0x42));
}

Model read(const std::filesystem::path& path) { return onnx_io::import_model(path); }

constexpr std::array<Format, 1> entries = {{{.name = "onnx",
                                             .description = "Open Neural Network Exchange: network and weights",
                                             .endings = endings,
                                             .recognises = recognises,
                                             .read = read,
                                             .write = onnx_io::export_model,
                                             .inspect = onnx_io::list_model}}};

}  // namespace

std::span<const Format> formats_in_onnx() { return entries; }

}  // namespace ocellus::io

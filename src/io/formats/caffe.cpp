// Caffe's networks, for reading.

#include <array>

#include <ocellus/io/format.h>

#include "io/caffe/net.h"

namespace ocellus::io {
namespace {

constexpr std::array<std::string_view, 2> endings = {".caffemodel", ".prototxt"};

/// Neither file says what it is.
bool recognises(std::string_view, const std::filesystem::path& path) {
  return path.extension() == endings[0] || path.extension() == endings[1];
}

constexpr std::array<Format, 1> entries = {{{.name = "caffe",
                                             .description = "Caffe: a network's text and its arrays, side by side",
                                             .endings = endings,
                                             .recognises = recognises,
                                             .read = caffe::read,
                                             .inspect = caffe::inspect}}};

}  // namespace

std::span<const Format> formats_in_caffe() { return entries; }

}  // namespace ocellus::io

// Keras's files: .keras, and .h5 of earlier versions.

#include <array>

#include <ocellus/io/format.h>

#include "io/keras/export.h"
#include "io/keras/file.h"

namespace ocellus::io {
namespace {

constexpr std::array<std::string_view, 1> archive_endings = {".keras"};
constexpr std::array<std::string_view, 2> hdf5_endings = {".h5", ".hdf5"};

/// A zip archive; others than Keras use those, too.
bool is_archive(std::string_view head, const std::filesystem::path& path) {
  return head.starts_with("PK\x03\x04") &&
         (path.extension() == archive_endings[0] || head.find("config.json") != head.npos);
}

bool is_hdf5(std::string_view head, const std::filesystem::path&) { return head.starts_with("\x89HDF\r\n\x1a\n"); }

constexpr std::array<Format, 2> entries = {{{.name = "keras",
                                             .description = "Keras 3: network and weights in a zip archive",
                                             .endings = archive_endings,
                                             .recognises = is_archive,
                                             .read = keras::read_archive,
                                             .write = keras::write_archive,
                                             .inspect = keras::inspect_archive},
                                            {.name = "keras-h5",
                                             .description = "Keras 1 and 2: network and weights in an HDF5 file",
                                             .endings = hdf5_endings,
                                             .recognises = is_hdf5,
                                             .read = keras::read_hdf5,
                                             .write = keras::write_hdf5,
                                             .inspect = keras::inspect_hdf5}}};

}  // namespace

std::span<const Format> formats_in_keras() { return entries; }

}  // namespace ocellus::io

// Caffe's networks: a .prototxt text and a .caffemodel file of arrays beside it.
#pragma once

#include <filesystem>

#include <ocellus/io/format.h>

namespace ocellus::io::caffe {

/// `path` is either of the two files; the other is the one of the same name, or the only one of its kind in the folder.
Model read(const std::filesystem::path& path);
FileContent inspect(const std::filesystem::path& path);

}  // namespace ocellus::io::caffe

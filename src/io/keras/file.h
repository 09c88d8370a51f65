// Files of Keras: .keras and .h5.
#pragma once

#include <filesystem>

#include <ocellus/io/format.h>

namespace ocellus::io::keras {

Model read_archive(const std::filesystem::path& path);  ///< .keras
Model read_hdf5(const std::filesystem::path& path);     ///< .h5, .hdf5, whole models
FileContent inspect_archive(const std::filesystem::path& path);
FileContent inspect_hdf5(const std::filesystem::path& path);

}  // namespace ocellus::io::keras

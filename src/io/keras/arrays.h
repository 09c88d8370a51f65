// All arrays of an HDF5 file under short names.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <ocellus/tensor/tensor.h>

namespace ocellus::io::keras {

/// True for an HDF5 file, by its first bytes.
bool is_hdf5(const std::filesystem::path& path);
/// Arrays called "layer/kernel" after their layer and what they are, whatever groups they lie in; f32.
std::vector<std::pair<std::string, Tensor>> read_arrays(const std::filesystem::path& path);

}  // namespace ocellus::io::keras

// From a model of ours to files of Keras.
#pragma once

#include <filesystem>

#include <ocellus/model/model.h>

namespace ocellus::io::keras {

/// Write a model for inference and further training. Throw Unsupported listing every operator that Keras has no layer for.
void write_archive(const Model& model, const std::filesystem::path& path);  ///< .keras
void write_hdf5(const Model& model, const std::filesystem::path& path);     ///< .h5

}  // namespace ocellus::io::keras

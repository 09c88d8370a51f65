// The model file: one .safetensors with everything (docs: see file.cpp).
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <ocellus/tensor/safetensors.h>

#include "model/state.h"

namespace ocellus {

/// Writes a model; `training` is the state of its run as JSON, or "".
void write_model(const Model::State& state, const std::filesystem::path& path, const std::string& training);
std::shared_ptr<Model::State> read_model(const std::filesystem::path& path);

/// Sets parameters and optimiser state from a file's tensors. Throws FormatError naming the tensor.
void restore_weights(Model::State& state, const SafetensorsFile& file, const std::string& source);
void restore_optimizer(Model::State& state, const SafetensorsFile& file, const std::string& source);
/// Checks format and version; throws FormatError, Unsupported.
void check_format(const SafetensorsFile& file, const std::string& source);

}  // namespace ocellus

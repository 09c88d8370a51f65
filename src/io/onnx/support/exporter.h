// From a model to an ONNX file.
#pragma once

#include <filesystem>

#include <ocellus/model/model.h>

namespace ocellus::io::onnx_io {

/// Writes the model as it predicts, atomically, with weights as initialisers and an open batch called N. Throws one Unsupported
/// that lists all operators without a counterpart.
void export_model(const Model& model, const std::filesystem::path& path);

}  // namespace ocellus::io::onnx_io

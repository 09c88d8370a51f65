// From an ONNX file to a model.
#pragma once

#include <filesystem>

#include <ocellus/model/model.h>

namespace ocellus::io::onnx_io {

/// Reads a model. Throws FormatError naming the node for a damaged file, and one Unsupported that lists every node that has
/// no counterpart here.
Model import_model(const std::filesystem::path& path);

}  // namespace ocellus::io::onnx_io

// From an ONNX file to a model.
#pragma once

#include <filesystem>

#include <span>

#include <ocellus/model/model.h>

namespace ocellus::io::onnx_io {

/// Reads a model. Throws FormatError naming the node for a damaged file, and one Unsupported that lists every node that has
/// no counterpart here.
Model import_model(const std::filesystem::path& path);

/// The same for inputs that are known beforehand, one tensor each, to the letter of the file: where one of them decides a
/// shape, the model is that of this shape.
Model import_model(const std::filesystem::path& path, std::span<const Tensor> samples);

}  // namespace ocellus::io::onnx_io

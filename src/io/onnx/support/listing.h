// What an ONNX file holds, without building the network.
#pragma once

#include <ocellus/io/format.h>

namespace ocellus::io::onnx_io {

/// Nodes with their attributes, initialisers, inputs and outputs. Throws FormatError.
FileContent list_model(const std::filesystem::path& path);

}  // namespace ocellus::io::onnx_io

// The table of ONNX operators, generated from the files of src/io/onnx.
#pragma once

#include <span>

#include "io/onnx/support/node.h"

namespace ocellus::io::onnx_io {

using Lister = std::span<const OperatorEntry> (*)();
std::span<const Lister> operators_in_listers();

}  // namespace ocellus::io::onnx_io

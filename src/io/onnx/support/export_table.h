// The table of our operators that can be written, generated from the files of src/io/onnx/export.
#pragma once

#include <span>

#include "io/onnx/support/writer.h"

namespace ocellus::io::onnx_io {

using Lister = std::span<const ExportEntry> (*)();
std::span<const Lister> exported_in_listers();

}  // namespace ocellus::io::onnx_io

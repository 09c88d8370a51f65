// NumPy's .npy files: one array each.
#pragma once

#include <filesystem>

#include <ocellus/base/export.h>
#include <ocellus/tensor/tensor.h>

namespace ocellus {

/// Reads a .npy file of version 1 or 2 holding f16, f32, f64, i32, i64, i8, u8 or bool in little-endian order; Fortran
/// order is converted to row-major. Throws FormatError with the byte for a damaged file, Unsupported for another
/// element type.
OCELLUS_API Tensor read_npy(const std::filesystem::path& path);

/// Writes a .npy file of version 1.0, atomically; throws Unsupported for bf16, which NumPy doesn't have.
OCELLUS_API void write_npy(const std::filesystem::path& path, const Tensor& tensor);

}  // namespace ocellus

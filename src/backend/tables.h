// The generated tables of kernels, one row a file.
#pragma once

#include <span>

#include "engine/kernel.h"

namespace ocellus {

using KernelLister = std::span<const KernelEntry> (*)();
std::span<const KernelLister> onednn_kernels_in_listers();
std::span<const KernelLister> simd_kernels_in_listers();

}  // namespace ocellus

// The vector loops of preprocessing, dispatched at run time to the machine's instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ocellus::data {

/// out[i] = in[i] * scale + offset.
void affine(const uint8_t* in, float* out, size_t count, float scale, float offset);
void affine(const float* in, float* out, size_t count, float scale, float offset);

}  // namespace ocellus::data

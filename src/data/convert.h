// The inner parts of preprocessing: vector loops, dispatched at run time to the machine's instruction set, and the
// conversion of a sample whose output shape the caller knows already.
#pragma once

#include <cstddef>
#include <cstdint>

#include <ocellus/data/preprocess.h>

namespace ocellus::data {

/// out[i] = in[i] * scale + offset.
void affine(const uint8_t* in, float* out, size_t count, float scale, float offset);
void affine(const float* in, float* out, size_t count, float scale, float offset);

/// `apply` for many samples of one shape: `shape` is what `output_shape` gave for it.
void apply_shaped(const Preprocess& preprocess, const Shape& shape, const Tensor& sample, float* out);

}  // namespace ocellus::data

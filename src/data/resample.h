// Resizing by the rules of Pillow and PyTorch.
#pragma once

#include <cstdint>

#include <ocellus/data/image.h>

namespace ocellus::data {

/// Sizes of a picture with its channels innermost.
struct Extents {
  int height = 0, width = 0, channels = 1;
};

/// Resizes `in` to `out` by a rule that is not OpenCV's; both have the same number of channels.
void resample(const Extents& from, const uint8_t* in, const Extents& to, uint8_t* out, Interpolation rule);
void resample(const Extents& from, const float* in, const Extents& to, float* out, Interpolation rule);

}  // namespace ocellus::data

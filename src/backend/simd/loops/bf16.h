// Between bf16, as its bits, and f32.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ocellus::simd {

void widen(const uint16_t* x, float* y, size_t n);
/// To the nearest, ties to the even one; NaN stays NaN.
void narrow(const float* x, uint16_t* y, size_t n);

}  // namespace ocellus::simd

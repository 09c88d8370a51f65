// Vectorised exponential.
#pragma once

#include <cstddef>

namespace ocellus::simd {

/// x = exp(x) in place; relative error below 1e-7 (2 ulp) for x <= 0.
void exponential(float* x, size_t n);

}  // namespace ocellus::simd

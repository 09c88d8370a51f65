// Vector loops of leaky relu with a learned slope.
#pragma once

#include <cstddef>

namespace ocellus::simd {

/// y = x for x > 0, slope x below.
void prelu(float slope, const float* x, float* y, size_t n);
/// dx = dy for x > 0, slope dy below; returns the sum of dy x over the elements that are not above 0.
double prelu_backward(float slope, const float* dy, const float* x, float* dx, size_t n);

}  // namespace ocellus::simd

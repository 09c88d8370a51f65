// Max pooling with windows of 2x2 and stride 2 over planes whose sides are even.
#pragma once

#include <cstdint>

namespace ocellus::simd {

struct HalvedPlane {
  int64_t out_h = 0, out_w = 0;  ///< the input has twice of both
};

/// y and, unless `positions` is null, where in its plane each maximum was found; ties go to the first.
void max_pool_2x2(const HalvedPlane& p, const float* x, float* y, int32_t* positions);
/// dx: dy at the positions, zero elsewhere.
void max_pool_2x2_backward(const HalvedPlane& p, const float* dy, const int32_t* positions, float* dx);

}  // namespace ocellus::simd

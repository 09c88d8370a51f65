#include "backend/simd/loops/prelu.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/simd/loops/prelu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "backend/simd/loops/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ocellus::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void prelu(float slope, const float* x, float* y, size_t n) {
  for_vectors(0, n, [&](auto d, size_t i) HWY_ATTR {
    const auto v = hn::LoadU(d, x + i);
    hn::StoreU(hn::IfThenElse(hn::Gt(v, hn::Zero(d)), v, hn::Mul(v, hn::Set(d, slope))), d, y + i);
  });
}

double prelu_backward(float slope, const float* dy, const float* x, float* dx, size_t n) {
  return sum_vectors(n, [&](auto d, size_t i) HWY_ATTR {
    const auto g = hn::LoadU(d, dy + i), v = hn::LoadU(d, x + i);
    const auto above = hn::Gt(v, hn::Zero(d));
    hn::StoreU(hn::IfThenElse(above, g, hn::Mul(g, hn::Set(d, slope))), d, dx + i);
    return hn::IfThenZeroElse(above, hn::Mul(g, v));
  });
}

}  // namespace ocellus::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ocellus::simd {

HWY_EXPORT(prelu);
HWY_EXPORT(prelu_backward);

void prelu(float slope, const float* x, float* y, size_t n) { HWY_DYNAMIC_DISPATCH(prelu)(slope, x, y, n); }
double prelu_backward(float slope, const float* dy, const float* x, float* dx, size_t n) {
  return HWY_DYNAMIC_DISPATCH(prelu_backward)(slope, dy, x, dx, n);
}

}  // namespace ocellus::simd
#endif

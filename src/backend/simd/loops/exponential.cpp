#include "backend/simd/loops/exponential.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/simd/loops/exponential.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h, once per target.
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace ocellus::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void exponential(float* x, size_t n) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) hn::StoreU(hn::Exp(d, hn::LoadU(d, x + i)), d, x + i);
  for (; i < n; ++i) hn::StoreU(hn::Exp(one, hn::LoadU(one, x + i)), one, x + i);
}

}  // namespace ocellus::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ocellus::simd {

HWY_EXPORT(exponential);
void exponential(float* x, size_t n) { HWY_DYNAMIC_DISPATCH(exponential)(x, n); }

}  // namespace ocellus::simd
#endif

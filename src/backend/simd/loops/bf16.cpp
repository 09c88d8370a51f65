#include "backend/simd/loops/bf16.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/simd/loops/bf16.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "backend/simd/loops/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ocellus::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void widen(const uint16_t* x, float* y, size_t n) {
  for_vectors(0, n, [&](auto d, size_t i) HWY_ATTR {
    const hn::Rebind<uint32_t, decltype(d)> d32;
    const hn::Rebind<uint16_t, decltype(d)> d16;
    hn::StoreU(hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d32, hn::LoadU(d16, x + i)))), d, y + i);
  });
}

void narrow(const float* x, uint16_t* y, size_t n) {
  for_vectors(0, n, [&](auto d, size_t i) HWY_ATTR {
    const hn::Rebind<uint32_t, decltype(d)> d32;
    const hn::Rebind<int32_t, decltype(d)> signed32;
    const hn::Rebind<uint16_t, decltype(d)> d16;
    const auto value = hn::LoadU(d, x + i);
    const auto bits = hn::BitCast(d32, value);
    // Half of the last place that stays, or just less where that place is even.
    const auto even = hn::And(hn::ShiftRight<16>(bits), hn::Set(d32, 1));
    const auto nearest = hn::Add(bits, hn::Add(even, hn::Set(d32, 0x7FFF)));
    const auto quiet = hn::Or(bits, hn::Set(d32, 0x400000));
    const auto rounded = hn::IfThenElse(hn::RebindMask(d32, hn::IsNaN(value)), quiet, nearest);
    hn::StoreU(hn::DemoteTo(d16, hn::BitCast(signed32, hn::ShiftRight<16>(rounded))), d16, y + i);
  });
}

}  // namespace ocellus::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ocellus::simd {

HWY_EXPORT(widen);
HWY_EXPORT(narrow);

void widen(const uint16_t* x, float* y, size_t n) { HWY_DYNAMIC_DISPATCH(widen)(x, y, n); }
void narrow(const float* x, uint16_t* y, size_t n) { HWY_DYNAMIC_DISPATCH(narrow)(x, y, n); }

}  // namespace ocellus::simd
#endif

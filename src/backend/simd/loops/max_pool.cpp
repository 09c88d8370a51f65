#include "backend/simd/loops/max_pool.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/simd/loops/max_pool.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h, once per target.
#include "backend/simd/loops/cover-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ocellus::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void max_pool_2x2(const HalvedPlane& p, const float* x, float* y, int32_t* positions) {
  const int64_t row = 2 * p.out_w;
  for (int64_t oy = 0; oy < p.out_h; ++oy) {
    const float* upper = x + 2 * oy * row;
    cover(p.out_w, [&](auto d, int64_t ox) HWY_ATTR {
      const hn::RebindToSigned<decltype(d)> di;
      auto a = hn::Zero(d), b = a, c = a, e = a;
      hn::LoadInterleaved2(d, upper + 2 * ox, a, b);
      hn::LoadInterleaved2(d, upper + row + 2 * ox, c, e);
      const auto up = hn::Max(a, b), low = hn::Max(c, e);
      const int64_t out = oy * p.out_w + ox;
      hn::StoreU(hn::Max(up, low), d, y + out);
      if (positions == nullptr) return;
      const auto first = hn::Add(hn::Set(di, static_cast<int32_t>(2 * oy * row + 2 * ox)),
                                 hn::ShiftLeft<1>(hn::Iota(di, 0)));
      const auto one = hn::Set(di, 1), below = hn::Set(di, static_cast<int32_t>(row));
      const auto right_up = hn::IfThenElseZero(hn::RebindMask(di, hn::Gt(b, a)), one);
      const auto right_low = hn::Add(hn::IfThenElseZero(hn::RebindMask(di, hn::Gt(e, c)), one), below);
      const auto lower = hn::RebindMask(di, hn::Gt(low, up));
      hn::StoreU(hn::Add(first, hn::IfThenElse(lower, right_low, right_up)), di, positions + out);
    });
  }
}

void max_pool_2x2_backward(const HalvedPlane& p, const float* dy, const int32_t* positions, float* dx) {
  const int64_t row = 2 * p.out_w;
  for (int64_t oy = 0; oy < p.out_h; ++oy) {
    float* upper = dx + 2 * oy * row;
    cover(p.out_w, [&](auto d, int64_t ox) HWY_ATTR {
      const hn::RebindToSigned<decltype(d)> di;
      const int64_t out = oy * p.out_w + ox;
      const auto g = hn::LoadU(d, dy + out);
      const auto at = hn::LoadU(di, positions + out);
      const auto first = hn::Add(hn::Set(di, static_cast<int32_t>(2 * oy * row + 2 * ox)),
                                 hn::ShiftLeft<1>(hn::Iota(di, 0)));
      const auto part = [&](int64_t offset) HWY_ATTR {
        const auto here = hn::Eq(at, hn::Add(first, hn::Set(di, static_cast<int32_t>(offset))));
        return hn::IfThenElseZero(hn::RebindMask(d, here), g);
      };
      hn::StoreInterleaved2(part(0), part(1), d, upper + 2 * ox);
      hn::StoreInterleaved2(part(row), part(row + 1), d, upper + row + 2 * ox);
    });
  }
}

}  // namespace ocellus::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ocellus::simd {

HWY_EXPORT(max_pool_2x2);
HWY_EXPORT(max_pool_2x2_backward);

void max_pool_2x2(const HalvedPlane& p, const float* x, float* y, int32_t* positions) {
  HWY_DYNAMIC_DISPATCH(max_pool_2x2)(p, x, y, positions);
}
void max_pool_2x2_backward(const HalvedPlane& p, const float* dy, const int32_t* positions, float* dx) {
  HWY_DYNAMIC_DISPATCH(max_pool_2x2_backward)(p, dy, positions, dx);
}

}  // namespace ocellus::simd
#endif

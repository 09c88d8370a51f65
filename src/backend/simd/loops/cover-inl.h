// Rows as vectors. Included once per instruction set, inside HWY_BEFORE_NAMESPACE.
#if defined(OCELLUS_COVER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCELLUS_COVER_INL_H_
#undef OCELLUS_COVER_INL_H_
#else
#define OCELLUS_COVER_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ocellus::simd::HWY_NAMESPACE {

/// Calls `f(tag, x)` for vectors that cover [0, width): the widest that fit, the last one overlapping the one before it. Results
/// may be written twice, with the same values, so source and destination must not be the same row.
template <class F>
HWY_INLINE void cover(int64_t width, const F& f) {
  namespace hn = hwy::HWY_NAMESPACE;
  const auto with = [&](auto tag) HWY_ATTR {
    const auto lanes = static_cast<int64_t>(hn::Lanes(tag));
    int64_t x = 0;
    for (; x + lanes <= width; x += lanes) f(tag, x);
    if (x < width) f(tag, width - lanes);
  };
  if (width >= static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>())))
    with(hn::ScalableTag<float>());
  else if (width >= 8)
    with(hn::CappedTag<float, 8>());
  else if (width >= 4)
    with(hn::CappedTag<float, 4>());
  else
    with(hn::CappedTag<float, 1>());
}

}  // namespace ocellus::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

// Flat arrays as vectors. Included once per instruction set.
#if defined(OCELLUS_VECTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCELLUS_VECTORS_INL_H_
#undef OCELLUS_VECTORS_INL_H_
#else
#define OCELLUS_VECTORS_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ocellus::simd::HWY_NAMESPACE {

/// Calls `f(tag, i)` for vectors of f32 that cover [begin, end) in order, the last few elements one at a time: each
/// element once, so source and destination may be the same array.
template <class F>
HWY_INLINE void for_vectors(size_t begin, size_t end, const F& f) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> wide;
  size_t i = begin;
  for (; i + hn::Lanes(wide) <= end; i += hn::Lanes(wide)) f(wide, i);
  for (; i < end; ++i) f(hn::CappedTag<float, 1>(), i);
}

/// The sum of `f(tag, i)` over [0, n), once for each element as above: in f32 within pieces of a few thousand
/// elements, in double over these. Four sums run side by side, since one would wait for every addition.
template <class F>
HWY_INLINE double sum_vectors(size_t n, const F& f) {
  namespace hn = hwy::HWY_NAMESPACE;
  constexpr size_t piece = 8192;
  const hn::ScalableTag<float> wide;
  const size_t lanes = hn::Lanes(wide);
  double total = 0;
  for (size_t begin = 0; begin < n; begin += piece) {
    const size_t end = begin + piece < n ? begin + piece : n;
    auto a = hn::Zero(wide), b = a, c = a, d = a;
    size_t i = begin;
    for (; i + 4 * lanes <= end; i += 4 * lanes) {
      a = hn::Add(a, f(wide, i));
      b = hn::Add(b, f(wide, i + lanes));
      c = hn::Add(c, f(wide, i + 2 * lanes));
      d = hn::Add(d, f(wide, i + 3 * lanes));
    }
    for (; i + lanes <= end; i += lanes) a = hn::Add(a, f(wide, i));
    float sum = hn::GetLane(hn::SumOfLanes(wide, hn::Add(hn::Add(a, b), hn::Add(c, d))));
    for (; i < end; ++i) sum += hn::GetLane(f(hn::CappedTag<float, 1>(), i));
    total += double(sum);
  }
  return total;
}

}  // namespace ocellus::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

#include "backend/simd/loops/sample_norm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/simd/loops/sample_norm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "backend/simd/loops/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ocellus::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// What an array holds at i, or what it stands for where there is none.
template <class D>
HWY_INLINE hn::Vec<D> load_or(D d, const float* array, size_t i, float otherwise) {
  return array ? hn::LoadU(d, array + i) : hn::Set(d, otherwise);
}

RunMoments run_moments(const float* x, size_t n) {
  const auto m = static_cast<double>(n);
  RunMoments moments;
  moments.mean = static_cast<float>(sum_vectors(n, [&](auto d, size_t i) HWY_ATTR { return hn::LoadU(d, x + i); }) / m);
  const double squares = sum_vectors(n, [&](auto d, size_t i) HWY_ATTR {
    const auto off = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, moments.mean));
    return hn::Mul(off, off);
  });
  moments.variance = squares / m;
  return moments;
}

void normalise_run(float mean, float factor, float shift, const float* x, float* y, size_t n) {
  for_vectors(0, n, [&](auto d, size_t i) HWY_ATTR {
    const auto off = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean));
    hn::StoreU(hn::MulAdd(off, hn::Set(d, factor), hn::Set(d, shift)), d, y + i);
  });
}

void normalise_each(float mean, float factor, const float* scale, const float* shift, const float* x, float* y,
                    size_t n) {
  for_vectors(0, n, [&](auto d, size_t i) HWY_ATTR {
    const auto normal = hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean)), hn::Set(d, factor));
    hn::StoreU(hn::MulAdd(normal, load_or(d, scale, i, 1), load_or(d, shift, i, 0)), d, y + i);
  });
}

RunSums run_sums(float mean, const float* scale, const float* dy, const float* x, size_t n) {
  const auto arriving = [&](auto d, size_t i)
                            HWY_ATTR { return hn::Mul(hn::LoadU(d, dy + i), load_or(d, scale, i, 1)); };
  RunSums sums;
  sums.sum = sum_vectors(n, arriving);
  sums.product = sum_vectors(n, [&](auto d, size_t i) HWY_ATTR {
    return hn::Mul(arriving(d, i), hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean)));
  });
  return sums;
}

void run_backward(float mean, RunSlope slope, const float* scale, const float* dy, const float* x, float* dx,
                  size_t n) {
  for_vectors(0, n, [&](auto d, size_t i) HWY_ATTR {
    const auto g = hn::Mul(hn::LoadU(d, dy + i), load_or(d, scale, i, 1));
    const auto off = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean));
    const auto rest = hn::MulAdd(off, hn::Set(d, slope.b), hn::Set(d, slope.c));
    hn::StoreU(hn::MulAdd(g, hn::Set(d, slope.a), rest), d, dx + i);
  });
}

void accumulate_each(float mean, float factor, const float* dy, const float* x, float* dscale, float* dshift,
                     size_t n) {
  for_vectors(0, n, [&](auto d, size_t i) HWY_ATTR {
    const auto g = hn::LoadU(d, dy + i);
    if (dshift) hn::StoreU(hn::Add(hn::LoadU(d, dshift + i), g), d, dshift + i);
    if (!dscale) return;
    const auto normal = hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean)), hn::Set(d, factor));
    hn::StoreU(hn::MulAdd(g, normal, hn::LoadU(d, dscale + i)), d, dscale + i);
  });
}

}  // namespace ocellus::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ocellus::simd {

HWY_EXPORT(run_moments);
HWY_EXPORT(normalise_run);
HWY_EXPORT(normalise_each);
HWY_EXPORT(run_sums);
HWY_EXPORT(run_backward);
HWY_EXPORT(accumulate_each);

RunMoments run_moments(const float* x, size_t n) { return HWY_DYNAMIC_DISPATCH(run_moments)(x, n); }
void normalise_run(float mean, float factor, float shift, const float* x, float* y, size_t n) {
  HWY_DYNAMIC_DISPATCH(normalise_run)(mean, factor, shift, x, y, n);
}
void normalise_each(float mean, float factor, const float* scale, const float* shift, const float* x, float* y,
                    size_t n) {
  HWY_DYNAMIC_DISPATCH(normalise_each)(mean, factor, scale, shift, x, y, n);
}
RunSums run_sums(float mean, const float* scale, const float* dy, const float* x, size_t n) {
  return HWY_DYNAMIC_DISPATCH(run_sums)(mean, scale, dy, x, n);
}
void run_backward(float mean, RunSlope slope, const float* scale, const float* dy, const float* x, float* dx,
                  size_t n) {
  HWY_DYNAMIC_DISPATCH(run_backward)(mean, slope, scale, dy, x, dx, n);
}
void accumulate_each(float mean, float factor, const float* dy, const float* x, float* dscale, float* dshift,
                     size_t n) {
  HWY_DYNAMIC_DISPATCH(accumulate_each)(mean, factor, dy, x, dscale, dshift, n);
}

}  // namespace ocellus::simd
#endif

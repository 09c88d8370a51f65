#include "backend/simd/loops/sample_norm.h"

#include <algorithm>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/simd/loops/sample_norm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ocellus::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::ScalableTag<float>;
using Vec = hn::Vec<Tag>;

/// f(tag, i) for vectors that cover [begin, end), the last few elements one at a time.
template <class F>
HWY_INLINE void for_vectors(size_t begin, size_t end, const F& f) {
  const Tag d;
  size_t i = begin;
  for (; i + hn::Lanes(d) <= end; i += hn::Lanes(d)) f(d, i);
  for (; i < end; ++i) f(hn::CappedTag<float, 1>(), i);
}

/// A sum of vectors, and of single elements.
struct Sum {
  HWY_INLINE Sum() : wide(hn::Zero(Tag())) {}
  template <class D>
  HWY_INLINE void add(D, hn::Vec<D> v) {
    if constexpr (std::is_same_v<D, Tag>)
      wide = hn::Add(wide, v);
    else
      rest += hn::GetLane(v);
  }
  HWY_INLINE double total() const { return double(hn::GetLane(hn::SumOfLanes(Tag(), wide))) + rest; }
  Vec wide;
  float rest = 0;
};

/// f(begin, end) for pieces that are short enough to be summed in f32.
template <class F>
HWY_INLINE void for_pieces(size_t n, const F& f) {
  constexpr size_t piece = 4096;
  for (size_t begin = 0; begin < n; begin += piece) f(begin, std::min(n, begin + piece));
}

/// What an array holds at i, or what it stands for where there is none.
template <class D>
HWY_INLINE hn::Vec<D> load_or(D d, const float* array, size_t i, float otherwise) {
  return array ? hn::LoadU(d, array + i) : hn::Set(d, otherwise);
}

double run_sum(const float* x, size_t n) {
  double total = 0;
  for_pieces(n, [&](size_t begin, size_t end) HWY_ATTR {
    Sum sum;
    for_vectors(begin, end, [&](auto d, size_t i) HWY_ATTR { sum.add(d, hn::LoadU(d, x + i)); });
    total += sum.total();
  });
  return total;
}

double run_squares(const float* x, float center, size_t n) {
  double total = 0;
  for_pieces(n, [&](size_t begin, size_t end) HWY_ATTR {
    Sum sum;
    for_vectors(begin, end, [&](auto d, size_t i) HWY_ATTR {
      const auto off = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, center));
      sum.add(d, hn::Mul(off, off));
    });
    total += sum.total();
  });
  return total;
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
  RunSums sums;
  for_pieces(n, [&](size_t begin, size_t end) HWY_ATTR {
    Sum sum, product;
    for_vectors(begin, end, [&](auto d, size_t i) HWY_ATTR {
      const auto g = hn::Mul(hn::LoadU(d, dy + i), load_or(d, scale, i, 1));
      sum.add(d, g);
      product.add(d, hn::Mul(g, hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean))));
    });
    sums.sum += sum.total();
    sums.product += product.total();
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

HWY_EXPORT(run_sum);
HWY_EXPORT(run_squares);
HWY_EXPORT(normalise_run);
HWY_EXPORT(normalise_each);
HWY_EXPORT(run_sums);
HWY_EXPORT(run_backward);
HWY_EXPORT(accumulate_each);

double run_sum(const float* x, size_t n) { return HWY_DYNAMIC_DISPATCH(run_sum)(x, n); }
double run_squares(const float* x, float center, size_t n) { return HWY_DYNAMIC_DISPATCH(run_squares)(x, center, n); }
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

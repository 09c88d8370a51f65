#include "backend/simd/loops/prelu.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/simd/loops/prelu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ocellus::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::ScalableTag<float>;

void prelu(float slope, const float* x, float* y, size_t n) {
  const auto piece = [&](auto d, size_t i) HWY_ATTR {
    const auto v = hn::LoadU(d, x + i);
    hn::StoreU(hn::IfThenElse(hn::Gt(v, hn::Zero(d)), v, hn::Mul(v, hn::Set(d, slope))), d, y + i);
  };
  size_t i = 0;
  for (; i + hn::Lanes(Tag()) <= n; i += hn::Lanes(Tag())) piece(Tag(), i);
  for (; i < n; ++i) piece(hn::CappedTag<float, 1>(), i);
}

double prelu_backward(float slope, const float* dy, const float* x, float* dx, size_t n) {
  constexpr size_t block = 4096;  // elements that are summed in f32
  double total = 0;
  for (size_t begin = 0; begin < n; begin += block) {
    const size_t end = std::min(n, begin + block);
    const auto piece = [&](auto d, size_t i) HWY_ATTR {
      const auto g = hn::LoadU(d, dy + i), v = hn::LoadU(d, x + i);
      const auto above = hn::Gt(v, hn::Zero(d));
      hn::StoreU(hn::IfThenElse(above, g, hn::Mul(g, hn::Set(d, slope))), d, dx + i);
      return hn::IfThenZeroElse(above, hn::Mul(g, v));
    };
    auto sum = hn::Zero(Tag());
    size_t i = begin;
    for (; i + hn::Lanes(Tag()) <= end; i += hn::Lanes(Tag())) sum = hn::Add(sum, piece(Tag(), i));
    total += hn::GetLane(hn::SumOfLanes(Tag(), sum));
    for (; i < end; ++i) total += hn::GetLane(piece(hn::CappedTag<float, 1>(), i));
  }
  return total;
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

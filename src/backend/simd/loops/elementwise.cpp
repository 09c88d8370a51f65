#include "backend/simd/loops/elementwise.h"

#include <array>

#include <ocellus/base/rng.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/simd/loops/elementwise.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ocellus::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::ScalableTag<float>;
using Vec = hn::Vec<Tag>;

/// z[i] = f(in0[i], in1[i], ...), vector by vector; the last few elements one at a time with a one-lane vector.
template <size_t N, class F>
HWY_INLINE void map(const std::array<const float*, N>& in, float* z, size_t n, const F& f) {
  const auto piece = [&](auto tag, size_t i) HWY_ATTR {
    if constexpr (N == 1)
      hn::StoreU(f(tag, hn::LoadU(tag, in[0] + i)), tag, z + i);
    else if constexpr (N == 2)
      hn::StoreU(f(tag, hn::LoadU(tag, in[0] + i), hn::LoadU(tag, in[1] + i)), tag, z + i);
    else
      hn::StoreU(f(tag, hn::LoadU(tag, in[0] + i), hn::LoadU(tag, in[1] + i), hn::LoadU(tag, in[2] + i)), tag, z + i);
  };
  const size_t lanes = hn::Lanes(Tag());
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) piece(Tag(), i);
  for (; i < n; ++i) piece(hn::CappedTag<float, 1>(), i);
}

template <class F>
HWY_INLINE void binary_with(Slope slope, const float* x, const float* y, float* z, size_t n, const F& f) {
  const std::array<const float*, 2> in = {x, y};
  if (slope.below == 1)
    map<2>(in, z, n, f);
  else if (slope.below == 0)
    map<2>(in, z, n, [&](auto d, auto a, auto b) HWY_ATTR { return hn::Max(f(d, a, b), hn::Zero(d)); });
  else
    map<2>(in, z, n, [&](auto d, auto a, auto b) HWY_ATTR {
      const auto v = f(d, a, b);
      return hn::IfThenElse(hn::Lt(v, hn::Zero(d)), hn::Mul(v, hn::Set(d, slope.below)), v);
    });
}

void binary(BinaryKind kind, Slope slope, const float* x, const float* y, float* z, size_t n) {
  switch (kind) {
    case BinaryKind::add:
      return binary_with(slope, x, y, z, n, [](auto, auto a, auto b) HWY_ATTR { return hn::Add(a, b); });
    case BinaryKind::sub:
      return binary_with(slope, x, y, z, n, [](auto, auto a, auto b) HWY_ATTR { return hn::Sub(a, b); });
    case BinaryKind::mul:
      return binary_with(slope, x, y, z, n, [](auto, auto a, auto b) HWY_ATTR { return hn::Mul(a, b); });
    case BinaryKind::div:
      return binary_with(slope, x, y, z, n, [](auto, auto a, auto b) HWY_ATTR { return hn::Div(a, b); });
    case BinaryKind::max:
      return binary_with(slope, x, y, z, n, [](auto, auto a, auto b) HWY_ATTR { return hn::Max(a, b); });
    case BinaryKind::min:
      return binary_with(slope, x, y, z, n, [](auto, auto a, auto b) HWY_ATTR { return hn::Min(a, b); });
  }
}

float sum(const float* x, size_t n) {
  const Tag d;
  const size_t lanes = hn::Lanes(d);
  auto a = hn::Zero(d), b = hn::Zero(d);
  size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    a = hn::Add(a, hn::LoadU(d, x + i));
    b = hn::Add(b, hn::LoadU(d, x + i + lanes));
  }
  float total = hn::GetLane(hn::SumOfLanes(d, hn::Add(a, b)));
  for (; i < n; ++i) total += x[i];
  return total;
}

void fill(float value, float* z, size_t n) {
  const size_t lanes = hn::Lanes(Tag());
  const auto all = hn::Set(Tag(), value);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(all, Tag(), z + i);
  for (; i < n; ++i) z[i] = value;
}

void affine(float scale, float shift, const float* x, float* z, size_t n) {
  map<1>({x}, z, n,
         [=](auto d, auto a) HWY_ATTR { return hn::MulAdd(hn::Set(d, scale), a, hn::Set(d, shift)); });
}

void blend(float a, const float* x, float b, const float* y, float* z, size_t n) {
  map<2>({x, y}, z, n, [=](auto d, auto u, auto v) HWY_ATTR {
    return hn::MulAdd(hn::Set(d, a), u, hn::Mul(hn::Set(d, b), v));
  });
}

void extremum_backward(bool max, const float* dz, const float* mine, const float* other, float* dx, size_t n) {
  map<3>({dz, mine, other}, dx, n, [=](auto d, auto g, auto a, auto b) HWY_ATTR {
    const auto taken = max ? hn::Gt(a, b) : hn::Lt(a, b);
    const auto tied = hn::IfThenElseZero(hn::Eq(a, b), hn::Mul(g, hn::Set(d, 0.5f)));
    return hn::IfThenElse(taken, g, tied);
  });
}

void activation_backward(const Activation& f, const float* dy, const float* y, float* dx, size_t n) {
  const float alpha = static_cast<float>(f.alpha), scale = static_cast<float>(f.alpha * f.beta);
  const float curve = static_cast<float>(f.alpha / f.beta), high = static_cast<float>(f.beta);
  const std::array<const float*, 2> in = {dy, y};
  switch (f.kind) {
    case ActivationKind::none:
      return map<2>(in, dx, n, [](auto, auto g, auto) HWY_ATTR { return g; });
    case ActivationKind::relu:
      return map<2>(in, dx, n, [](auto d, auto g, auto v) HWY_ATTR { return hn::IfThenElseZero(hn::Gt(v, hn::Zero(d)), g); });
    case ActivationKind::leaky_relu:
      return map<2>(in, dx, n, [=](auto d, auto g, auto v) HWY_ATTR {
        return hn::IfThenElse(hn::Gt(v, hn::Zero(d)), g, hn::Mul(g, hn::Set(d, alpha)));
      });
    case ActivationKind::sigmoid:  // y (1 - y)
      return map<2>(in, dx, n, [](auto, auto g, auto v) HWY_ATTR { return hn::Mul(g, hn::NegMulAdd(v, v, v)); });
    case ActivationKind::tanh:  // alpha beta (1 - (y / beta)^2)
      return map<2>(in, dx, n, [=](auto d, auto g, auto v) HWY_ATTR {
        return hn::Mul(g, hn::NegMulAdd(hn::Mul(v, v), hn::Set(d, curve), hn::Set(d, scale)));
      });
    case ActivationKind::clip:
      return map<2>(in, dx, n, [=](auto d, auto g, auto v) HWY_ATTR {
        const auto inside = hn::And(hn::Gt(v, hn::Set(d, alpha)), hn::Lt(v, hn::Set(d, high)));
        return hn::IfThenElseZero(inside, g);
      });
    default: return;  // no other's slope can be told from the output: the operator refuses them
  }
}

#if HWY_TARGET != HWY_SCALAR
/// Philox4x32-10 (base/rng.h) on a vector of consecutive counters at a time: lane l of word w is word w of counter
/// `counter + l`.
HWY_INLINE void philox_vectors(uint64_t key, uint64_t counter, uint64_t high, hn::Vec<hn::ScalableTag<uint32_t>>* words) {
  const hn::ScalableTag<uint32_t> d;
  const hn::Repartition<uint64_t, decltype(d)> d64;
  const auto product = [&](auto v, uint32_t m, auto& low, auto& top) HWY_ATTR {
    const auto factor = hn::Set(d, m);
    const auto odd_lanes = hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(d64, v)));
    const auto even = hn::BitCast(d, hn::MulEven(v, factor)), odd = hn::BitCast(d, hn::MulEven(odd_lanes, factor));
    low = hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(hn::BitCast(d64, odd))), even);
    top = hn::OddEven(odd, hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(d64, even))));
  };
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  // Counters of one call never cross a multiple of 2^32: tensors are smaller than 2^34 elements.
  auto c0 = hn::Iota(d, static_cast<uint32_t>(counter)), c1 = hn::Set(d, static_cast<uint32_t>(counter >> 32));
  auto c2 = hn::Set(d, static_cast<uint32_t>(high)), c3 = hn::Set(d, static_cast<uint32_t>(high >> 32));
  for (int round = 0; round < 10; ++round) {
    auto low0 = c0, top0 = c0, low1 = c0, top1 = c0;
    product(c0, 0xD2511F53u, low0, top0);
    product(c2, 0xCD9E8D57u, low1, top1);
    const auto next0 = hn::Xor(hn::Xor(top1, c1), hn::Set(d, k0)), next2 = hn::Xor(hn::Xor(top0, c3), hn::Set(d, k1));
    c0 = next0;
    c1 = low1;
    c2 = next2;
    c3 = low0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}
#endif

void dropout(uint64_t seed, uint64_t step, double rate, uint64_t first, const float* x, float* z, size_t n) {
  const auto limit = static_cast<uint32_t>(rate * 0x1p32);
  const float scale = static_cast<float>(1.0 / (1.0 - rate));
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<uint32_t> d;
  const size_t lanes = hn::Lanes(d);
  HWY_ALIGN uint32_t words[4 * HWY_MAX_BYTES / sizeof(uint32_t)];
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    hn::Vec<decltype(d)> w[4];
    philox_vectors(seed, (first + i) / 4, step, w);
    hn::StoreInterleaved4(w[0], w[1], w[2], w[3], d, words);
    for (size_t part = 0; part < 4; ++part) {
      const size_t at = i + part * lanes;
      const auto drop = hn::Lt(hn::Load(d, words + part * lanes), hn::Set(d, limit));
      const auto value = hn::Mul(hn::LoadU(Tag(), x + at), hn::Set(Tag(), scale));
      hn::StoreU(hn::IfThenZeroElse(hn::RebindMask(Tag(), drop), value), Tag(), z + at);
    }
  }
#endif
  for (; i < n; ++i) {
    const uint32_t word = philox(seed, (first + i) / 4, step)[(first + i) % 4];
    z[i] = word >= limit ? x[i] * scale : 0.0f;
  }
}

}  // namespace ocellus::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ocellus::simd {

HWY_EXPORT(binary);
HWY_EXPORT(fill);
HWY_EXPORT(affine);
HWY_EXPORT(sum);
HWY_EXPORT(blend);
HWY_EXPORT(extremum_backward);
HWY_EXPORT(activation_backward);
HWY_EXPORT(dropout);

void binary(BinaryKind kind, Slope slope, const float* x, const float* y, float* z, size_t n) {
  HWY_DYNAMIC_DISPATCH(binary)(kind, slope, x, y, z, n);
}
float sum(const float* x, size_t n) { return HWY_DYNAMIC_DISPATCH(sum)(x, n); }
void fill(float value, float* z, size_t n) { HWY_DYNAMIC_DISPATCH(fill)(value, z, n); }
void affine(float scale, float shift, const float* x, float* z, size_t n) {
  HWY_DYNAMIC_DISPATCH(affine)(scale, shift, x, z, n);
}
void blend(float a, const float* x, float b, const float* y, float* z, size_t n) {
  HWY_DYNAMIC_DISPATCH(blend)(a, x, b, y, z, n);
}
void extremum_backward(bool max, const float* dz, const float* mine, const float* other, float* dx, size_t n) {
  HWY_DYNAMIC_DISPATCH(extremum_backward)(max, dz, mine, other, dx, n);
}
void activation_backward(const Activation& f, const float* dy, const float* y, float* dx, size_t n) {
  HWY_DYNAMIC_DISPATCH(activation_backward)(f, dy, y, dx, n);
}
void dropout(uint64_t seed, uint64_t step, double rate, uint64_t first, const float* x, float* z, size_t n) {
  HWY_DYNAMIC_DISPATCH(dropout)(seed, step, rate, first, x, z, n);
}

}  // namespace ocellus::simd
#endif

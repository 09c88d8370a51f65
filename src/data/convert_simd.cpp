// One pass over the pixels: widen bytes to floats, multiply, add, store. Compiled once for each instruction set that
// Highway knows; the best one that the machine has is chosen at the first call.
#include "data/convert.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "data/convert_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ocellus::data::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void affine_u8(const uint8_t* HWY_RESTRICT in, float* HWY_RESTRICT out, size_t count, float scale, float offset) {
  const hn::ScalableTag<float> f;
  const hn::Rebind<uint8_t, decltype(f)> bytes;
  const hn::Rebind<int32_t, decltype(f)> words;
  const size_t lanes = hn::Lanes(f);
  const auto a = hn::Set(f, scale), b = hn::Set(f, offset);
  const auto convert = [&](auto v) { return hn::MulAdd(hn::ConvertTo(f, hn::PromoteTo(words, v)), a, b); };
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(convert(hn::LoadU(bytes, in + i)), f, out + i);
  if (i == count) return;
  HWY_ALIGN uint8_t last_in[HWY_MAX_BYTES] = {};
  HWY_ALIGN float last_out[HWY_MAX_BYTES / sizeof(float)];
  for (size_t k = i; k < count; ++k) last_in[k - i] = in[k];
  hn::StoreU(convert(hn::LoadU(bytes, last_in)), f, last_out);
  for (size_t k = i; k < count; ++k) out[k] = last_out[k - i];
}

void affine_f32(const float* in, float* out, size_t count, float scale, float offset) {
  const hn::ScalableTag<float> f;
  const size_t lanes = hn::Lanes(f);
  const auto a = hn::Set(f, scale), b = hn::Set(f, offset);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(hn::MulAdd(hn::LoadU(f, in + i), a, b), f, out + i);
  const hn::CappedTag<float, 1> one;
  for (; i < count; ++i)
    hn::StoreU(hn::MulAdd(hn::LoadU(one, in + i), hn::Set(one, scale), hn::Set(one, offset)), one, out + i);
}

}  // namespace ocellus::data::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ocellus::data {

HWY_EXPORT(affine_u8);
HWY_EXPORT(affine_f32);

void affine(const uint8_t* in, float* out, size_t count, float scale, float offset) {
  HWY_DYNAMIC_DISPATCH(affine_u8)(in, out, count, scale, offset);
}

void affine(const float* in, float* out, size_t count, float scale, float offset) {
  HWY_DYNAMIC_DISPATCH(affine_f32)(in, out, count, scale, offset);
}

}  // namespace ocellus::data
#endif

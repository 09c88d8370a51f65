// Real numbers held as bytes: rounding, and checks of types and scales.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>

#include <ocellus/graph/op.h>

namespace ocellus::detail {

inline bool is_byte(DType d) { return d == DType::i8 || d == DType::u8; }

/// Throws TypeError unless `dtype` is i8 or u8; `what` names it: "input".
inline void expect_byte(DType dtype, std::string_view what) {
  if (!is_byte(dtype)) throw TypeError(std::string(what) + " must be i8 or u8, got " + std::string(to_string(dtype)));
}

/// Throws UsageError unless a scale is positive and finite.
inline void expect_scale(double scale) {
  if (!(scale > 0) || !std::isfinite(scale))
    throw UsageError("a scale must be positive and finite, got " + std::to_string(scale));
}

/// Calls f(Q{}) with the tensor's element type, int8_t or uint8_t.
template <class F>
void with_byte(const Tensor& t, F&& f) {
  if (t.dtype() == DType::i8)
    f(int8_t{});
  else
    f(uint8_t{});
}

/// The nearest integer (ties to even) that Q holds; 0 for NaN.
template <class Q>
Q rounded(double x) {
  constexpr double low = std::numeric_limits<Q>::min(), high = std::numeric_limits<Q>::max();
  return std::isnan(x) ? Q{0} : static_cast<Q>(std::clamp(std::nearbyint(x), low, high));
}

}  // namespace ocellus::detail

// Element types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <ocellus/base/export.h>

namespace ocellus {

/// Element type of a tensor.
enum class DType : uint8_t { f32, f64, bf16, f16, i8, u8, i32, i64, boolean };

OCELLUS_API size_t size_of(DType dtype);                 ///< bytes of one element
OCELLUS_API std::string_view to_string(DType dtype);     ///< "f32", "i64", ...
OCELLUS_API DType dtype_from_string(std::string_view s); ///< throws TypeError for an unknown name
inline bool is_floating(DType d) { return d <= DType::f16; }
/// What sums over values of a dtype are kept in: f32 for bf16 and f16, else the dtype itself.
inline DType wide(DType d) { return d == DType::bf16 || d == DType::f16 ? DType::f32 : d; }

/// The DType of a C++ element type.
template <class T>
struct DTypeOf;
template <> struct DTypeOf<float> { static constexpr DType value = DType::f32; };
template <> struct DTypeOf<double> { static constexpr DType value = DType::f64; };
template <> struct DTypeOf<int8_t> { static constexpr DType value = DType::i8; };
template <> struct DTypeOf<uint8_t> { static constexpr DType value = DType::u8; };
template <> struct DTypeOf<int32_t> { static constexpr DType value = DType::i32; };
template <> struct DTypeOf<int64_t> { static constexpr DType value = DType::i64; };
template <> struct DTypeOf<bool> { static constexpr DType value = DType::boolean; };

template <class T>
inline constexpr DType dtype_of = DTypeOf<T>::value;

}  // namespace ocellus

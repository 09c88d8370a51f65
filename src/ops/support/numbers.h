// Calls for whichever dtype a tensor has.
#pragma once

#include <string>

#include <ocellus/tensor/tensor.h>

namespace ocellus::detail {

/// Calls f with a number of the C++ type of `dtype`; throws TypeError for bf16 and f16, which have none.
template <class F>
void with_number(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32: return f(float{});
    case DType::f64: return f(double{});
    case DType::i8: return f(int8_t{});
    case DType::u8: return f(uint8_t{});
    case DType::i32: return f(int32_t{});
    case DType::i64: return f(int64_t{});
    case DType::boolean: return f(bool{});
    case DType::bf16:
    case DType::f16: break;
  }
  throw TypeError("can't compute with " + std::string(to_string(dtype)));
}

}  // namespace ocellus::detail

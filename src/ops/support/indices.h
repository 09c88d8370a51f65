// What operators that take indices share.
#pragma once

#include <string_view>

#include <fmt/format.h>

#include "ops/support/checks.h"

namespace ocellus::detail {

/// Throws TypeError unless `t` is i32.
inline void expect_indices(const TensorType& t) {
  if (t.dtype != DType::i32) throw TypeError("indices must be i32, got " + to_string(t));
}

/// The index at `position`; throws UsageError, in the name of `op`, where it is outside [0, size).
inline int64_t checked_index(const int32_t* indices, int64_t position, int64_t size, std::string_view op) {
  const int64_t index = indices[position];
  if (index < 0 || index >= size)
    throw UsageError(fmt::format("[{}] index {} at position {} is outside [0,{})", op, index, position, size));
  return index;
}

}  // namespace ocellus::detail

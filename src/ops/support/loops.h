// Loop nests over strided operands: what reference evaluations walk tensors with.
//
// A nest has up to eight dimensions, and each of its K operands moves by a stride of its own along each of them: 0 where
// an operand is broadcast, a multiple where it is sliced, any order where it is transposed. Neighbouring dimensions that
// every operand walks as one are merged when they are added, so that the innermost loop is as long as it can be. Nothing
// here allocates: reference evaluations also run inside compiled programs.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include <ocellus/tensor/shape.h>

namespace ocellus::detail {

using Strides = std::array<int64_t, Shape::max_rank>;

template <size_t K>
class Loops {
 public:
  using Offsets = std::array<int64_t, K>;

  /// Adds a dimension inside those added before.
  void add(int64_t dim, const Offsets& strides) {
    empty_ = empty_ || dim == 0;
    if (dim == 1) return;
    if (rank_ > 0 && continues(dim, strides)) {
      dims_[rank_ - 1] *= dim;
      strides_[rank_ - 1] = strides;
      return;
    }
    dims_[rank_] = dim;
    strides_[rank_++] = strides;
  }

  /// Calls `body(offsets, count, strides)` for each run of the innermost dimension, in order.
  template <class Body>
  void run(Body&& body) const {
    if (empty_) return;
    const size_t inner = rank_ == 0 ? 0 : rank_ - 1;
    const int64_t count = rank_ == 0 ? 1 : dims_[inner];
    const Offsets strides = rank_ == 0 ? Offsets{} : strides_[inner];
    Offsets at{};
    std::array<int64_t, Shape::max_rank> index{};
    do body(std::as_const(at), count, strides);
    while (advance(at, index, inner));
  }

 private:
  bool continues(int64_t dim, const Offsets& strides) const {
    for (size_t k = 0; k < K; ++k)
      if (strides_[rank_ - 1][k] != dim * strides[k]) return false;
    return true;
  }

  /// The next place of the outer dimensions; false after the last.
  bool advance(Offsets& at, std::array<int64_t, Shape::max_rank>& index, size_t inner) const {
    for (size_t d = inner; d-- > 0;) {
      for (size_t k = 0; k < K; ++k) at[k] += strides_[d][k];
      if (++index[d] < dims_[d]) return true;
      for (size_t k = 0; k < K; ++k) at[k] -= dims_[d] * strides_[d][k];
      index[d] = 0;
    }
    return false;
  }

  size_t rank_ = 0;
  bool empty_ = false;
  std::array<int64_t, Shape::max_rank> dims_{};
  std::array<Offsets, Shape::max_rank> strides_{};
};

/// Calls f with an unsigned integer of that many bytes: for copies that do not care what the elements are.
template <class F>
void with_word(size_t bytes, F&& f) {
  switch (bytes) {
    case 1: f(uint8_t{}); break;
    case 2: f(uint16_t{}); break;
    case 4: f(uint32_t{}); break;
    default: f(uint64_t{}); break;
  }
}

/// dst[strides] = src[strides] over a nest whose operands are (dst, src), for elements of `bytes` bytes.
inline void copy(const Loops<2>& loops, size_t bytes, void* dst, const void* src) {
  with_word(bytes, [&]<class T>(T) {
    loops.run([&](const auto& at, int64_t count, const auto& strides) {
      T* to = static_cast<T*>(dst) + at[0];
      const T* from = static_cast<const T*>(src) + at[1];
      for (int64_t i = 0; i < count; ++i) to[i * strides[0]] = from[i * strides[1]];
    });
  });
}

}  // namespace ocellus::detail

// A tensor [N,C,...] as planes: the positions of one channel of one sample, which lie one after the other.
#pragma once

#include <cstdint>

#include <ocellus/tensor/shape.h>

namespace ocellus::detail {

struct Planes {
  explicit Planes(const Shape& shape) : batch(shape[0]), channels(shape[1]) {
    for (size_t i = 2; i < shape.rank(); ++i) size *= shape[i];
  }
  /// All elements as the one channel of one sample.
  static Planes flat(const Shape& shape) { return Planes(1, 1, shape.numel()); }

  int64_t count() const { return batch * channels; }

  int64_t batch, channels, size = 1;

 private:
  Planes(int64_t batch, int64_t channels, int64_t size) : batch(batch), channels(channels), size(size) {}
};

}  // namespace ocellus::detail

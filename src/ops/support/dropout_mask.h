// Dropout's mask: which elements stay, as a pure function of (seed, step, element).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <ocellus/base/rng.h>

namespace ocellus::detail {

/// Element i draws word i % 4 of philox(seed, i / 4, step), and stays when that word is at least rate * 2^32.
struct DropoutMask {
  uint64_t seed, step;
  uint64_t threshold;

  DropoutMask(double rate, int64_t seed, int64_t step)
      : seed(static_cast<uint64_t>(seed)),
        step(static_cast<uint64_t>(step)),
        threshold(static_cast<uint64_t>(std::ceil(rate * 0x1p32))) {}

  /// Calls f(i, stays) for each element of [begin, end), where begin is a multiple of four.
  template <class F>
  void each(int64_t begin, int64_t end, F&& f) const {
    for (int64_t block = begin; block < end; block += 4) {
      const auto words = philox(seed, static_cast<uint64_t>(block) / 4, step);
      const int64_t count = std::min<int64_t>(4, end - block);
      for (int64_t k = 0; k < count; ++k) f(block + k, words[static_cast<size_t>(k)] >= threshold);
    }
  }
};

}  // namespace ocellus::detail

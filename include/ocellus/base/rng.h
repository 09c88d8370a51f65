// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
//
// A draw is a pure function of (seed, stream, index), so work can be split over any number of threads or workers
// and still give the same numbers, and a run can be resumed in the middle.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <ocellus/base/export.h>

namespace ocellus {

/// The four 32-bit words that Philox4x32-10 gives for one counter under one key.
OCELLUS_API std::array<uint32_t, 4> philox(uint64_t key, uint64_t counter_low, uint64_t counter_high);

/// A stable 64-bit hash of a text (FNV-1a), to derive streams from names.
OCELLUS_API uint64_t stable_hash(std::string_view text);

/// A sequence of random numbers named by (seed, stream); copying it copies its position.
class OCELLUS_API Rng {
 public:
  explicit Rng(uint64_t seed = 0, uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  uint32_t next();                        ///< uniform over all 32-bit words
  float uniform();                        ///< [0, 1), 24 random bits
  float uniform(float low, float high);   ///< [low, high)
  float normal();                         ///< standard normal (Box-Muller)
  uint64_t below(uint64_t n);             ///< integer in [0, n), unbiased; n > 0
  bool chance(float p) { return uniform() < p; }

  /// An independent sequence derived from this one's name, not from its position.
  Rng fork(uint64_t key) const;
  Rng fork(std::string_view name) const { return fork(stable_hash(name)); }

  uint64_t seed() const { return seed_; }

 private:
  uint64_t seed_, stream_;
  uint64_t counter_ = 0;
  std::array<uint32_t, 4> block_{};
  int used_ = 4;
  bool has_spare_ = false;
  float spare_ = 0;
};

}  // namespace ocellus

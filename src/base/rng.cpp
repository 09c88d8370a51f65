#include <ocellus/base/rng.h>

#include <cmath>
#include <numbers>

namespace ocellus {

std::array<uint32_t, 4> philox(uint64_t key, uint64_t counter_low, uint64_t counter_high) {
  constexpr uint32_t m0 = 0xD2511F53, m1 = 0xCD9E8D57, w0 = 0x9E3779B9, w1 = 0xBB67AE85;
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  std::array<uint32_t, 4> c = {static_cast<uint32_t>(counter_low), static_cast<uint32_t>(counter_low >> 32),
                               static_cast<uint32_t>(counter_high), static_cast<uint32_t>(counter_high >> 32)};
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{m0} * c[0], p1 = uint64_t{m1} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(p0)};
    k0 += w0;
    k1 += w1;
  }
  return c;
}

uint64_t stable_hash(std::string_view text) {
  uint64_t h = 0xcbf29ce484222325ull;
  for (unsigned char c : text) h = (h ^ c) * 0x100000001b3ull;
  return h;
}

uint32_t Rng::next() {
  if (used_ == 4) {
    block_ = philox(seed_, counter_++, stream_);
    used_ = 0;
  }
  return block_[static_cast<size_t>(used_++)];
}

float Rng::uniform() { return static_cast<float>(next() >> 8) * 0x1p-24f; }

float Rng::uniform(float low, float high) { return low + (high - low) * uniform(); }

float Rng::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  const double u = 1.0 - static_cast<double>(next()) * 0x1p-32;  // (0, 1]: its logarithm is finite
  const double radius = std::sqrt(-2.0 * std::log(u));
  const double angle = 2.0 * std::numbers::pi * static_cast<double>(next()) * 0x1p-32;
  spare_ = static_cast<float>(radius * std::sin(angle));
  has_spare_ = true;
  return static_cast<float>(radius * std::cos(angle));
}

uint64_t Rng::below(uint64_t n) {
  const uint64_t limit = n * (UINT64_MAX / n);  // the largest multiple of n: draws above it would bias
  for (;;) {
    const uint64_t high = next();
    const uint64_t draw = high << 32 | next();
    if (draw < limit) return draw % n;
  }
}

Rng Rng::fork(uint64_t key) const {
  const auto words = philox(seed_ ^ 0x6f63656c6c757321ull, key, stream_);
  return Rng(uint64_t{words[1]} << 32 | words[0], uint64_t{words[3]} << 32 | words[2]);
}

}  // namespace ocellus

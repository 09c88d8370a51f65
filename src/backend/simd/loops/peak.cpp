// Multiply-adds that stay in registers, in as many independent chains as any core can keep busy; Highway compiles the loop once
// per instruction set and picks at run time. Clocks drift and other programs interfere, so the fastest of several short bursts is
// the peak.
#include <ocellus/backend/peak.h>

#include <cstdint>

#include <ocellus/base/threads.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/simd/loops/peak.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ocellus::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t chains = 12;

/// Runs `rounds` multiply-adds on each chain and returns the number of floating point operations; `sink` keeps the
/// compiler from dropping them. scale < 1 keeps the values finite and normal for ever.
int64_t multiply_add(int64_t rounds, float scale, float offset, float* sink) {
  const hn::ScalableTag<float> d;
  const auto a = hn::Set(d, scale);
  const auto b = hn::Set(d, offset);
  // Each chain starts elsewhere: of equal chains the compiler would compute one.
  const auto start = [&](float from) { return hn::Set(d, offset + from); };
  auto c0 = start(0), c1 = start(1), c2 = start(2), c3 = start(3), c4 = start(4), c5 = start(5);
  auto c6 = start(6), c7 = start(7), c8 = start(8), c9 = start(9), c10 = start(10), c11 = start(11);
  for (int64_t i = 0; i < rounds; ++i) {
    c0 = hn::MulAdd(c0, a, b);
    c1 = hn::MulAdd(c1, a, b);
    c2 = hn::MulAdd(c2, a, b);
    c3 = hn::MulAdd(c3, a, b);
    c4 = hn::MulAdd(c4, a, b);
    c5 = hn::MulAdd(c5, a, b);
    c6 = hn::MulAdd(c6, a, b);
    c7 = hn::MulAdd(c7, a, b);
    c8 = hn::MulAdd(c8, a, b);
    c9 = hn::MulAdd(c9, a, b);
    c10 = hn::MulAdd(c10, a, b);
    c11 = hn::MulAdd(c11, a, b);
  }
  const auto low = hn::Add(hn::Add(hn::Add(c0, c1), hn::Add(c2, c3)), hn::Add(c4, c5));
  const auto high = hn::Add(hn::Add(hn::Add(c6, c7), hn::Add(c8, c9)), hn::Add(c10, c11));
  *sink = hn::GetLane(hn::SumOfLanes(d, hn::Add(low, high)));
  return 2 * rounds * chains * static_cast<int64_t>(hn::Lanes(d));
}

const char* target_name() { return hwy::TargetName(HWY_TARGET); }

}  // namespace ocellus::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace ocellus {
namespace simd {

HWY_EXPORT(multiply_add);
HWY_EXPORT(target_name);

namespace {

/// GFLOP/s of one burst: all threads start together, and the slowest ends it.
double burst(int threads, int64_t rounds) {
  using Clock = std::chrono::steady_clock;
  volatile float scale = 0.999f, offset = 0.001f;
  std::vector<float> sinks(static_cast<size_t>(threads) * 16);
  int64_t operations = 0;
  Clock::time_point begin;
#pragma omp parallel num_threads(threads) reduction(+ : operations)
  {
    float* const sink = &sinks[static_cast<size_t>(omp_get_thread_num()) * 16];
#pragma omp barrier
#pragma omp master
    begin = Clock::now();
    operations += HWY_DYNAMIC_DISPATCH(multiply_add)(rounds, scale, offset, sink);
  }
  const std::chrono::duration<double> elapsed = Clock::now() - begin;
  return static_cast<double>(operations) / elapsed.count() * 1e-9;
}

}  // namespace

static std::string target() { return HWY_DYNAMIC_DISPATCH(target_name)(); }

}  // namespace simd

double measure_peak(const PeakConfig& config) {
  constexpr int64_t rounds = 2'000'000;  // about 10 ms
  const int threads = config.threads > 0 ? config.threads : num_threads();
  double best = 0;
  simd::burst(threads, rounds);  // wakes the threads and the clock
  for (int i = 0; i < config.bursts; ++i) best = std::max(best, simd::burst(threads, rounds));
  return best;
}

std::string vector_target() { return simd::target(); }

}  // namespace ocellus

#endif

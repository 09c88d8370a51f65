// Measures this machine's peak of single-precision fused multiply-adds with 1, 2, ... N threads and prints one line
// of JSON: {"target": "AVX2", "gflops": [95.1, 189.7]}, one multiply-add counted as two operations.
//
// The kernel keeps more independent chains in registers than latency times units of any current x86-64 core, so it
// is bound by the units alone, not by memory or by waiting for the chain before. The vectors are as wide as the
// machine has them (Highway compiles the kernel once per instruction set and picks at run time). Clocks drift and
// other programs interfere, so each count of threads is measured in short bursts, and the fastest burst is the peak.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "peak.cpp"
#include <hwy/foreach_target.h>  // Compiles this file once per instruction set.
#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace ocellus::bench::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kChains = 12;

// Runs `rounds` multiply-adds on each chain and returns the number of floating point operations; `sink` keeps the
// compiler from dropping them. scale < 1 keeps the values finite and normal for ever.
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
  return 2 * rounds * kChains * static_cast<int64_t>(hn::Lanes(d));
}

const char* target_name() { return hwy::TargetName(HWY_TARGET); }

}  // namespace ocellus::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <omp.h>

namespace ocellus::bench {
namespace {

HWY_EXPORT(multiply_add);
HWY_EXPORT(target_name);

// GFLOP/s of one burst: all threads start together, and the slowest ends it.
double burst(int threads, int64_t rounds) {
  using clock = std::chrono::steady_clock;
  volatile float scale = 0.999f, offset = 0.001f;
  std::vector<float> sinks(threads * 16);
  int64_t operations = 0;
  clock::time_point begin;
#pragma omp parallel num_threads(threads) reduction(+ : operations)
  {
    float* const sink = &sinks[omp_get_thread_num() * 16];
#pragma omp barrier
#pragma omp master
    begin = clock::now();
    operations += HWY_DYNAMIC_DISPATCH(multiply_add)(rounds, scale, offset, sink);
  }
  const std::chrono::duration<double> elapsed = clock::now() - begin;
  return static_cast<double>(operations) / elapsed.count() * 1e-9;
}

double peak(int threads, int bursts) {
  constexpr int64_t rounds = 2'000'000;  // about 10 ms
  double best = 0;
  burst(threads, rounds);
  for (int i = 0; i < bursts; ++i) best = std::max(best, burst(threads, rounds));
  return best;
}

}  // namespace
}  // namespace ocellus::bench

// fma_peak [THREADS [BURSTS]]: by default all cores, 40 bursts.
int main(int argc, char** argv) {
  using namespace ocellus::bench;
  const int threads = argc > 1 ? std::max(1, std::atoi(argv[1])) : omp_get_max_threads();
  const int bursts = argc > 2 ? std::max(1, std::atoi(argv[2])) : 40;
  std::printf("{\"target\": \"%s\", \"gflops\": [", HWY_DYNAMIC_DISPATCH(target_name)());
  for (int n = 1; n <= threads; ++n) std::printf("%s%.1f", n > 1 ? ", " : "", peak(n, bursts));
  std::printf("]}\n");
}

#endif

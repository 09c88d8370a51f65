// fma_peak [THREADS [BURSTS]]: this machine's peak of single-precision fused multiply-adds with 1, 2, ... THREADS threads, as one
// line of JSON: {"target": "AVX2", "gflops": [95.1, 189.7]}. By default all cores, 40 bursts.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <ocellus/backend/peak.h>
#include <ocellus/base/threads.h>

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::max(1, std::atoi(argv[1])) : ocellus::num_threads();
  const int bursts = argc > 2 ? std::max(1, std::atoi(argv[2])) : 40;
  std::printf("{\"target\": \"%s\", \"gflops\": [", ocellus::vector_target().c_str());
  for (int n = 1; n <= threads; ++n)
    std::printf("%s%.1f", n > 1 ? ", " : "", ocellus::measure_peak({.threads = n, .bursts = bursts}));
  std::printf("]}\n");
}

// The machine's arithmetic peak, of which a kernel's speed is a share.
#pragma once

#include <string>

#include <ocellus/base/export.h>

namespace ocellus {

/// What to measure.
struct PeakConfig {
  int threads = 0;  ///< 0: as many as a parallel region uses
  int bursts = 12;  ///< of about 10 ms; the fastest one counts
};

/// GFLOP/s of single-precision fused multiply-adds, one counted as two operations, as the machine does them now: the kernel
/// keeps more independent chains in registers than latency times units of any current x86-64 core.
OCELLUS_API double measure_peak(const PeakConfig& config = {});

/// The instruction set that our vector loops use on this machine: "AVX3", "AVX2", ...
OCELLUS_API std::string vector_target();

}  // namespace ocellus

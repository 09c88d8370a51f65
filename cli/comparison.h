// Measuring a network against other programs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace cli {

/// What is measured, and where the chart goes.
struct Comparison {
  std::string model;
  bool train = false;
  int64_t threads = 0;  ///< 0: all cores
  std::filesystem::path chart;
};

/// Runs bench/compare.py of the source tree that this program was built in, with the peers' Python, and gives its exit code.
/// Throws UsageError, saying what to do, where one of them is missing.
int run_comparison(const Comparison& comparison);

}  // namespace cli

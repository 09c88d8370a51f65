// Magnitudes of an activation's elements, and the range that bytes should cover.
#pragma once

#include <span>
#include <vector>

#include <ocellus/engine/calibration.h>

namespace ocellus {

/// Counts |x| in equal bins. The bins widen as larger values come, by joining them two and two, so that one pass over the data
/// is enough. Zeros are counted apart: bytes hold them exactly.
class Histogram {
 public:
  void add(std::span<const float> values);
  bool finite() const { return finite_; }
  /// The range that the method chooses: [0, high] where nothing was below zero, else [-high, high].
  Range range(const CalibrationConfig& config) const;

 private:
  static constexpr size_t bins = 4096;

  double percentile(double percent) const;
  double least_divergence(size_t levels) const;
  double divergence(const std::vector<double>& counts, size_t used, size_t levels) const;

  std::vector<int64_t> counts_ = std::vector<int64_t>(bins);
  int64_t zeros_ = 0, total_ = 0;
  float largest_ = 0, lowest_ = 0;
  double width_ = 0;  ///< of a bin; 0 before the first element that is not zero
  bool finite_ = true;
};

}  // namespace ocellus

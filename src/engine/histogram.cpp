#include "engine/histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace ocellus {

void Histogram::add(std::span<const float> values) {
  float largest = largest_;
  for (const float v : values) {
    finite_ = finite_ && std::isfinite(v);
    largest = std::max(largest, std::abs(v));
    lowest_ = std::min(lowest_, v);
  }
  total_ += static_cast<int64_t>(values.size());
  largest_ = largest;
  if (!finite_) return;
  if (width_ == 0) width_ = static_cast<double>(largest) / bins;
  for (; width_ > 0 && width_ * bins < static_cast<double>(largest); width_ *= 2) {
    for (size_t i = 0; i < bins / 2; ++i) counts_[i] = counts_[2 * i] + counts_[2 * i + 1];
    std::fill(counts_.begin() + bins / 2, counts_.end(), 0);
  }
  for (const float v : values) {
    if (v == 0)
      ++zeros_;
    else
      ++counts_[std::min(static_cast<size_t>(std::abs(static_cast<double>(v)) / width_), bins - 1)];
  }
}

double Histogram::percentile(double percent) const {
  const double wanted = percent / 100 * static_cast<double>(total_);
  double seen = static_cast<double>(zeros_);
  for (size_t i = 0; i < bins; ++i) {
    seen += static_cast<double>(counts_[i]);
    if (seen >= wanted) return std::min(width_ * static_cast<double>(i + 1), static_cast<double>(largest_));
  }
  return largest_;
}

/// Of the first `used` bins, to the last of which all that is larger has been added, as `levels` levels can tell them apart: a
/// level's count is shared equally among those of its bins that hold anything.
double Histogram::divergence(const std::vector<double>& counts, size_t used, size_t levels) const {
  const double beyond = std::accumulate(counts.begin() + static_cast<std::ptrdiff_t>(used), counts.end(), 0.0);
  double all = 0, kept = 0, sum = 0;
  for (size_t i = 0; i < used; ++i) kept += counts[i];
  all = kept + beyond;
  if (kept == 0) return std::numeric_limits<double>::infinity();
  for (size_t level = 0; level < levels; ++level) {
    const size_t begin = level * used / levels, end = (level + 1) * used / levels;
    double count = 0;
    int filled = 0;
    for (size_t i = begin; i < end; ++i) {
      count += counts[i];
      filled += counts[i] > 0 || (i + 1 == used && beyond > 0);
    }
    for (size_t i = begin; i < end; ++i) {
      const double p = (counts[i] + (i + 1 == used ? beyond : 0)) / all;
      if (p == 0) continue;
      const double q = std::max(count / filled / kept, std::numeric_limits<double>::min());
      sum += p * std::log(p / q);
    }
  }
  return sum;
}

double Histogram::least_divergence(size_t levels) const {
  const size_t used = std::min(static_cast<size_t>(static_cast<double>(largest_) / width_) + 1, bins);
  std::vector<double> counts(counts_.begin(), counts_.begin() + static_cast<std::ptrdiff_t>(used));
  constexpr size_t candidates = 100;
  size_t best = used;
  double least = divergence(counts, used, levels);
  for (size_t c = 1; c < candidates; ++c) {
    const size_t n = levels + (used - std::min(used, levels)) * c / candidates;
    const double d = n < used ? divergence(counts, n, levels) : least;
    if (d < least) {
      least = d;
      best = n;
    }
  }
  return best == used ? largest_ : width_ * static_cast<double>(best);
}

Range Histogram::range(const CalibrationConfig& config) const {
  const bool negative = lowest_ < 0;
  double high = largest_;
  if (width_ > 0 && config.method == CalibrationMethod::percentile) high = percentile(config.percentile);
  if (width_ > 0 && config.method == CalibrationMethod::entropy) high = least_divergence(negative ? 128 : 256);
  if (high == 0) high = largest_;
  return {negative ? -high : 0, high};
}

}  // namespace ocellus

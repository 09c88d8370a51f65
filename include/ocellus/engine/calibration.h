// Calibration: which range of numbers each activation of a network takes, so that bytes can stand for it.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ocellus/engine/program.h>

namespace ocellus {

/// The numbers that bytes stand for; what lies outside takes the nearest of them.
struct Range {
  double low = 0, high = 0;
  friend bool operator==(const Range&, const Range&) = default;
};

/// Ranges of activations, for `CompileOptions::calibration`. It belongs to the weights that it was observed with.
struct Calibration {
  std::map<std::string, Range, std::less<>> ranges;  ///< by a value's name within its layer: "conv2d/conv+relu"
  std::set<std::string, std::less<>> wide;           ///< layers that stay f32
  friend bool operator==(const Calibration&, const Calibration&) = default;
};

/// How a range is chosen from what was observed: all of it; the share of the elements that `percentile` says; or the range for
/// which the distribution in bytes loses least of the observed one, by Kullback and Leibler's divergence (Migacz, "8-bit
/// inference with TensorRT", 2017).
enum class CalibrationMethod : uint8_t { minmax, percentile, entropy };
OCELLUS_API std::span<const std::string_view> enum_names(CalibrationMethod);

struct CalibrationConfig {
  CalibrationMethod method = CalibrationMethod::entropy;
  double percentile = 99.99;  ///< of an activation's elements
};

/// Runs a network in f32 and watches its activations.
class OCELLUS_API Calibrator {
 public:
  /// Compiles the spec for inference; throws UsageError for a percentile that is not in (0, 100].
  Calibrator(const ProgramSpec& spec, Backend& backend, const CalibrationConfig& config = {});
  ~Calibrator();
  Calibrator(const Calibrator&) = delete;
  Calibrator& operator=(const Calibrator&) = delete;

  /// An input to write before `observe`, and an output to read after it.
  Tensor& input(size_t i);
  const Tensor& output(size_t i) const;
  /// Runs once and takes every activation into account.
  void observe();
  /// The ranges of what has been observed so far. Throws NumericError naming a layer whose values are not finite.
  Calibration result() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ocellus

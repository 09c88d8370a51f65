// Conformance: models with inputs and the outputs that belong to them, in the form of the ONNX project's tests.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <ocellus/model/model.h>

namespace ocellus::io {

enum class Outcome : uint8_t { passed, failed, unsupported };
OCELLUS_API std::span<const std::string_view> enum_names(Outcome);

struct ConformanceResult {
  Outcome outcome = Outcome::passed;
  std::string reason;  ///< why it did not pass: one line
};

/// An element e passes for an expected x with |e - x| <= absolute + relative |x|, which are the ONNX project's numbers.
struct ConformanceConfig {
  BackendPtr backend = nullptr;  ///< null: what the settings say
  double relative = 1e-3, absolute = 1e-7;
};

/// Runs the model.onnx of a folder on each test_data_set_*/input_*.pb and compares with output_*.pb. Throws IoError for a
/// folder that has no model or no data.
OCELLUS_API ConformanceResult check_conformance(const std::filesystem::path& folder,
                                                const ConformanceConfig& config = {});

/// The ONNX operators that can be read, by name.
OCELLUS_API std::vector<std::string> onnx_operators();

}  // namespace ocellus::io

// A calibration as JSON, for model files.
#pragma once

#include <string>
#include <string_view>

#include "model/state.h"

namespace ocellus {

std::string calibration_to_json(const Calibration& calibration);
/// Throws FormatError naming `source` for what is no calibration of this model.
Calibration calibration_from_json(std::string_view text, const std::string& source, const Model::State& state);

}  // namespace ocellus

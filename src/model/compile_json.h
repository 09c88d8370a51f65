// How a model is judged and trained, and how images reach it, as JSON and back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/state.h"

namespace ocellus {

std::string compile_to_json(const Model::State& state);
/// Gives the number of updates that the optimiser has made. A loss, optimiser or metric that this program does
/// not know (one of the writer's own) leaves the model without a loss, not without its weights, and is noted as foreign.
/// Throws FormatError.
int64_t compile_from_json(std::string_view text, const std::string& source, Model::State& state);

std::string preprocess_to_json(const data::Preprocess& preprocess);
data::Preprocess preprocess_from_json(std::string_view text, const std::string& source);

/// The optimiser whose `describe()` gives this text; throws UsageError.
Handle<optim::Optimizer> optimizer_from_text(const std::string& text);

}  // namespace ocellus

// A model's graph as JSON and back.
#pragma once

#include <string>
#include <string_view>

#include <ocellus/tensor/safetensors.h>

#include "model/state.h"

namespace ocellus {

/// Constants go into `file` as tensors. Throws Unsupported for a graph with host operators.
std::string architecture_to_json(const Model::State& state, SafetensorsFile& file);

/// Fills in the name, the graph and all that follows from it; parameters keep zeros. Throws FormatError naming the node.
void architecture_from_json(std::string_view text, const SafetensorsFile& file, const std::string& source,
                            Model::State& state);

}  // namespace ocellus

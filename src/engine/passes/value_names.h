// Names of a fused graph's values, the same for every batch size and every set of outputs.
#pragma once

#include <string>
#include <unordered_map>

#include <ocellus/graph/graph.h>

namespace ocellus::passes {

/// A name for the first output of every node: its layer, its operator, and what is fused into it, "block1/conv/conv+relu". Calls
/// of one layer share their names. Values outside of layers have none, but for inputs ("input 0").
std::unordered_map<Value, std::string, ValueHash> value_names(const Graph& graph);

}  // namespace ocellus::passes

// Makes a graph on which something fails smaller, as long as it still fails.
#pragma once

#include <functional>

#include "fuzz/random_graph.h"

namespace ocellus::fuzz {

using Fails = std::function<bool(const RandomGraph&)>;

/// The smallest graph that could be found by ending the graph at an earlier value, feeding values instead of computing them,
/// and asking for fewer results.
RandomGraph shrink(RandomGraph graph, const Fails& fails);

}  // namespace ocellus::fuzz

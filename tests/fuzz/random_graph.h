// Random graphs: a few dozen operators on small values, made from a seed alone.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <ocellus/engine/program.h>

namespace ocellus::fuzz {

/// A graph with everything that a program of it needs.
struct RandomGraph {
  Graph graph;              ///< outputs: a scalar loss, then a few values on the way to it
  std::vector<Tensor> fed;  ///< one for each of graph.inputs
  Values wrt;               ///< parameters and inputs that the loss depends on
  std::vector<std::pair<ParameterPtr, Tensor>> parameters;  ///< with what they hold before a run
  int64_t step = 0;                                         ///< of the first run: the key of dropout's masks

  ProgramSpec spec(Mode mode) const;
  /// Puts the parameters back to what they held before the first run.
  void restore() const;
};

/// The graph of a seed. Values stay near 1 in size and what is divided by stays away from 0, so that a program's results can
/// be told from rounding.
RandomGraph random_graph(uint64_t seed);

/// Keeps inputs, parameters and `wrt` that the outputs still reach and depend on.
void drop_unused(RandomGraph& g);

}  // namespace ocellus::fuzz

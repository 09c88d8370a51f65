#include "engine/passes/passes.h"

namespace ocellus::passes {

Graph differentiate(const Graph& graph, const Values& wrt) {
  Graph result = graph;
  const Values found = gradients(graph.outputs.at(0), wrt);
  for (size_t i = 0; i < wrt.size(); ++i)
    result.outputs.push_back(found[i] ? found[i] : constant(Tensor(wrt[i].dtype(), wrt[i].shape())));
  return result;
}

}  // namespace ocellus::passes

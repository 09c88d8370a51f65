// The reference interpreter: evaluates a graph operator by operator, in float or double. Oracle and debugger.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include <ocellus/graph/graph.h>

namespace ocellus {

/// Called with each node and its outputs as soon as they are known.
using EvaluateObserver = std::function<void(const Node& node, std::span<const Tensor> outputs)>;

/// Outputs of `graph` for `inputs` (in the order of graph.inputs), with floating values in `real`: f32 or f64.
/// Parameters take their current values; updates are not applied.
OCELLUS_API std::vector<Tensor> evaluate(const Graph& graph, std::span<const Tensor> inputs, DType real = DType::f32,
                                         const EvaluateObserver& observer = nullptr);

}  // namespace ocellus

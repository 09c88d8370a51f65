// The reference interpreter: evaluates a graph operator by operator, in f32, f64 or bf16. Oracle and debugger.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include <ocellus/graph/graph.h>

namespace ocellus {

/// Called with each node and its outputs as soon as they are known.
using EvaluateObserver = std::function<void(const Node& node, std::span<const Tensor> outputs)>;

/// Outputs of `graph` for `inputs` (in the order of graph.inputs), computed in `precision`: f32, f64 or bf16; throws a
/// UsageError for others. Parameters take their current values; updates are not applied.
///
/// bf16 means mixed precision: values are held in f32 tensors, and every operator reads its floating inputs and leaves its
/// floating outputs rounded to the nearest bf16 (ties to even, NaN stays NaN), with sums in f32 between the two. Operators
/// whose traits say full_precision round nothing, nor are inputs and outputs rounded that they call wide; inputs,
/// parameters and constants are f32 until an operator that rounds reads them.
OCELLUS_API std::vector<Tensor> evaluate(const Graph& graph, std::span<const Tensor> inputs,
                                         DType precision = DType::f32, const EvaluateObserver& observer = nullptr);

}  // namespace ocellus

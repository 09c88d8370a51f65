// The pipeline from a symbolic graph to a plan, one pass a file, in this order.
#pragma once

#include <unordered_set>

#include <ocellus/engine/calibration.h>
#include <ocellus/engine/program.h>

#include "engine/plan.h"

namespace ocellus::passes {

using ValueSet = std::unordered_set<Value, ValueHash>;

/// Concrete shapes, and each operator's form for the mode. Adds the step counter as a last input if some operator asked.
Graph specialise(const Graph& graph, const Types& inputs, Mode mode);

/// Removes operators that change nothing for the shapes at hand; `stop_gradient` is one once the graph is differentiated.
Graph simplify(const Graph& graph, bool differentiated);

/// Gives zeros around an image to the convolution or pooling after them, as padding of its own. A padded value whose gradient
/// is wanted keeps its users.
Graph fold_padding(const Graph& graph, const ValueSet& wrt);

/// Joins operators with the activation, residual sum or batch normalisation that follows. `wrt` are values whose
/// gradients are wanted: nothing is folded into them.
Graph fuse(const Graph& graph, const ValueSet& wrt);

/// Appends the gradients of outputs[0] with respect to `wrt` to the outputs.
Graph differentiate(const Graph& graph, const Values& wrt);

/// Makes equal subexpressions one. What no output needs disappears by itself: a graph is what its outputs reach.
Graph share(const Graph& graph);

/// A graph as it is before its precision is chosen: specialised, simplified, fused and, where `spec.wrt` asks for it,
/// differentiated, as far as the options ask for it.
struct Prepared {
  Graph graph;
  Values wrt;
};
Prepared prepare(const ProgramSpec& spec, const CompileOptions& options);

/// Lets convolutions and dense layers whose ranges are known compute with bytes.
Graph quantize(const Graph& graph, const Calibration& calibration);

/// Puts operators with products, and what follows them, into `narrow` (bf16), with casts where values change over.
Graph precision(const Graph& graph, DType narrow);

/// Replaces operators for which the backend has no kernel by simpler ones, where they say how.
Graph decompose(const Graph& graph, Backend& backend, bool training);

/// Makes element-wise operators that follow each other one.
Graph chain(const Graph& graph);

/// Asks the backend for kernels, lets layouts flow from producer to consumer, and adds reorders where they differ.
/// `gradients` of the last outputs come in the layout of their parameters.
Plan choose_layouts(const Graph& graph, Backend& backend, Mode mode, const Values& wrt);

/// Orders the steps so that memory is freed early.
void schedule(Plan& plan);

/// Repeats cheap steps of a plan in its final order, so that their results need not be kept, until the arena has no more than
/// `limit` bytes; throws UsageError, with the least that is possible, where it can't.
void recompute(Plan& plan, Backend& backend, Mode mode, size_t limit);

/// Shares memory in place where kernels allow, and gives every arena buffer an offset.
void plan_memory(Plan& plan);

}  // namespace ocellus::passes

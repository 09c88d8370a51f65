// Graph: named inputs and outputs over nodes, its order, its text, and differentiation.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include <ocellus/graph/parameter.h>

namespace ocellus {

/// After a run the parameter `target` takes `value`.
struct Update {
  Value target;
  Value value;
};

/// A function from inputs to outputs. Nodes are shared and immutable: a pass gives a new Graph.
struct OCELLUS_API Graph {
  Values inputs;   ///< of InputOp, in the order of feeding
  Values outputs;
  std::vector<Update> updates;

  /// Every node that outputs and updates need, inputs before users, in an order that depends on the graph alone.
  std::vector<std::shared_ptr<const Node>> order() const;
  /// Outputs, then the updates' values: everything that must be computed.
  Values results() const;
  /// The distinct parameters, in order of first use.
  std::vector<ParameterPtr> parameters() const;
};

/// Gives replacement outputs for a node whose inputs have been replaced already, or nothing to keep it.
using RewriteFn = std::function<std::optional<Values>(const std::shared_ptr<const Node>& node, const Values& inputs)>;

/// Rebuilds a graph bottom-up. Nodes with unchanged inputs that `fn` keeps are shared with the old graph; others are emitted
/// anew, so that every shape is inferred again.
OCELLUS_API Graph rewrite(const Graph& graph, const RewriteFn& fn);

/// Gradient of a scalar `loss` with respect to each of `wrt`, as values of the same graph. Throws ShapeError for a loss that
/// is not a scalar; a value that the loss does not depend on gets an empty Value.
OCELLUS_API Values gradients(const Value& loss, std::span<const Value> wrt);

/// One line a node: `%3 = conv2d(%0, %1, %2) {stride=[1,1]} : f32[N,6,28,28]  # block1/conv1`.
OCELLUS_API std::string to_text(const Graph& graph);

/// Checks that every node's inferred types are those it has, that inputs are distinct and fed, that updates fit their
/// targets; throws Error naming the node. Passes call it after themselves in debug builds.
OCELLUS_API void verify(const Graph& graph);

/// How many users each value has within a graph (results count as users).
OCELLUS_API std::unordered_map<Value, int, ValueHash> count_uses(const Graph& graph);

}  // namespace ocellus

// Precision: which values are bf16 (Micikevicius et al., "Mixed precision training", 2018).
//
// Operators with products compute in bf16; what only follows them (activations, pooling, normalisation, sums, changes of shape)
// does where something that arrives is bf16 already. Softmax and losses stay f32, and so do single inputs and outputs that an
// operator names: statistics, biases, gradients of weights. Parameters stay f32 masters: what reads them gets a cast. Results
// of the program have the types that they had before. A value that a cast only widened counts as what it was.

#include <ocellus/ops/cast.h>

#include "engine/passes/passes.h"

namespace ocellus::passes {
namespace {

class Narrowing {
 public:
  explicit Narrowing(DType narrow) : narrow_(narrow) {}

  std::optional<Values> operator()(const std::shared_ptr<const Node>& node, const Values& inputs) const {
    if (inputs.empty() || node->as<Cast>()) return std::nullopt;
    Values cast;
    for (const Value& v : inputs) cast.push_back(unwidened(v));
    const bool narrow = computes_narrow(*node, cast);
    const uint32_t wide_inputs = node->op().traits().wide_inputs;
    for (size_t i = 0; i < cast.size(); ++i)
      if (cast[i].dtype() == DType::f32 || cast[i].dtype() == narrow_)
        cast[i] = ops::cast(cast[i], narrow && !has(wide_inputs, i) ? narrow_ : DType::f32);
    if (cast == inputs) return std::nullopt;
    return emit(node->op_ptr(), std::move(cast), node->scope());
  }

 private:
  static bool has(uint32_t mask, size_t i) { return i < 32 && (mask >> i & 1) != 0; }

  Value unwidened(const Value& v) const {
    const bool widens = v.node().as<Cast>() && v.dtype() == DType::f32 && v.node().inputs()[0].dtype() == narrow_;
    return widens ? v.node().inputs()[0] : v;
  }

  bool computes_narrow(const Node& node, const Values& inputs) const {
    const Traits traits = node.op().traits();
    if (traits.full_precision) return false;
    if (node.op().macs(node.input_types(), node.types()) > 0) return true;
    for (const Value& v : inputs)
      if (const auto forward = precision_of_trace(v)) return *forward == narrow_;
    for (size_t i = 0; i < inputs.size(); ++i)
      if (!has(traits.wide_inputs, i) && inputs[i].dtype() == narrow_) return true;
    return false;
  }

  /// The precision in which a forward operator computed that left this for its backward one (positions of maxima, a mask): the
  /// backward one must compute in the same, for kernels keep such things in a form of their own. Nothing for other values.
  static std::optional<DType> precision_of_trace(const Value& v) {
    const DType first = v.node().types()[0].dtype;
    return !is_floating(v.dtype()) && is_floating(first) ? std::optional(first) : std::nullopt;
  }

  DType narrow_;
};

}  // namespace

Graph precision(const Graph& graph, DType narrow) {
  const Narrowing narrowing(narrow);
  Graph result = rewrite(graph, narrowing);
  for (size_t i = 0; i < result.outputs.size(); ++i)
    result.outputs[i] = ops::cast(result.outputs[i], graph.outputs[i].dtype());
  for (size_t i = 0; i < result.updates.size(); ++i)
    result.updates[i].value = ops::cast(result.updates[i].value, graph.updates[i].value.dtype());
  return result;
}

}  // namespace ocellus::passes

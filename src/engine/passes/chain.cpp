// Chains: element-wise operators that follow each other become one, which reads and writes memory once.
//
// An operator takes those before it into its chain where it alone uses their results and they have its own type. What depends
// on parameters alone stays outside, for that is computed once.

#include <algorithm>

#include <ocellus/ops/chain.h>

#include "engine/passes/passes.h"

namespace ocellus::passes {
namespace {

constexpr size_t most_links = 12, most_inputs = 8;

class Chaining {
 public:
  explicit Chaining(const Graph& graph) : uses_(count_uses(graph)) {
    for (const auto& node : graph.order())
      if (node->as<InputOp>() || node->op().traits().host ||
          std::ranges::any_of(node->inputs(), [&](const Value& v) { return fed_.contains(&v.node()); }))
        fed_.insert(node.get());
  }

  std::optional<Values> operator()(const std::shared_ptr<const Node>& node, const Values& inputs) const {
    if (!fits(*node, inputs)) return std::nullopt;
    Chain chain;
    Values arguments;
    Link last{node->op_ptr(), {}};
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!joins(*node, i, inputs[i]) || !append(inputs[i].node(), chain.links, arguments, inputs.size() - i))
        last.from.push_back(place(inputs[i], arguments));
      else
        last.from.push_back(-static_cast<int>(chain.links.size()));
    }
    if (chain.links.empty()) return std::nullopt;
    chain.links.push_back(std::move(last));
    return emit(std::make_shared<const Chain>(std::move(chain)), std::move(arguments), node->scope());
  }

 private:
  static bool fits(const Node& node, const Values& inputs) {
    if (!chainable(node.op()) || (node.as<AddN>() && inputs.size() > 2)) return false;
    const TensorType& type = node.types()[0];
    return (type.dtype == DType::f32 || type.dtype == DType::bf16) && std::ranges::all_of(inputs, [&](const Value& v) {
             return v.dtype() == type.dtype && (v.shape() == type.shape || spreads(v.shape(), type.shape));
           });
  }

  /// Whether the node's input i, now `value`, can be computed in the node's chain.
  bool joins(const Node& node, size_t i, const Value& value) const {
    const Value& old = node.inputs()[i];
    return value.type() == node.types()[0] && uses_.at(old) == 1 &&
           fed_.contains(&old.node()) == fed_.contains(&node) &&
           (value.node().as<Chain>() || fits(value.node(), value.node().inputs()));
  }

  /// The argument's number.
  static int place(const Value& v, Values& arguments) {
    const auto at = std::ranges::find(arguments, v);
    if (at == arguments.end()) arguments.push_back(v);
    return static_cast<int>(std::ranges::find(arguments, v) - arguments.begin());
  }

  /// Puts a node, or a chain's links, behind `links`, unless that would leave no room for as many further inputs.
  static bool append(const Node& node, std::vector<Link>& links, Values& arguments, size_t further) {
    const auto* chain = node.as<Chain>();
    const size_t count = chain ? chain->links.size() : 1;
    if (links.size() + count + further > most_links || arguments.size() + node.inputs().size() + further > most_inputs)
      return false;
    std::vector<int> places;
    for (const Value& v : node.inputs()) places.push_back(place(v, arguments));
    const int before = static_cast<int>(links.size());
    const auto moved = [&](int from) { return from >= 0 ? places[static_cast<size_t>(from)] : from - before; };
    if (!chain) {
      links.push_back({node.op_ptr(), places});
      return true;
    }
    for (Link link : chain->links) {
      std::ranges::transform(link.from, link.from.begin(), moved);
      links.push_back(std::move(link));
    }
    return true;
  }

  std::unordered_map<Value, int, ValueHash> uses_;
  std::unordered_set<const Node*> fed_;  ///< depend on what is fed
};

}  // namespace

Graph chain(const Graph& graph) {
  const Chaining chaining(graph);
  return rewrite(graph, [&](const auto& node, const Values& inputs) { return chaining(node, inputs); });
}

}  // namespace ocellus::passes

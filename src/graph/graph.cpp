#include <ocellus/graph/graph.h>

#include <fmt/format.h>

#include <unordered_set>

namespace ocellus {
namespace {

Values present(const Values& values) {
  Values found;
  for (const Value& v : values)
    if (v) found.push_back(v);
  return found;
}

}  // namespace

Values Graph::results() const {
  Values all = outputs;
  for (const Update& u : updates) all.push_back(u.value);
  return all;
}

std::vector<std::shared_ptr<const Node>> Graph::order() const {
  struct Frame {
    std::shared_ptr<const Node> node;
    size_t next = 0;
  };
  std::vector<std::shared_ptr<const Node>> order;
  std::unordered_set<const Node*> seen;
  std::vector<Frame> stack;
  const auto visit = [&](const Value& v) {
    if (seen.insert(&v.node()).second) stack.push_back({v.node_ptr()});
  };
  const auto finish = [&] {
    while (!stack.empty()) {
      Frame& top = stack.back();
      if (top.next < top.node->inputs().size()) {
        visit(top.node->inputs()[top.next++]);
      } else {
        order.push_back(std::move(top.node));
        stack.pop_back();
      }
    }
  };
  for (const Value& v : results()) {
    visit(v);
    finish();
  }
  return order;
}

std::vector<ParameterPtr> Graph::parameters() const {
  std::vector<ParameterPtr> found;
  std::unordered_set<const Parameter*> seen;
  for (const auto& node : order())
    if (const auto* op = node->as<ParameterOp>(); op && seen.insert(op->parameter.get()).second)
      found.push_back(op->parameter);
  return found;
}

Graph rewrite(const Graph& graph, const RewriteFn& fn) {
  std::unordered_map<Value, Value, ValueHash> now;
  const auto renew = [&](const Value& v) {
    const auto it = now.find(v);
    return it == now.end() ? v : it->second;
  };
  for (const auto& node : graph.order()) {
    Values inputs;
    bool same = true;
    for (const Value& v : node->inputs()) {
      inputs.push_back(renew(v));
      same = same && inputs.back() == v;
    }
    std::optional<Values> outputs = fn(node, inputs);
    if (!outputs && same) continue;
    if (!outputs)
      outputs = emit(node->op_ptr(), std::move(inputs), node->scope());
    else if (node->scope())
      assign_scope(present(*outputs), std::make_shared<const Scope>(Scope{node->scope()->layer, inputs}));
    for (size_t i = 0; i < outputs->size() && i < node->types().size(); ++i)
      if ((*outputs)[i]) now[Value(node, i)] = (*outputs)[i];
  }
  Graph result;
  for (const Value& v : graph.inputs) result.inputs.push_back(renew(v));
  for (const Value& v : graph.outputs) result.outputs.push_back(renew(v));
  for (const Update& u : graph.updates) result.updates.push_back({renew(u.target), renew(u.value)});
  return result;
}

void verify(const Graph& graph) {
  std::unordered_set<const Node*> fed;
  for (const Value& v : graph.inputs) {
    if (!v.node().as<InputOp>()) throw Error("graph: an input is a " + std::string(v.node().op().name()));
    if (!fed.insert(&v.node()).second) throw Error("graph: an input is listed twice");
  }
  for (const auto& node : graph.order()) {
    const std::string where = fmt::format("graph: {} {}", node->op().name(), node->layer());
    if (const auto* in = node->as<InputOp>(); in && !fed.contains(node.get()))
      throw Error(where + ": input \"" + in->label + "\" is used but not fed");
    if (node->op().infer(node->input_types()) != node->types()) throw Error(where + ": its types are not those it infers");
  }
  for (const Update& u : graph.updates) {
    if (!u.target.node().as<ParameterOp>()) throw Error("graph: an update's target is no parameter");
    if (!(u.target.type() == u.value.type()))
      throw Error("graph: update of " + to_string(u.target.type()) + " with " + to_string(u.value.type()));
  }
}

std::unordered_map<Value, int, ValueHash> count_uses(const Graph& graph) {
  std::unordered_map<Value, int, ValueHash> uses;
  for (const auto& node : graph.order())
    for (const Value& v : node->inputs()) ++uses[v];
  for (const Value& v : graph.results()) ++uses[v];
  return uses;
}

}  // namespace ocellus

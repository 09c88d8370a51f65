#include <fmt/format.h>

#include "engine/passes/passes.h"

namespace ocellus::passes {
namespace {

std::string signature(const Node& node, const Values& inputs) {
  std::string key = std::string(node.op().name()) + attributes(node.op());
  for (const Value& v : inputs) key += fmt::format(",{}.{}", static_cast<const void*>(&v.node()), v.index());
  return key;
}

}  // namespace

Graph share(const Graph& graph) {
  std::unordered_map<std::string, Values> known;
  return rewrite(graph, [&](const std::shared_ptr<const Node>& node, const Values& inputs) -> std::optional<Values> {
    if (node->as<InputOp>() || node->op().traits().host) return std::nullopt;
    const std::string key = signature(*node, inputs);
    if (const auto it = known.find(key); it != known.end()) return it->second;
    Values outputs;
    if (inputs == node->inputs())
      for (size_t i = 0; i < node->types().size(); ++i) outputs.emplace_back(node, i);
    else
      outputs = emit(node->op_ptr(), inputs, node->scope());
    known.emplace(key, outputs);
    return outputs;
  });
}

}  // namespace ocellus::passes

#include <fmt/format.h>

#include <ocellus/graph/graph.h>

namespace ocellus {

std::string to_text(const Graph& graph) {
  std::unordered_map<Value, std::string, ValueHash> names;
  const auto list = [&](const Values& values) {
    std::string s;
    for (const Value& v : values) s += (s.empty() ? "" : ", ") + names[v];
    return s;
  };
  std::string text;
  int next = 0;
  for (const auto& node : graph.order()) {
    std::string results, types;
    for (size_t i = 0; i < node->types().size(); ++i) {
      const std::string name = fmt::format("%{}", next++);
      names[Value(node, i)] = name;
      results += (i > 0 ? ", " : "") + name;
      types += (i > 0 ? ", " : "") + to_string(node->types()[i]);
    }
    std::string attrs = node->as<ParameterOp>() ? node->as<ParameterOp>()->parameter->path() : attributes(node->op());
    if (!attrs.empty()) attrs = " " + attrs;
    text += fmt::format("{} = {}({}){} : {}", results, node->op().name(), list(node->inputs()), attrs, types);
    if (!node->layer().empty()) text += "  # " + node->layer();
    text += "\n";
  }
  text += fmt::format("return {}\n", list(graph.outputs));
  for (const Update& u : graph.updates)
    text += fmt::format("update {} = {}\n", u.target.node().as<ParameterOp>()->parameter->path(), names[u.value]);
  return text;
}

}  // namespace ocellus

#include "engine/passes/value_names.h"

#include <map>

#include <ocellus/ops/conv.h>
#include <ocellus/ops/dense.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/norm.h>

namespace ocellus::passes {
namespace {

std::string with_activation(const Activation& a) {
  return a ? "+" + std::string(enum_names(ActivationKind{})[static_cast<size_t>(a.kind)]) : "";
}

/// The operator with what fusion gave it: another fusion leaves other numbers.
std::string work_of(const Node& node) {
  const std::string name(node.op().name());
  if (const auto* op = node.as<Conv>()) return name + (op->residual ? "+add" : "") + with_activation(op->activation);
  if (const auto* op = node.as<Dense>()) return name + with_activation(op->activation);
  if (const auto* op = node.as<Binary>()) return name + with_activation(op->activation);
  if (const auto* op = node.as<BatchNormInference>()) return name + with_activation(op->activation);
  return name;
}

}  // namespace

std::unordered_map<Value, std::string, ValueHash> value_names(const Graph& graph) {
  std::unordered_map<Value, std::string, ValueHash> names;
  for (size_t i = 0; i < graph.inputs.size(); ++i) names[graph.inputs[i]] = "input " + std::to_string(i);
  std::map<std::pair<const Scope*, std::string>, int> seen;  // within one call of a layer
  for (const auto& node : graph.order()) {
    if (!node->scope() || node->inputs().empty()) continue;
    const std::string work = work_of(*node);
    const int number = seen[{node->scope().get(), work}]++;
    names[Value(node, 0)] = node->layer() + "/" + work + (number > 0 ? " " + std::to_string(number) : "");
  }
  return names;
}

}  // namespace ocellus::passes

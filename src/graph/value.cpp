#include <ocellus/graph/value.h>

#include <unordered_set>

#include <ocellus/graph/op.h>

namespace ocellus {

std::string to_string(const TensorType& type) { return std::string(to_string(type.dtype)) + type.shape.to_string(); }

size_t bytes_of(const TensorType& type) { return static_cast<size_t>(type.shape.numel()) * size_of(type.dtype); }

Node::Node(OpPtr op, Values inputs, Types types, ScopePtr scope)
    : op_(std::move(op)), inputs_(std::move(inputs)), types_(std::move(types)), scope_(std::move(scope)) {}

const std::string& Node::layer() const {
  static const std::string none;
  return scope_ ? scope_->layer->name : none;
}

Types Node::input_types() const {
  Types types;
  types.reserve(inputs_.size());
  for (const Value& v : inputs_) types.push_back(v.type());
  return types;
}

Values emit(OpPtr op, Values inputs, ScopePtr scope) {
  const std::string layer = scope ? scope->layer->name : "";
  Types input_types;
  for (const Value& v : inputs) {
    if (!v) throw ShapeError(std::string(op->name()), layer, "an input is empty");
    input_types.push_back(v.type());
  }
  Types types;
  try {
    types = op->infer(input_types);
  } catch (const ShapeError& e) {
    throw ShapeError(std::string(op->name()), layer, e.message());
  } catch (const TypeError& e) {
    throw TypeError(std::string(op->name()), layer, e.message());
  }
  const size_t count = types.size();
  const auto node = std::make_shared<const Node>(std::move(op), std::move(inputs), std::move(types), std::move(scope));
  Values outputs;
  for (size_t i = 0; i < count; ++i) outputs.emplace_back(node, i);
  return outputs;
}

void assign_scope(std::span<const Value> outputs, const ScopePtr& scope) {
  std::unordered_set<const Node*> seen;
  for (const Value& v : scope->inputs) seen.insert(&v.node());
  std::vector<const Node*> pending;
  for (const Value& v : outputs) pending.push_back(&v.node());
  while (!pending.empty()) {
    const Node* node = pending.back();
    pending.pop_back();
    if (!seen.insert(node).second || node->scope_) continue;
    node->scope_ = scope;
    for (const Value& v : node->inputs()) pending.push_back(&v.node());
  }
}

}  // namespace ocellus

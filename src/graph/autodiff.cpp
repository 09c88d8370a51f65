// Reverse-mode differentiation of a static graph (Griewank & Walther, "Evaluating Derivatives", ch. 3).
//
// Nodes are visited from the loss backwards. A node's gradient is asked for only when its output has one and when some
// wanted value lies behind one of its inputs, so the backward pass of a frozen trunk is never built.

#include <unordered_set>

#include <ocellus/graph/graph.h>

namespace ocellus {
namespace {

/// Values on a path from a wanted value: those whose gradient must be known.
std::unordered_set<Value, ValueHash> reaching(const std::vector<std::shared_ptr<const Node>>& order,
                                              std::span<const Value> wrt) {
  std::unordered_set<Value, ValueHash> active(wrt.begin(), wrt.end());
  for (const auto& node : order) {
    bool any = false;
    for (const Value& v : node->inputs()) any = any || active.contains(v);
    if (!any) continue;
    for (size_t i = 0; i < node->types().size(); ++i)
      if (is_floating(node->types()[i].dtype)) active.insert(Value(node, i));
  }
  return active;
}

class Adjoints {
 public:
  void add(const Value& v, const Value& gradient) { parts_[v].push_back(gradient); }
  /// The sum of what has arrived at v, or an empty Value.
  Value of(const Value& v) {
    const auto it = parts_.find(v);
    if (it == parts_.end()) return {};
    if (it->second.size() > 1) it->second = {add_n(it->second)};
    return it->second.front();
  }

 private:
  std::unordered_map<Value, Values, ValueHash> parts_;
};

void propagate(const std::shared_ptr<const Node>& node, const std::unordered_set<Value, ValueHash>& active,
               Adjoints& adjoints) {
  std::vector<bool> needs;
  bool any_needed = false;
  for (const Value& v : node->inputs()) {
    needs.push_back(active.contains(v));
    any_needed = any_needed || needs.back();
  }
  if (!any_needed) return;
  Values dout;
  bool any_arrives = false;
  for (size_t i = 0; i < node->types().size(); ++i) {
    dout.push_back(adjoints.of(Value(node, i)));
    any_arrives = any_arrives || dout.back();
  }
  if (!any_arrives) return;
  GradCtx ctx(node, dout, needs);
  const Values din = node->op().gradient(ctx);
  for (size_t i = 0; i < din.size(); ++i) {
    if (!din[i] || !needs[i]) continue;
    const Value& in = node->inputs()[i];
    if (!(din[i].type() == in.type()))
      throw ShapeError(std::string(node->op().name()), node->layer(),
                       "gradient of input " + std::to_string(i) + " is " + to_string(din[i].type()) +
                           ", expected " + to_string(in.type()));
    adjoints.add(in, din[i]);
  }
  if (!node->scope()) return;
  // The backward nodes belong to the layer whose gradient they are: reports and errors name it.
  Values roots, boundary = node->inputs();
  for (const Value& v : din)
    if (v) roots.push_back(v);
  for (size_t i = 0; i < node->types().size(); ++i) boundary.push_back(Value(node, i));
  for (const Value& v : dout)
    if (v) boundary.push_back(v);
  assign_scope(roots, std::make_shared<const Scope>(Scope{node->scope()->layer, boundary}));
}

}  // namespace

Values gradients(const Value& loss, std::span<const Value> wrt) {
  if (loss.shape().rank() != 0)
    throw ShapeError("gradients need a scalar loss, got " + to_string(loss.type()));
  Graph graph;
  graph.outputs = {loss};
  const auto order = graph.order();
  const auto active = reaching(order, wrt);
  Adjoints adjoints;
  adjoints.add(loss, constant(Tensor::full(loss.dtype(), {}, 1.0)));
  for (size_t i = order.size(); i-- > 0;) propagate(order[i], active, adjoints);
  Values result;
  for (const Value& v : wrt) result.push_back(adjoints.of(v));
  return result;
}

}  // namespace ocellus

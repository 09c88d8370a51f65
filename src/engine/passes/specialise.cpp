#include "engine/passes/passes.h"

namespace ocellus::passes {
namespace {

class Context final : public ModeCtx {
 public:
  Context(Mode mode) : mode_(mode) {}

  Mode mode() const override { return mode_; }
  bool learns() const override {
    return mode_ == Mode::train && (!node_->scope() || node_->scope()->layer->trainable);
  }
  const Value& in(size_t i) const override { return (*inputs_)[i]; }
  Value step() override {
    if (!step_) step_ = input("step", {DType::i64, {}});
    return step_;
  }
  void update(const Value& target, const Value& value) override { updates_.push_back({target, value}); }

  void at(const Node& node, const Values& inputs) {
    node_ = &node;
    inputs_ = &inputs;
  }
  /// The operators that compute an update belong to the layer that asked for it.
  void claim_updates(size_t from) {
    if (!node_->scope()) return;
    for (size_t i = from; i < updates_.size(); ++i) {
      Values boundary = *inputs_;
      boundary.push_back(updates_[i].target);
      assign_scope(std::span(&updates_[i].value, 1),
                   std::make_shared<const Scope>(Scope{node_->scope()->layer, boundary}));
    }
  }
  const Value& step_input() const { return step_; }
  const std::vector<Update>& updates() const { return updates_; }

 private:
  Mode mode_;
  const Node* node_ = nullptr;
  const Values* inputs_ = nullptr;
  Value step_;
  std::vector<Update> updates_;
};

}  // namespace

Graph specialise(const Graph& graph, const Types& inputs, Mode mode) {
  if (inputs.size() != graph.inputs.size())
    throw ShapeError("the graph has " + std::to_string(graph.inputs.size()) + " inputs, got " +
                     std::to_string(inputs.size()) + " types");
  std::unordered_map<const Node*, Value> fed;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto* op = graph.inputs[i].node().as<InputOp>();
    fed[&graph.inputs[i].node()] = input(op ? op->label : "", inputs[i]);
  }
  Context ctx(mode);
  Graph result = rewrite(graph, [&](const std::shared_ptr<const Node>& node, const Values& in) -> std::optional<Values> {
    if (const auto it = fed.find(node.get()); it != fed.end()) return Values{it->second};
    ctx.at(*node, in);
    const size_t updates = ctx.updates().size();
    auto replacement = node->op().for_mode(ctx);
    ctx.claim_updates(updates);
    return replacement;
  });
  for (size_t i = 0; i < inputs.size(); ++i) result.inputs[i] = fed.at(&graph.inputs[i].node());
  result.updates.insert(result.updates.end(), ctx.updates().begin(), ctx.updates().end());
  if (ctx.step_input()) result.inputs.push_back(ctx.step_input());
  return result;
}

}  // namespace ocellus::passes

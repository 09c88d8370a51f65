// Kernel choice and layout flow, in one walk from inputs to outputs.
//
// Each value has a main representation, the one its kernel writes, and others made on demand by reorders. A kernel is offered
// the main layouts of its inputs and says which it wants; operators that follow their input's layout accept what is there, so
// an activation stays blocked from one convolution to the next and reorders appear only where two kernels truly disagree.
// Whatever depends on parameters alone that nobody is learning (packed weights, folded batch normalisation) is marked to run once.

#include <ocellus/ops/shape.h>

#include "engine/passes/passes.h"

namespace ocellus::passes {
namespace {

using Place = Buffer::Place;

class LayoutFlow {
 public:
  LayoutFlow(Backend& backend, Mode mode, const std::unordered_map<Value, int, ValueHash>& uses,
             std::unordered_set<const Parameter*> learnt)
      : backend_(backend), training_(mode == Mode::train), uses_(uses), learnt_(std::move(learnt)) {}

  void add_input(const Value& v) {
    Buffer b = plain_buffer(v.type(), Place::input);
    b.tensor = Tensor(v.dtype(), v.shape());
    plan.inputs.push_back(add_representation(v, std::move(b)));
  }

  void add(const std::shared_ptr<const Node>& node) {
    if (node->as<InputOp>()) return;  // added by add_input: a graph's inputs are all fed
    if (const auto* p = node->as<ParameterOp>())
      add_parameter(Value(node, 0), p->parameter);
    else if (const auto* c = node->as<ConstantOp>())
      add_constant(Value(node, 0), c->tensor);
    else if (node->op().traits().view)
      add_view(node);
    else
      add_step(node);
  }

  /// The buffer that holds v in `wanted` (null: plain), reordered if need be.
  int as_layout(const Value& v, const LayoutPtr& wanted) {
    auto& forms = representations_.at(v);
    const Buffer& main = plan.buffers[static_cast<size_t>(forms.front())];
    if (main.parameter && !main.parameter->claimed()) claim(forms.front(), wanted);
    for (int b : forms)
      if (same_layout(plan.buffers[static_cast<size_t>(b)].layout, wanted)) return b;
    return reorder(v, wanted);
  }

  Plan plan;

 private:
  static Buffer plain_buffer(const TensorType& type, Place place) {
    Buffer b;
    b.place = place;
    b.type = type;
    b.bytes = bytes_of(type);
    return b;
  }

  int add_representation(const Value& v, Buffer b) {
    plan.buffers.push_back(std::move(b));
    const int index = static_cast<int>(plan.buffers.size()) - 1;
    representations_[v].push_back(index);
    return index;
  }

  void add_parameter(const Value& v, const ParameterPtr& p) {
    Buffer b = plain_buffer(v.type(), Place::parameter);
    b.parameter = p;
    b.layout = p->layout();
    b.bytes = p->storage_bytes();
    add_representation(v, std::move(b));
    plan.parameters.push_back(p);
  }

  void add_constant(const Value& v, const Tensor& tensor) {
    Buffer b = plain_buffer(v.type(), Place::constant);
    b.tensor = tensor;
    add_representation(v, std::move(b));
  }

  void add_view(const std::shared_ptr<const Node>& node) {
    const int source = as_layout(node->inputs()[0], nullptr);
    Buffer b = plain_buffer(node->types()[0], plan.buffers[static_cast<size_t>(source)].place);
    b.parameter = plan.buffers[static_cast<size_t>(source)].parameter;
    b.alias = source;
    add_representation(Value(node, 0), std::move(b));
  }

  /// A parameter's storage takes the layout that its first user wants, if masters can live in it.
  void claim(int buffer, const LayoutPtr& wanted) {
    Buffer& b = plan.buffers[static_cast<size_t>(buffer)];
    b.parameter->claim(wanted && wanted->holds_masters() ? wanted : nullptr);
    b.layout = b.parameter->layout();
    b.bytes = b.parameter->storage_bytes();
  }

  /// Depends on constants and on parameters that are not being learnt, and on nothing else.
  bool runs_once(const std::vector<int>& inputs) const {
    for (int b : inputs) {
      const Buffer& root = plan.buffers[static_cast<size_t>(plan.root(b))];
      if (root.place == Place::arena || root.place == Place::input) return false;
      if (root.place == Place::parameter && learnt_.contains(root.parameter.get())) return false;
    }
    return true;
  }

  int reorder(const Value& v, const LayoutPtr& wanted) {
    const int from = representations_.at(v).front();
    Step step;
    step.layer = v.node().layer();
    step.inputs = {from};
    step.once = runs_once(step.inputs);
    const LayoutPtr source = plan.buffers[static_cast<size_t>(from)].layout;
    step.kernel.name = "reorder";
    step.kernel.inputs = {source};
    step.kernel.outputs = {wanted};
    step.kernel.kernel = backend_.reorder(v.type(), source, wanted);
    Buffer b = plain_buffer(v.type(), step.once ? Place::kept : Place::arena);
    b.layout = wanted;
    if (wanted) b.bytes = wanted->bytes();
    step.outputs = {add_representation(v, std::move(b))};
    plan.steps.push_back(std::move(step));
    return plan.steps.back().outputs[0];
  }

  void add_step(const std::shared_ptr<const Node>& node) {
    std::vector<LayoutPtr> layouts;
    for (const Value& v : node->inputs())
      layouts.push_back(plan.buffers[static_cast<size_t>(representations_.at(v).front())].layout);
    std::vector<bool> used;
    for (size_t i = 0; i < node->types().size(); ++i) used.push_back(uses_.contains(Value(node, i)));

    Step step;
    step.node = node;
    step.layer = node->layer();
    KernelOffer offer = backend_.offer({*node, layouts, used, training_});
    step.refusals = std::move(offer.refusals);
    step.kernel = offer.plan ? std::move(*offer.plan) : reference_kernel(*node);
    for (size_t i = 0; i < node->inputs().size(); ++i)
      step.inputs.push_back(as_layout(node->inputs()[i], step.kernel.inputs[i]));
    step.once = !node->op().traits().host && runs_once(step.inputs);
    for (size_t i = 0; i < node->types().size(); ++i) {
      if (!used[i]) {
        step.outputs.push_back(none);
        continue;
      }
      Buffer b = plain_buffer(node->types()[i], step.once ? Place::kept : Place::arena);
      b.layout = step.kernel.outputs[i];
      if (b.layout) b.bytes = b.layout->bytes();
      step.outputs.push_back(add_representation(Value(node, i), std::move(b)));
    }
    if (step.kernel.scratch > 0) {
      Buffer b;
      b.bytes = step.kernel.scratch;
      if (step.once) b.place = Place::kept;
      plan.buffers.push_back(std::move(b));
      step.scratch = static_cast<int>(plan.buffers.size()) - 1;
    }
    plan.steps.push_back(std::move(step));
  }

  Backend& backend_;
  bool training_;
  const std::unordered_map<Value, int, ValueHash>& uses_;
  std::unordered_set<const Parameter*> learnt_;
  std::unordered_map<Value, std::vector<int>, ValueHash> representations_;
};

/// The parameters that change from run to run: those with a wanted gradient, and the targets of updates.
std::unordered_set<const Parameter*> learnt_parameters(const Graph& graph, const Values& wrt) {
  std::unordered_set<const Parameter*> found;
  for (const Value& v : wrt)
    if (const auto* p = v.node().as<ParameterOp>()) found.insert(p->parameter.get());
  for (const Update& u : graph.updates) found.insert(u.target.node().as<ParameterOp>()->parameter.get());
  return found;
}

}  // namespace

Plan choose_layouts(const Graph& graph, Backend& backend, Mode mode, const Values& wrt) {
  const auto uses = count_uses(graph);
  LayoutFlow flow(backend, mode, uses, learnt_parameters(graph, wrt));
  for (const Value& v : graph.inputs) flow.add_input(v);
  for (const auto& node : graph.order()) flow.add(node);
  const size_t gradients_begin = graph.outputs.size() - wrt.size();
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    const ParameterOp* p = i < gradients_begin ? nullptr : wrt[i - gradients_begin].node().as<ParameterOp>();
    flow.plan.outputs.push_back(flow.as_layout(graph.outputs[i], p ? p->parameter->layout() : nullptr));
  }
  for (const Update& u : graph.updates) {
    const ParameterPtr p = u.target.node().as<ParameterOp>()->parameter;
    if (!p->claimed()) p->claim(nullptr);
    flow.plan.updates.emplace_back(p, flow.as_layout(u.value, p->layout()));
  }
  return std::move(flow.plan);
}

}  // namespace ocellus::passes

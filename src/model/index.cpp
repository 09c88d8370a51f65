// From a graph to rows: every node that computes belongs to one call of one layer. Operators that were applied outside of any
// layer become layers of their own, named after the operator, as Keras does with bare operations.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "model/state.h"

namespace ocellus {
namespace {

bool is_source(const Node& node) { return node.as<ParameterOp>() || node.as<ConstantOp>(); }

/// Gives each operator outside of layers a scope, and takes its parameters and constants into it.
void adopt_strays(const std::vector<std::shared_ptr<const Node>>& order) {
  for (const auto& node : order) {
    if (node->scope() || node->as<InputOp>() || is_source(*node)) continue;
    Values boundary;
    for (const Value& v : node->inputs())
      if (!is_source(v.node())) boundary.push_back(v);
    const auto layer = std::make_shared<LayerInfo>(LayerInfo{std::string(node->op().name()), ""});
    Values outputs;
    for (size_t i = 0; i < node->types().size(); ++i) outputs.emplace_back(node, i);
    assign_scope(outputs, std::make_shared<const Scope>(Scope{layer, std::move(boundary)}));
  }
}

/// Hands out names that nobody has: conv2d, conv2d_1, ...
class Names {
 public:
  void reserve(const std::string& name) { taken_.insert(name); }
  bool taken(const std::string& name) const { return taken_.contains(name); }
  std::string number(const std::string& base) {
    std::string name;
    do {
      const int n = next_[base]++;
      name = n == 0 ? base : fmt::format("{}_{}", base, n);
    } while (taken_.contains(name));
    taken_.insert(name);
    return name;
  }

 private:
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, int> next_;
};

std::vector<std::shared_ptr<LayerInfo>> distinct_layers(const std::vector<std::shared_ptr<const Node>>& order) {
  std::vector<std::shared_ptr<LayerInfo>> layers;
  std::unordered_set<const LayerInfo*> seen;
  for (const auto& node : order)
    if (node->scope() && seen.insert(node->scope()->layer.get()).second) layers.push_back(node->scope()->layer);
  return layers;
}

void name_layers(Model::State& state) {
  Names names;
  for (const auto& layer : state.layers) {
    if (layer->name.empty()) continue;
    if (names.taken(layer->name))
      throw UsageError(fmt::format("model {}: two layers are called {}; give one of them another name", state.name,
                                   layer->name));
    names.reserve(layer->name);
  }
  for (const Value& v : state.graph.inputs) {
    const std::string& label = v.node().as<InputOp>()->label;
    if (!label.empty() && names.taken(label))
      throw UsageError(fmt::format("model {}: {} names an input and something else", state.name, label));
    if (!label.empty()) names.reserve(label);
  }
  state.inputs.clear();
  for (const Value& v : state.graph.inputs) {
    const std::string& label = v.node().as<InputOp>()->label;
    state.inputs.push_back(label.empty() ? names.number("input_layer") : label);
  }
  for (const auto& layer : state.layers)
    if (layer->name.empty()) layer->name = names.number(nn::snake_case(layer->kind));
}

/// Rows in order of their first node; `at` says which row a node is in.
class Grouping {
 public:
  explicit Grouping(Model::State& state) : state_(state) {}

  void group(const std::vector<std::shared_ptr<const Node>>& order) {
    for (size_t i = 0; i < state_.graph.inputs.size(); ++i) {
      const auto& node = state_.graph.inputs[i].node_ptr();
      at_[node.get()] = state_.calls.size();
      state_.calls.push_back({nullptr, state_.inputs[i], {node}, {state_.graph.inputs[i]}, {}});
    }
    for (const auto& node : order)
      if (node->scope() && !at_.contains(node.get())) place(node);
    connect(order);
  }

 private:
  void place(const std::shared_ptr<const Node>& node) {
    const auto [row, fresh] = rows_.try_emplace(node->scope().get(), state_.calls.size());
    if (fresh) {
      const auto& layer = node->scope()->layer;
      const int call = calls_of_[layer.get()]++;
      state_.calls.push_back({layer, call == 0 ? layer->name : fmt::format("{}:{}", layer->name, call), {}, {}, {}});
    }
    at_[node.get()] = row->second;
    state_.calls[row->second].nodes.push_back(node);
  }

  void connect(const std::vector<std::shared_ptr<const Node>>& order) {
    for (const auto& node : order) {
      const auto user = at_.find(node.get());
      if (user == at_.end()) continue;
      for (const Value& v : node->inputs()) {
        const auto source = at_.find(&v.node());
        if (source == at_.end() || source->second == user->second) continue;
        leaves(source->second, v);
        auto& sources = state_.calls[user->second].sources;
        if (std::find(sources.begin(), sources.end(), source->second) == sources.end()) sources.push_back(source->second);
      }
    }
    for (const Value& v : state_.graph.outputs)
      if (const auto source = at_.find(&v.node()); source != at_.end()) leaves(source->second, v);
    for (LayerCall& call : state_.calls)
      if (call.outputs.empty() && !call.nodes.empty()) call.outputs.push_back(Value(call.nodes.back(), 0));
  }

  void leaves(size_t call, const Value& v) {
    Values& outputs = state_.calls[call].outputs;
    if (std::find(outputs.begin(), outputs.end(), v) == outputs.end()) outputs.push_back(v);
  }

  Model::State& state_;
  std::unordered_map<const Node*, size_t> at_;
  std::unordered_map<const Scope*, size_t> rows_;
  std::unordered_map<const LayerInfo*, int> calls_of_;
};

void check_inputs(const Model::State& state, const std::vector<std::shared_ptr<const Node>>& order) {
  for (size_t i = 0; i < state.graph.inputs.size(); ++i) {
    const Value& v = state.graph.inputs[i];
    if (!v || !v.node().as<InputOp>()) throw UsageError(fmt::format("model {}: input {} is no nn::input", state.name, i));
    for (size_t k = 0; k < i; ++k)
      if (state.graph.inputs[k] == v) throw UsageError(fmt::format("model {}: an input is listed twice", state.name));
  }
  for (const Value& v : state.graph.outputs)
    if (!v) throw UsageError(fmt::format("model {}: an output is empty", state.name));
  if (state.graph.outputs.empty()) throw UsageError(fmt::format("model {}: has no outputs", state.name));
  for (const auto& node : order) {
    if (!node->as<InputOp>()) continue;
    const bool listed = std::any_of(state.graph.inputs.begin(), state.graph.inputs.end(),
                                    [&](const Value& v) { return &v.node() == node.get(); });
    if (!listed)
      throw UsageError(fmt::format("model {}: its outputs need an input {} that is not listed", state.name,
                                   to_string(node->types()[0])));
  }
}

}  // namespace

void Model::State::index() {
  const auto order = graph.order();
  check_inputs(*this, order);
  adopt_strays(order);
  layers = distinct_layers(order);
  name_layers(*this);
  calls.clear();
  Grouping(*this).group(order);
  parameters = graph.parameters();
  std::unordered_map<std::string, const Parameter*> paths;
  for (const ParameterPtr& p : parameters)
    if (!paths.emplace(p->path(), p.get()).second)
      throw UsageError(fmt::format("model {}: two parameters are called {}", name, p->path()));
}

}  // namespace ocellus

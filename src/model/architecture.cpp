#include "model/architecture.h"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ocellus/ops/attributes.h>

namespace ocellus {
namespace {

using nlohmann::json;
using ordered = nlohmann::ordered_json;

constexpr size_t most_nodes = 1'000'000;
constexpr int64_t most_elements = int64_t{1} << 31;  // of one sample: more can't be meant, and would cost time to refuse later

class Writer {
 public:
  Writer(const Model::State& state, SafetensorsFile& file) : state_(state), file_(file) {}

  std::string text() {
    ordered root;
    root["name"] = state_.name;
    for (const auto& layer : state_.layers) {
      layer_at_[layer.get()] = layer_at_.size();
      layers_.push_back({{"kind", layer->kind}, {"name", layer->name}, {"trainable", layer->trainable}});
    }
    for (const ParameterPtr& p : state_.parameters) parameter(p);
    // Inputs come first, used or not, so that all of them are there.
    for (const Value& v : state_.graph.inputs) node(v.node_ptr());
    for (const auto& n : state_.graph.order())
      if (!node_at_.contains(n.get())) node(n);
    root["layers"] = layers_;
    root["parameters"] = parameters_;
    root["calls"] = calls_;
    root["nodes"] = nodes_;
    root["inputs"] = references(state_.graph.inputs);
    root["input_names"] = state_.inputs;
    root["outputs"] = references(state_.graph.outputs);
    return root.dump();
  }

 private:
  void parameter(const ParameterPtr& p) {
    parameter_at_[p.get()] = parameter_at_.size();
    ordered entry = {{"name", p->name()},
                     {"shape", std::vector<int64_t>(p->shape().begin(), p->shape().end())},
                     {"role", enum_names(ParamRole{})[static_cast<size_t>(p->role())]}};
    if (p->layer()) entry["layer"] = layer_at_.at(p->layer().get());
    parameters_.push_back(std::move(entry));
  }

  ordered references(const Values& values) {
    ordered list = ordered::array();
    for (const Value& v : values) list.push_back({node_at_.at(&v.node()), v.index()});
    return list;
  }

  size_t call(const ScopePtr& scope) {
    const auto [it, fresh] = call_at_.try_emplace(scope.get(), call_at_.size());
    if (fresh) calls_.push_back(layer_at_.at(scope->layer.get()));
    return it->second;
  }

  void node(const std::shared_ptr<const Node>& n) {
    ordered entry;
    entry["op"] = n->op().name();
    if (const auto* p = n->as<ParameterOp>()) {
      entry["parameter"] = parameter_at_.at(p->parameter.get());
    } else if (const auto* c = n->as<ConstantOp>()) {
      const std::string name = fmt::format("constant/{}", constants_++);
      file_.tensors.emplace_back(name, c->tensor);
      entry["tensor"] = name;
    } else {
      ordered attributes = ordered::parse(attributes_to_json(n->op()));
      if (!attributes.empty()) entry["attributes"] = std::move(attributes);
    }
    if (!n->inputs().empty()) entry["inputs"] = references(n->inputs());
    if (n->scope()) entry["call"] = call(n->scope());
    node_at_[n.get()] = node_at_.size();
    nodes_.push_back(std::move(entry));
  }

  const Model::State& state_;
  SafetensorsFile& file_;
  ordered layers_ = ordered::array(), parameters_ = ordered::array(), calls_ = ordered::array(), nodes_ = ordered::array();
  std::unordered_map<const LayerInfo*, size_t> layer_at_;
  std::unordered_map<const Parameter*, size_t> parameter_at_;
  std::unordered_map<const Scope*, size_t> call_at_;
  std::unordered_map<const Node*, size_t> node_at_;
  size_t constants_ = 0;
};

class Reader {
 public:
  Reader(const SafetensorsFile& file, const std::string& source) : file_(file), source_(source) {}

  void read(std::string_view text, Model::State& state) {
    try {
      const json root = json::parse(text);
      root.at("name").get_to(state.name);
      layers(root.at("layers"));
      parameters(root.at("parameters"));
      for (const json& layer : root.at("calls")) calls_.push_back({pick(layers_, layer, "layer"), {}});
      nodes(root.at("nodes"));
      state.graph.inputs = values(root.at("inputs"), "inputs");
      state.graph.outputs = values(root.at("outputs"), "outputs");
    } catch (const json::exception& e) {
      throw FormatError(source_, "metadata architecture", "is damaged: " + std::string(e.what()));
    }
  }

 private:
  [[noreturn]] void fail(const std::string& where, const std::string& what) const {
    throw FormatError(source_, "architecture, " + where, what);
  }

  template <class List>
  typename List::value_type& pick(List& list, const json& index, const char* what) const {
    const auto i = index.get<int64_t>();
    if (!index.is_number_integer() || i < 0 || static_cast<size_t>(i) >= list.size())
      fail(what, fmt::format("number {} is none of {}", index.dump(), list.size()));
    return list[static_cast<size_t>(i)];
  }

  void layers(const json& list) {
    for (const json& l : list)
      layers_.push_back(std::make_shared<LayerInfo>(LayerInfo{
          l.at("kind").get<std::string>(), l.at("name").get<std::string>(), l.at("trainable").get<bool>()}));
  }

  void parameters(const json& list) {
    const auto roles = enum_names(ParamRole{});
    for (const json& p : list) {
      const auto name = p.at("name").get<std::string>(), role = p.at("role").get<std::string>();
      const auto found = std::find(roles.begin(), roles.end(), role);
      if (found == roles.end()) fail("parameter " + name, "has the unknown role " + role);
      const auto layer = p.contains("layer") ? pick(layers_, p.at("layer"), "layer") : nullptr;
      // The tensor is looked at before memory is taken for a shape that only the JSON claims.
      const std::string path = layer && !layer->name.empty() ? layer->name + "/" + name : name;
      const Tensor* tensor = file_.find(path);
      if (!tensor) throw FormatError(source_, "tensor " + path, "is missing");
      const auto dims = p.at("shape").get<std::vector<int64_t>>();
      if (!std::equal(dims.begin(), dims.end(), tensor->shape().begin(), tensor->shape().end()))
        throw FormatError(source_, "tensor " + path,
                          fmt::format("is {}, the architecture says [{}]", tensor->shape().to_string(), fmt::join(dims, ",")));
      parameters_.push_back(std::make_shared<Parameter>(name, tensor->shape(), static_cast<ParamRole>(found - roles.begin()),
                                                        nullptr, layer));
    }
  }

  void nodes(const json& list) {
    if (list.size() > most_nodes) fail("nodes", fmt::format("{} are too many", list.size()));
    for (size_t i = 0; i < list.size(); ++i) {
      const std::string where = fmt::format("node {}", i);
      const json& n = list[i];
      const auto name = n.at("op").get<std::string>();
      const Values inputs = n.contains("inputs") ? values(n.at("inputs"), where) : Values{};
      try {
        nodes_.push_back(emit(op(n, name, where), inputs, scope(n, inputs)));
        for (const Value& v : nodes_.back())
          if (with_batch(v.type(), 1).shape.numel() > most_elements) fail(where, to_string(v.type()) + " is too large");
      } catch (const OpError& e) {
        fail(where, e.what());
      } catch (const UsageError& e) {
        fail(where, e.what());
      } catch (const Unsupported& e) {
        fail(where, e.what());
      }
    }
  }

  OpPtr op(const json& n, const std::string& name, const std::string& where) {
    if (name == "parameter") {
      auto op = std::make_shared<ParameterOp>();
      op->parameter = pick(parameters_, n.at("parameter"), "parameter");
      return op;
    }
    if (name == "constant") {
      auto op = std::make_shared<ConstantOp>();
      const auto tensor = n.at("tensor").get<std::string>();
      const Tensor* found = file_.find(tensor);
      if (!found) fail(where, "its tensor " + tensor + " is missing");
      op->tensor = found->clone();
      return op;
    }
    return op_from_json(name, n.contains("attributes") ? n.at("attributes").dump() : "{}");
  }

  ScopePtr scope(const json& n, const Values& inputs) {
    if (!n.contains("call")) return nullptr;
    Call& call = pick(calls_, n.at("call"), "call");
    if (!call.scope) call.scope = std::make_shared<const Scope>(Scope{call.layer, inputs});
    return call.scope;
  }

  /// References to nodes that have been read already: a graph can't have cycles this way.
  Values values(const json& list, const std::string& where) const {
    Values result;
    for (const json& reference : list) {
      const auto node = reference.at(0).get<int64_t>(), output = reference.at(1).get<int64_t>();
      if (node < 0 || static_cast<size_t>(node) >= nodes_.size())
        fail(where, fmt::format("refers to node {}, which does not come before it", node));
      const Values& outputs = nodes_[static_cast<size_t>(node)];
      if (output < 0 || static_cast<size_t>(output) >= outputs.size())
        fail(where, fmt::format("refers to output {} of node {}, which has {}", output, node, outputs.size()));
      result.push_back(outputs[static_cast<size_t>(output)]);
    }
    return result;
  }

  struct Call {
    std::shared_ptr<LayerInfo> layer;
    ScopePtr scope;
  };

  const SafetensorsFile& file_;
  const std::string& source_;
  std::vector<std::shared_ptr<LayerInfo>> layers_;
  std::vector<ParameterPtr> parameters_;
  std::vector<Call> calls_;
  std::vector<Values> nodes_;
};

}  // namespace

std::string architecture_to_json(const Model::State& state, SafetensorsFile& file) { return Writer(state, file).text(); }

void architecture_from_json(std::string_view text, const SafetensorsFile& file, const std::string& source,
                            Model::State& state) {
  Reader(file, source).read(text, state);
  try {
    state.index();
  } catch (const UsageError& e) {
    throw FormatError(source, "architecture", e.what());
  }
}

}  // namespace ocellus

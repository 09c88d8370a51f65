#include "io/onnx/support/graph_writer.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <ocellus/base/error.h>
#include <ocellus/graph/parameter.h>

#include "io/onnx/support/export_table.h"
#include "io/onnx/support/tensor.h"

namespace ocellus::io::onnx_io {
namespace {

const ExportEntry* find_export(std::string_view name) {
  for (const Lister lister : exported_in_listers())
    for (const ExportEntry& entry : lister())
      if (entry.name == name) return &entry;
  return nullptr;
}

void describe(const std::string& name, const TensorType& type, onnx::ValueInfoProto& info) {
  info.set_name(name);
  auto& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(onnx_type_of(type.dtype));
  auto& shape = *tensor.mutable_shape();
  for (int64_t d : type.shape) {
    auto& dim = *shape.add_dim();
    if (d == any_dim)
      dim.set_dim_param("N");
    else
      dim.set_dim_value(d);
  }
}

void set(const Attribute& attribute, onnx::AttributeProto& proto) {
  using onnx::AttributeProto;
  proto.set_name(std::string(attribute.name));
  if (const auto* i = std::get_if<int64_t>(&attribute.value)) {
    proto.set_type(AttributeProto::INT);
    proto.set_i(*i);
  } else if (const auto* x = std::get_if<double>(&attribute.value)) {
    proto.set_type(AttributeProto::FLOAT);
    proto.set_f(static_cast<float>(*x));
  } else if (const auto* s = std::get_if<std::string_view>(&attribute.value)) {
    proto.set_type(AttributeProto::STRING);
    proto.set_s(std::string(*s));
  } else {
    proto.set_type(AttributeProto::INTS);
    for (int64_t n : std::get<std::vector<int64_t>>(attribute.value)) proto.add_ints(n);
  }
}

bool is_source(const Node& node) { return node.inputs().empty(); }

/// Names of operators with how many there are of each.
class Refusals {
 public:
  void add(const Node& node, const std::string& reason) {
    auto& [count, layer] = of_[std::string(node.op().name()) + (reason.empty() ? "" : " with " + reason)];
    if (count++ == 0) layer = node.layer();
  }
  void report(const std::string& model) const {
    if (of_.empty()) return;
    std::string list;
    for (const auto& [what, where] : of_)
      list += fmt::format("{}{} ({}{})", list.empty() ? "" : "; ", what,
                          where.first > 1 ? fmt::format("{} of them, the first in ", where.first) : "", where.second);
    throw Unsupported(fmt::format("model {} can't be written as ONNX: {}", model, list));
  }

 private:
  std::map<std::string, std::pair<int, std::string>> of_;
};

}  // namespace

GraphWriter::GraphWriter(const Model& model, onnx::GraphProto& proto)
    : model_(model), graph_(model.graph()), proto_(proto), uses_(count_uses(graph_)) {
  for (const ParameterPtr& p : graph_.parameters()) with_parameters_.insert(p->layer().get());
}

void GraphWriter::write() {
  inputs();
  Refusals refusals;
  for (const auto& node : graph_.order()) {
    if (is_source(*node)) continue;
    const ExportEntry* entry = find_export(node->op().name());
    if (!entry) {
      refusals.add(*node, "");
      continue;
    }
    try {
      OpWriter writer(*this, node);
      entry->write(writer);
    } catch (const Unsupported& e) {
      refusals.add(*node, e.what());
    }
  }
  refusals.report(model_.name());
  results();
}

void GraphWriter::inputs() {
  const auto names = model_.input_names();
  for (size_t i = 0; i < graph_.inputs.size(); ++i) {
    const std::string name = unique(names[i]);
    names_[graph_.inputs[i]] = name;
    describe(name, graph_.inputs[i].type(), *proto_.add_input());
  }
  // Names of outputs are kept for what they name.
  for (const std::string& name : model_.output_names())
    outputs_.push_back(taken_.contains(name) && std::ranges::count(outputs_, name) == 0 ? unique(name) : name);
  taken_.insert(outputs_.begin(), outputs_.end());
}

/// Outputs are called as the model calls them. What a node gives is renamed; an input or constant, and what is an output
/// twice, passes through a node of its own.
void GraphWriter::results() {
  std::unordered_set<std::string> given;
  for (size_t i = 0; i < graph_.outputs.size(); ++i) {
    const Value& v = graph_.outputs[i];
    const std::string now = name_of(v);
    std::string name = given.contains(outputs_[i]) ? unique(outputs_[i]) : outputs_[i];
    if (given.contains(now) || !rename(now, name)) {
      rename(add(v.node(), "Identity", {now}, 1, {})[0], name);
    }
    given.insert(name);
    describe(name, v.type(), *proto_.add_output());
  }
}

std::string GraphWriter::unique(const std::string& wanted) {
  std::string name = wanted;
  for (int i = 1; !taken_.insert(name).second; ++i) name = fmt::format("{}_{}", wanted, i);
  return name;
}

std::string GraphWriter::base_name(const Node& node) const {
  return node.layer().empty() ? std::string(node.op().name()) : node.layer();
}

/// A layer's name goes to the node that has its weights, or to the first one of a layer without.
std::string GraphWriter::node_name(const Node& node, std::string_view kind) {
  const std::string base = base_name(node);
  const auto is_parameter = [](const Value& v) { return v.node().as<ParameterOp>() != nullptr; };
  const bool main = !node.scope() || !with_parameters_.contains(node.scope()->layer.get()) ||
                    std::ranges::any_of(node.inputs(), is_parameter);
  const std::string wanted = main && !node_names_.contains(base) ? base : fmt::format("{}/{}", base, kind);
  std::string name = wanted;
  for (int i = 1; !node_names_.insert(name).second; ++i) name = fmt::format("{}_{}", wanted, i);
  return name;
}

std::string GraphWriter::name_of(const Value& v) {
  if (const auto it = names_.find(v); it != names_.end()) return it->second;
  std::string name;
  if (const auto* p = v.node().as<ParameterOp>())
    parameters_.insert(name = initialiser(p->parameter->path(), p->parameter->value()));
  else if (const auto* c = v.node().as<ConstantOp>())
    name = initialiser("constant", c->tensor);
  else
    name = unique("nothing");  // of an operator that has been refused
  return names_[v] = name;
}

Names GraphWriter::add(const Node& node, std::string_view kind, const Names& inputs, size_t outputs,
                       const Attributes& attributes) {
  auto& proto = *proto_.add_node();
  proto.set_op_type(std::string(kind));
  proto.set_name(node_name(node, kind));
  for (const std::string& input : inputs) proto.add_input(input);
  Names names;
  for (size_t i = 0; i < outputs; ++i)
    names.push_back(unique(i == 0 ? proto.name() : fmt::format("{}_{}", proto.name(), i)));
  for (const std::string& output : names) proto.add_output(output);
  for (const Attribute& a : attributes) set(a, *proto.add_attribute());
  return names;
}

void GraphWriter::give(const Value& v, const std::string& name) { names_[v] = name; }

std::string GraphWriter::initialiser(const std::string& wanted, const Tensor& t) {
  const std::string name = unique(wanted);
  from_tensor(t, name, *proto_.add_initializer());
  return name;
}

/// The node that gives an output has the output's name, unless that is the name of a node with weights.
void GraphWriter::call_after_output(onnx::NodeProto& maker, const std::string& name) {
  const auto weighted = [&](const onnx::NodeProto& node) {
    return std::ranges::any_of(node.input(), [&](const auto& input) { return parameters_.contains(input); });
  };
  if (maker.name() == name || weighted(maker)) return;
  for (auto& node : *proto_.mutable_node()) {
    if (node.name() != name) continue;
    if (weighted(node)) return;
    node.set_name(maker.name());
  }
  maker.set_name(name);
}

bool GraphWriter::rename(const std::string& from, const std::string& to) {
  onnx::NodeProto* maker = nullptr;
  for (auto& node : *proto_.mutable_node())
    for (auto& output : *node.mutable_output())
      if (output == from) output = to, maker = &node;
  if (!maker) return false;
  call_after_output(*maker, to);
  for (auto& node : *proto_.mutable_node())
    for (auto& input : *node.mutable_input())
      if (input == from) input = to;
  for (auto& [value, name] : names_)
    if (name == from) name = to;
  return true;
}

}  // namespace ocellus::io::onnx_io

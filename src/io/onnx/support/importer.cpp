// Reading goes through the nodes once, in the file's order, which is one of computation. What is known is computed at once,
// so that shapes and indices that exporters compute step by step are numbers when an operator needs them; everything else
// becomes operators of a graph, one layer a node. Real constants that an operator learns become its layer's parameters.
//
// A batch that the file leaves open stays open, and a batch of one is taken for one that the exporter was shown and is opened
// as well, as long as the whole graph allows that: otherwise the file is read again, to the letter.

#include "io/onnx/support/importer.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <ocellus/base/error.h>
#include <ocellus/engine/reference.h>
#include <ocellus/ops/shape.h>

#include "io/emit.h"
#include "io/onnx/support/metadata.h"
#include "io/onnx/support/model_file.h"
#include "io/onnx/support/node.h"
#include "io/onnx/support/tensor.h"

namespace ocellus::io::onnx_io {
namespace {

constexpr int64_t oldest_opset = 7, newest_opset = 28;
constexpr int64_t most_elements = int64_t{1} << 31;    // of a value of one sample
constexpr int64_t folded_for_free = int64_t{1} << 22;  // elements that a node may add to the constants it is given
constexpr int64_t most_made = int64_t{1} << 28;        // elements of all constants that are not in the file

/// Nodes without a counterpart, of one operator and for one reason.
struct Missing {
  std::string node, shapes;
  int64_t count = 0;
};

/// Everything that can't be read, to be said at once.
class MissingList {
 public:
  void add(const std::string& type, const std::string& reason, const std::string& node, const std::string& shapes) {
    Missing& m = of_[{type, reason}];
    if (m.count++ == 0) m.node = node, m.shapes = shapes;
    ++nodes_;
  }
  bool empty() const { return nodes_ == 0; }
  std::string text() const {
    std::string list;
    for (const auto& [key, m] : of_)
      list += fmt::format("{}{}{} ({}{}: {}{})", list.empty() ? "" : "; ", key.first,
                          key.second.empty() ? "" : " with " + key.second,
                          m.count > 1 ? fmt::format("{} nodes, ", m.count) : "", m.count > 1 ? "the first" : "node",
                          m.node, m.shapes.empty() ? "" : " on " + m.shapes);
    return fmt::format("{} node{} without a counterpart here: {}", nodes_, nodes_ == 1 ? " is" : "s are", list);
  }

 private:
  std::map<std::pair<std::string, std::string>, Missing> of_;
  int64_t nodes_ = 0;
};

/// Names of layers: those of the nodes, or of what they give, each once.
class LayerNames {
 public:
  void reserve(const std::string& name) { taken_.insert(name); }
  /// Names that nodes have, and those of the graph's outputs: what gives an output is called as that, if nothing else is.
  void know(const onnx::GraphProto& graph) {
    for (const auto& node : graph.node()) nodes_.insert(node.name());
    for (const auto& v : graph.output()) outputs_.insert(v.name());
  }
  std::string of(const onnx::NodeProto& node) {
    std::string base = node.name();
    for (const std::string& output : node.output())
      if (base.empty() || (outputs_.contains(output) && !nodes_.contains(output))) base = output;
    base = clean(base);
    if (base.empty()) base = nn::snake_case(node.op_type());
    std::string name = base;
    for (int i = 1; !taken_.insert(name).second; ++i) name = fmt::format("{}_{}", base, i);
    return name;
  }

 private:
  /// Paths in exported names begin with a slash, which would be an unnamed layer here.
  static std::string clean(std::string name) {
    name.erase(0, name.find_first_not_of('/'));
    for (char& c : name)
      if (static_cast<unsigned char>(c) <= ' ') c = '_';
    return name.substr(0, 200);
  }

  std::set<std::string> taken_, nodes_, outputs_;
};

class Importer {
 public:
  Importer(const ModelFile& file, bool free_batch, std::span<const Tensor> samples = {})
      : file_(file), graph_(file.proto().graph()), external_(file.path()), samples_(samples) {
    setting_.opset = file.opset();
    setting_.free_batch = free_batch;
    setting_.shared = &shared_;
  }

  Model read() {
    for (const auto& t : graph_.initializer()) constant_tensor(t.name(), t);
    if (graph_.sparse_initializer_size() > 0)
      missing_.add("sparse initialiser", "", graph_.sparse_initializer(0).values().name(), "");
    Values inputs;
    for (const auto& v : graph_.input())
      if (!operands_.contains(v.name())) inputs.push_back(input(v, inputs.size()));
    mark_needed();
    names_.know(graph_);
    for (int i = 0; i < graph_.node_size(); ++i)
      if (needed_[static_cast<size_t>(i)]) node(graph_.node(i));
    Values outputs = results();
    if (!missing_.empty()) throw Unsupported(fmt::format("{}: {}", file_.path().string(), missing_.text()));
    try {
      Model model(std::move(inputs), std::move(outputs), {.name = file_.name()});
      std::map<std::string, std::string> texts;
      for (const auto& entry : file_.proto().metadata_props()) texts[entry.key()] = entry.value();
      apply_metadata(texts, file_.path().string(), model);
      return model;
    } catch (const UsageError& e) {
      throw FormatError(file_.path().string(), e.what());
    }
  }

 private:
  [[noreturn]] void fail(const std::string& where, const std::string& what) const {
    throw FormatError(file_.path().string(), where, what);
  }

  void constant_tensor(const std::string& name, const onnx::TensorProto& proto) {
    try {
      Operand operand(to_tensor(proto, file_.owner(), &external_));
      operand.name = name;
      if (!operands_.emplace(name, std::move(operand)).second) fail("initialiser " + name, "is there twice");
    } catch (const ShapeError& e) {
      fail("initialiser " + name, e.message());
    } catch (const Unsupported& e) {
      missing_.add("initialiser", e.what(), name, "");
      operands_[name];
    }
  }

  Value input(const onnx::ValueInfoProto& info, size_t number) {
    const std::string where = "input " + info.name();
    if (!info.type().has_tensor_type())
      throw Unsupported(fmt::format("{}: {} is no tensor", file_.path().string(), where));
    const auto& tensor = info.type().tensor_type();
    std::vector<int64_t> dims;
    for (const auto& d : tensor.shape().dim())
      dims.push_back(d.has_dim_value() && d.dim_value() >= 0 ? d.dim_value() : any_dim);
    for (size_t i = 1; i < dims.size(); ++i)
      if (dims[i] == any_dim)
        throw Unsupported(
            fmt::format("{}: {} leaves dimension {} open; only dimension 0, the batch, may be: fix the others "
                        "in the file",
                        file_.path().string(), where, i));
    if (!tensor.has_shape()) throw Unsupported(fmt::format("{}: {} has no shape", file_.path().string(), where));
    if (setting_.free_batch && !dims.empty()) dims[0] = any_dim;
    try {
      const DType dtype = constant_dtype(tensor.elem_type(), where);
      const Shape shape{std::span<const int64_t>(dims)};
      if (shape.rank() > 0 && shape.with(0, std::max<int64_t>(shape[0], 1)).numel() > most_elements)
        fail(where, shape.to_string() + " is too large");
      Value v = ocellus::input(info.name(), {dtype == DType::i64 ? DType::i32 : dtype, shape});
      names_.reserve(info.name());
      if (!operands_.emplace(info.name(), Operand(v)).second) fail(where, "is there twice");
      Operand& operand = operands_[info.name()];
      operand.name = info.name();
      if (number < samples_.size()) operand.sample = samples_[number].to(dtype);
      return v;
    } catch (const OpError& e) {
      fail(where, e.message());
    }
  }

  /// Nodes that the outputs depend on; dead ones need no counterpart.
  void mark_needed() {
    std::unordered_map<std::string, bool> wanted;
    for (const auto& v : graph_.output()) wanted[v.name()] = true;
    needed_.assign(static_cast<size_t>(graph_.node_size()), false);
    for (int i = graph_.node_size() - 1; i >= 0; --i) {
      const auto& node = graph_.node(i);
      if (std::ranges::none_of(node.output(), [&](const auto& o) { return !o.empty() && wanted.contains(o); }))
        continue;
      needed_[static_cast<size_t>(i)] = true;
      for (const auto& name : node.input()) wanted[name] = true;
    }
  }

  void node(const onnx::NodeProto& proto) {
    const std::string where = fmt::format("node {} ({})", label(proto), proto.op_type());
    Operands inputs;
    bool all_known = true, any_lost = false;
    for (const std::string& name : proto.input()) {
      const auto it = operands_.find(name);
      if (!name.empty() && it == operands_.end())
        fail(where, fmt::format("its input {} is not there before it: nodes must be in order of computation", name));
      inputs.push_back(name.empty() ? Operand() : it->second);
      all_known = all_known && (name.empty() || it->second.known);
      any_lost = any_lost || (!name.empty() && !it->second.known && !it->second.value);
    }
    const bool foreign = !proto.domain().empty() && proto.domain() != "ai.onnx";
    const OperatorEntry* entry = foreign ? nullptr : find_operator(proto.op_type());
    if (!entry) lost(proto, inputs, "");
    if (!entry || any_lost) return lose(proto);
    try {
      name_results(proto, inputs,
                   all_known && !entry->knows_shapes ? folded(*entry, proto, inputs) : emitted(*entry, proto, inputs));
    } catch (const Unsupported& e) {
      lost(proto, inputs, e.what());
      lose(proto);
    } catch (const OpError& e) {
      fail(where, e.message());
    } catch (const UsageError& e) {
      fail(where, e.what());
    }
  }

  static std::string label(const onnx::NodeProto& proto) {
    return !proto.name().empty() ? proto.name() : proto.output_size() > 0 ? proto.output(0) : "without a name";
  }

  void lost(const onnx::NodeProto& proto, const Operands& inputs, const std::string& reason) {
    std::string shapes;
    for (const Operand& o : inputs)
      if (o.known || o.value) shapes += (shapes.empty() ? "" : ", ") + onnx_io::to_string(o);
    const std::string type = proto.domain().empty() ? proto.op_type() : proto.domain() + "." + proto.op_type();
    missing_.add(type, reason, label(proto), shapes);
  }

  /// Outputs that nothing is known of; nodes after them are only looked up.
  void lose(const onnx::NodeProto& proto) {
    for (const std::string& name : proto.output())
      if (!name.empty()) operands_[name] = Operand();
  }

  Operands emitted(const OperatorEntry& entry, const onnx::NodeProto& proto, const Operands& inputs) {
    OnnxNode node(proto, inputs, setting_);
    Values given;
    for (const Operand& o : inputs)
      if (o.value) given.push_back(o.value);
    Operands results;
    const std::string name = names_.of(proto);
    const NodeLayer layer(proto.op_type(), name, [&](nn::Build& build, const Values&) {
      node.set_build(&build);
      results = entry.read(node);
      Values values;
      for (const Operand& o : results)
        if (o.value) values.push_back(o.value);
      return values;
    });
    for (const Value& v : layer.outputs(given)) {
      const ScopePtr& scope = v.node().scope();
      if (scope && scope->layer->name == name) scope->layer->kind = node.kind();
      if (sample(v.shape()) > most_elements) throw ShapeError(ocellus::to_string(v.type()) + " is too large");
    }
    return results;
  }

  static int64_t sample(const Shape& shape) { return shape.known() ? shape.numel() : shape.with(0, 1).numel(); }

  /// The same with all inputs known: its values are computed at once.
  Operands folded(const OperatorEntry& entry, const onnx::NodeProto& proto, const Operands& inputs) {
    NodeSetting setting = setting_;
    setting.folding = true;
    OnnxNode node(proto, inputs, setting);
    Operands results = entry.read(node);
    int64_t given = 0;
    bool integers = false, of_batch = false;
    for (const Operand& o : inputs) {
      if (!o.known) continue;
      given += o.constant.numel();
      integers = integers || !is_floating(o.dtype());
      of_batch = of_batch || o.of_batch;
    }
    Graph graph;
    for (const Operand& o : results)
      if (o.value) graph.outputs.push_back(o.value);
    for (const auto& n : graph.order())
      for (const TensorType& type : n->types())
        if (type.shape.numel() > 4 * given + folded_for_free)
          throw ShapeError(ocellus::to_string(type) + " is too large for a constant");
    const auto computed = evaluate(graph, {}, integers ? DType::f64 : DType::f32);
    size_t next = 0;
    for (Operand& o : results) {
      if (o.value) {
        const DType dtype = o.value.dtype();
        o = Operand(computed[next++].to(is_floating(dtype) ? DType::f32 : dtype == DType::i32 ? DType::i64 : dtype));
      }
      o.of_batch = o.of_batch || of_batch;
      made_ += o.constant.numel();
    }
    if (made_ > most_made) throw ShapeError(fmt::format("the file's constants unfold to over {} elements", most_made));
    return results;
  }

  void name_results(const onnx::NodeProto& proto, const Operands& inputs, Operands results) {
    if (static_cast<size_t>(proto.output_size()) > results.size())
      for (int i = static_cast<int>(results.size()); i < proto.output_size(); ++i)
        if (!proto.output(i).empty() && wanted_anywhere(proto.output(i)))
          throw Unsupported(fmt::format("output {}", i));
    for (size_t i = 0; i < std::min(results.size(), static_cast<size_t>(proto.output_size())); ++i) {
      const std::string& name = proto.output(static_cast<int>(i));
      if (name.empty()) continue;
      // What passes unchanged keeps the name under which it is shared.
      const auto same = std::ranges::find_if(inputs, [&](const Operand& o) {
        return o.known && results[i].known && o.constant.data() == results[i].constant.data();
      });
      results[i].name = same != inputs.end() ? same->name : name;
      if (!operands_.emplace(name, std::move(results[i])).second)
        fail(fmt::format("node {} ({})", label(proto), proto.op_type()),
             fmt::format("its output {} is there already", name));
    }
  }

  bool wanted_anywhere(const std::string& name) const {
    const auto uses = [&](const auto& node) { return std::ranges::count(node.input(), name) > 0; };
    return std::ranges::any_of(graph_.node(), uses) ||
           std::ranges::any_of(graph_.output(), [&](const auto& v) { return v.name() == name; });
  }

  Values results() {
    Values outputs;
    for (const auto& v : graph_.output()) {
      const auto it = operands_.find(v.name());
      if (it == operands_.end()) fail("output " + v.name(), "is given by no node");
      const Operand& o = it->second;
      if (o.value) {
        outputs.push_back(o.value);
        if (setting_.free_batch && (o.shape().rank() == 0 || o.shape()[0] != any_dim))
          throw Unsupported("a fixed output");
      } else if (o.known) {
        outputs.push_back(fixed_output(v.name(), o));
      }
    }
    if (outputs.empty() && missing_.empty()) fail("graph", "has no outputs");
    return outputs;
  }

  /// An output that depends on no input: a constant as a layer of its own.
  Value fixed_output(const std::string& name, const Operand& operand) {
    if (setting_.free_batch) throw Unsupported("a fixed output");
    onnx::NodeProto proto;
    proto.set_name(name);
    proto.set_op_type("Constant");
    const OnnxNode node(proto, {operand}, setting_);
    const std::vector<int64_t> dims(operand.shape().begin(), operand.shape().end());
    const NodeLayer layer("Constant", names_.of(proto),
                          [&](nn::Build&, const Values&) { return Values{ops::reshape(node.value(0), dims)}; });
    return layer(Values{});
  }

  const ModelFile& file_;
  const onnx::GraphProto& graph_;
  ExternalFiles external_;
  NodeSetting setting_;
  SharedParameters shared_;
  LayerNames names_;
  MissingList missing_;
  std::unordered_map<std::string, Operand> operands_;
  std::span<const Tensor> samples_;  ///< of inputs
  std::vector<bool> needed_;
  int64_t made_ = 0;  ///< elements of constants that were computed
};

/// Real inputs of more than one dimension, each a batch of one.
bool shows_a_batch_of_one(const onnx::GraphProto& graph) {
  std::set<std::string> initialised;
  for (const auto& t : graph.initializer()) initialised.insert(t.name());
  bool any = false;
  for (const auto& v : graph.input()) {
    if (initialised.contains(v.name())) continue;
    const auto& dims = v.type().tensor_type().shape().dim();
    if (dims.size() < 2 || dims[0].dim_value() != 1) return false;
    any = true;
  }
  return any;
}

void check_opset(const ModelFile& file) {
  if (file.opset() < oldest_opset || file.opset() > newest_opset)
    throw Unsupported(fmt::format("{}: operators of version {}; those from {} to {} are known", file.path().string(),
                                  file.opset(), oldest_opset, newest_opset));
}

}  // namespace

Model import_model(const std::filesystem::path& path) {
  const ModelFile file(path);
  check_opset(file);
  if (shows_a_batch_of_one(file.proto().graph())) {
    try {
      return Importer(file, true).read();
    } catch (const Unsupported&) {  // to the letter, then
    } catch (const FormatError&) {
    }
  }
  return Importer(file, false).read();
}

Model import_model(const std::filesystem::path& path, std::span<const Tensor> samples) {
  const ModelFile file(path);
  check_opset(file);
  return Importer(file, false, samples).read();
}

}  // namespace ocellus::io::onnx_io

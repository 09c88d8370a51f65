// Every operator becomes a layer, or a few. Layers are written in the order in which Keras itself lists them, by their distance from
// the outputs, because .keras files find a layer's arrays by counting.
#include "io/keras/export.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/base/file.h>

#include "io/keras/archive.h"
#include "io/keras/hdf5.h"
#include "io/keras/operator_table.h"
#include "io/keras/weights.h"
#include "io/tensors.h"
#include "model/compile_json.h"

namespace ocellus::io::keras {
namespace {

const KerasOperator* find_operator(std::string_view name) {
  for (const writing::Lister lister : writing::writes_in_listers())
    for (const KerasOperator& op : lister())
      if (op.name == name) return &op;
  return nullptr;
}

/// The array that a value is: a parameter or a constant, under another shape perhaps.
std::optional<Tensor> array_of(const Value& v) {
  if (const auto* p = v.node().as<ParameterOp>()) return p->parameter->value();
  if (const auto* c = v.node().as<ConstantOp>()) return c->tensor.to(DType::f32);
  if (v.node().op().name() != "reshape" || !v.shape().known()) return std::nullopt;
  const auto inner = array_of(v.node().inputs()[0]);
  return inner ? std::optional(inner->reshape(v.shape())) : std::nullopt;
}

struct Drawing {
  Sheet sheet;
  std::vector<size_t> inputs, outputs;
};

class Writing {
 public:
  explicit Writing(const Model& model) : model_(model) {}

  Drawing network() {
    inputs();
    std::map<std::string, std::vector<std::string>> lacks;
    for (const auto& node : model_.graph().order()) {
      if (node->as<InputOp>() || node->as<ParameterOp>() || node->as<ConstantOp>()) continue;
      if (node->types().size() == 1 && array_of(Value(node, 0))) continue;
      try {
        write(node);
      } catch (const Unsupported& e) {
        lacks[fmt::format("{}{}{}", node->op().name(), *e.what() ? " " : "", e.what())].push_back(node->layer());
        stand_in(node);
      }
    }
    if (!lacks.empty()) refuse(lacks);
    for (const Value& v : model_.graph().outputs) {
      const Written& y = written_.at(v);
      network_.outputs.push_back(y.order == Order::flattened ? network_.sheet.plain(y) : y.layer);
    }
    return std::move(network_);
  }

 private:
  /// Images have their channels at the end; a sequence is what the first operator that reads it takes it for.
  void inputs() {
    const auto names = model_.input_names();
    for (size_t i = 0; i < names.size(); ++i) {
      const Value& v = model_.graph().inputs[i];
      const bool channels = v.shape().rank() > 3 || (v.shape().rank() == 3 && read_by_channels(v));
      const auto shape = channels ? moved_shape(v.shape()) : plain_shape(v.shape());
      network_.sheet.begin({.name = names[i], .trainable = true});
      const size_t layer = network_.sheet.add("InputLayer", {}, shape);
      network_.inputs.push_back(layer);
      written_[v] = {.layer = layer, .order = channels ? Order::moved : Order::plain};
    }
  }

  /// What follows an operator that can't be written is looked at nevertheless.
  void stand_in(const std::shared_ptr<const Node>& node) {
    for (size_t i = 0; i < node->types().size(); ++i) {
      const Shape& shape = node->types()[i].shape;
      const size_t layer = network_.sheet.add("", {}, moved_shape(shape));
      written_[Value(node, i)] = {.layer = layer, .order = shape.rank() > 2 ? Order::moved : Order::plain};
    }
  }

  bool read_by_channels(const Value& v) const {
    for (const auto& node : model_.graph().order())
      if (!node->inputs().empty() && node->inputs()[0] == v)
        return node->op().name() == "conv" || node->op().name().find("pool") != std::string_view::npos ||
               node->op().name() == "batch_norm";
    return false;
  }

  void write(const std::shared_ptr<const Node>& node) {
    const KerasOperator* entry = find_operator(node->op().name());
    if (!entry) throw Unsupported("");
    Operator op{.node = *node, .inputs = {}, .fixed = {}};
    for (const Value& v : node->inputs()) {
      op.fixed.push_back(array_of(v));
      const auto found = written_.find(v);
      if (found != written_.end()) op.inputs.push_back(found->second);
    }
    if (op.inputs.empty()) throw Unsupported("of arrays alone");
    const bool trainable = !node->scope() || node->scope()->layer->trainable;
    network_.sheet.begin(
        {.name = node->layer().empty() ? std::string(node->op().name()) : node->layer(), .trainable = trainable});
    written_[Value(node, 0)] = entry->write(network_.sheet, op);
  }

  [[noreturn]] void refuse(const std::map<std::string, std::vector<std::string>>& lacks) const {
    std::string text;
    for (const auto& [what, layers] : lacks)
      text += fmt::format("{}{} ({}: {})", text.empty() ? "" : "; ", what, layers.size(), fmt::join(layers, ", "));
    throw Unsupported(fmt::format("{} can't be written for Keras, which has nothing like: {}", model_.name(), text));
  }

  const Model& model_;
  Drawing network_;
  std::unordered_map<Value, Written, ValueHash> written_;
};

/// The order in which Keras lists layers: the farthest from the outputs first, those of one distance as a walk from the outputs
/// back meets them. Layers that lead nowhere are left out, but for inputs.
std::vector<size_t> keras_order(const Drawing& network) {
  const auto& layers = network.sheet.layers;
  std::vector<int64_t> met(layers.size(), -1), depth(layers.size(), 0);
  std::vector<std::pair<size_t, size_t>> walk;  // a layer, and which of its inputs comes next
  int64_t count = 0;
  for (const size_t output : network.outputs) {
    walk.emplace_back(output, 0);
    while (!walk.empty()) {
      auto& [layer, next] = walk.back();
      if (next == 0 && met[layer] < 0) met[layer] = count++;
      if (next < layers[layer].inputs.size()) {
        const size_t input = layers[layer].inputs[next++];
        if (met[input] < 0) walk.emplace_back(input, 0);
      } else {
        walk.pop_back();
      }
    }
  }
  for (size_t i = layers.size(); i-- > 0;)  // a layer comes behind its inputs
    if (met[i] >= 0)
      for (const size_t input : layers[i].inputs) depth[input] = std::max(depth[input], depth[i] + 1);
  std::vector<size_t> order;
  for (size_t i = 0; i < layers.size(); ++i)
    if (met[i] >= 0 || std::ranges::count(network.inputs, i)) order.push_back(i);
  std::ranges::stable_sort(
      order, [&](size_t a, size_t b) { return depth[a] != depth[b] ? depth[a] > depth[b] : met[a] < met[b]; });
  return order;
}

Settings shape_json(const std::vector<int64_t>& shape) {
  Settings list = Settings::array();
  for (const int64_t d : shape) list.push_back(d == any_dim ? Settings() : Settings(d));
  return list;
}

Settings history(const SheetLayer& layer) { return {layer.name, 0, 0}; }

/// A layer's settings and connections, as Keras 3 or as Keras 2 has them.
Settings layer_json(const Drawing& network, const SheetLayer& layer, bool modern) {
  const auto& layers = network.sheet.layers;
  Settings config = {{"name", layer.name}, {"trainable", layer.trainable}, {"dtype", "float32"}};
  if (layer.class_name == "InputLayer") {
    config.erase("trainable");
    config[modern ? "batch_shape" : "batch_input_shape"] = shape_json(layer.shape);
  }
  config.update(layer.config);
  Settings json = {{"class_name", layer.class_name}, {"config", config}, {"name", layer.name}};
  Settings tensors = Settings::array(), legacy = Settings::array();
  for (const size_t input : layer.inputs) {
    tensors.push_back({{"class_name", "__keras_tensor__"},
                       {"config",
                        {{"shape", shape_json(layers[input].shape)},
                         {"dtype", "float32"},
                         {"keras_history", history(layers[input])}}}});
    legacy.push_back({layers[input].name, 0, 0, Settings::object()});
  }
  Settings nodes = Settings::array();
  if (!modern) {
    if (!layer.inputs.empty()) nodes.push_back(legacy);
  } else {
    json["module"] = "keras.layers";
    json["registered_name"] = nullptr;
    if (!layer.inputs.empty())
      nodes.push_back(
          {{"args", layer.inputs.size() == 1 ? tensors : Settings::array({tensors})}, {"kwargs", Settings::object()}});
  }
  json["inbound_nodes"] = nodes;
  return json;
}

std::string network_json(const Drawing& network, const std::vector<size_t>& order, const std::string& name,
                         bool modern) {
  Settings layers = Settings::array(), inputs = Settings::array(), outputs = Settings::array();
  for (const size_t i : order) layers.push_back(layer_json(network, network.sheet.layers[i], modern));
  for (const size_t i : network.inputs) inputs.push_back(history(network.sheet.layers[i]));
  for (const size_t i : network.outputs) outputs.push_back(history(network.sheet.layers[i]));
  Settings json = {{"class_name", "Functional"},
                   {"config",
                    {{"name", name},
                     {"trainable", true},
                     {"layers", layers},
                     {"input_layers", inputs},
                     {"output_layers", outputs}}}};
  if (modern) {
    json["module"] = "keras.src.models.functional";
    json["registered_name"] = "Functional";
    if (inputs.size() == 1) json["config"]["input_layers"] = inputs[0];
    if (outputs.size() == 1) json["config"]["output_layers"] = outputs[0];
  }
  return json.dump();
}

/// What Keras has no place for: how images become inputs, and what the classes are called.
Settings notes_of(const Model& model) {
  return {{"preprocess", preprocess_to_json(model.preprocess())}, {"classes", model.class_names()}};
}

std::string name_of(const Model& model) {
  std::string name = model.name();
  std::ranges::replace(name, '/', '_');
  return name;
}

}  // namespace

void write_archive(const Model& model, const std::filesystem::path& path) {
  const Drawing network = Writing(model).network();
  const auto order = keras_order(network);
  Hdf5Writer file;
  file.group("layers");
  std::map<std::string, int> counts;
  for (const size_t i : order) {
    const SheetLayer& layer = network.sheet.layers[i];
    const std::string base = group_name(layer.class_name);
    const int count = counts[base]++;
    const std::string group = fmt::format("layers/{}{}/vars", base, count == 0 ? "" : fmt::format("_{}", count));
    file.group(group);
    for (size_t a = 0; a < layer.arrays.size(); ++a)
      file.tensor(fmt::format("{}/{}", group, a), layer.arrays[a].second);
  }
  const Settings metadata = {
      {"keras_version", "3.8.0"}, {"date_saved", "2000-01-01@00:00:00"}, {"ocellus", notes_of(model)}};
  write_atomically(path, archive_of({{"metadata.json", metadata.dump()},
                                     {"config.json", network_json(network, order, name_of(model), true)},
                                     {"model.weights.h5", file.bytes()}}));
}

void write_hdf5(const Model& model, const std::filesystem::path& path) {
  const Drawing network = Writing(model).network();
  const auto order = keras_order(network);
  Hdf5Writer file;
  const std::string root = "model_weights";
  file.group(root);
  std::vector<std::string> names;
  for (const size_t i : order) {
    const SheetLayer& layer = network.sheet.layers[i];
    names.push_back(layer.name);
    const std::string group = root + "/" + layer.name;
    file.group(group);
    std::vector<std::string> arrays;
    for (const auto& [name, value] : layer.arrays) {
      arrays.push_back(fmt::format("{}/{}:0", layer.name, name));
      file.tensor(group + "/" + arrays.back(), value);
    }
    file.texts(group, "weight_names", arrays);
  }
  file.texts(root, "layer_names", names);
  for (const std::string& place : {std::string(), root}) {
    file.text(place, "keras_version", "3.8.0");
    file.text(place, "backend", "tensorflow");
  }
  file.text("", "model_config", network_json(network, order, name_of(model), false));
  file.text("", "ocellus", notes_of(model).dump());
  write_atomically(path, file.bytes());
}

}  // namespace ocellus::io::keras

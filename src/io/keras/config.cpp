#include "io/keras/config.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include <ocellus/base/error.h>

namespace ocellus::io::keras {
namespace {

using nlohmann::json;

constexpr int deepest_nesting = 16;
constexpr size_t most_layers = 100'000;
constexpr int64_t largest_number = int64_t{1} << 31;

/// Reads networks, and networks inside of them.
class Parser {
 public:
  Parser(const std::string& source, const Writer& writer) : source_(source), writer_(writer) {}

  /// `whole`: {"class_name": "Sequential", "config": ...}.
  Network network(const json& whole, int depth) const {
    const std::string class_name = whole.at("class_name").get<std::string>();
    const json& config = whole.at("config");
    if (depth > deepest_nesting)
      throw FormatError(source_, fmt::format("networks are nested more than {} deep", deepest_nesting));
    if (class_name == "Sequential") return sequential(config, depth);
    if (config.is_object() && config.contains("layers") && config.contains("output_layers"))
      return functional(config, depth);
    throw Unsupported(source_ + ": a model of the class " + class_name +
                      " is a program of its own; Sequential and functional " + "models are supported");
  }

 private:
  Network sequential(const json& config, int depth) const {
    Network network;
    const json& list = config.is_array() ? config : config.at("layers");
    if (config.is_object() && config.contains("name")) network.name = config.at("name").get<std::string>();
    if (list.empty()) throw FormatError(source_, "network " + network.name, "has no layers");
    layers(list, depth, network);
    input_in_front(config, network);
    for (size_t i = 1; i < network.layers.size(); ++i)
      network.layers[i].calls = {{{.layer = network.layers[i - 1].name}}};
    network.inputs = {{.layer = network.layers.front().name}};
    network.outputs = {{.layer = network.layers.back().name}};
    return network;
  }

  /// Older files have the input's shape among the first layer's settings, or nowhere but in what the model was built with.
  void input_in_front(const json& config, Network& network) const {
    const LayerSpec& first = network.layers.front();
    if (first.class_name == "InputLayer") return;
    LayerSpec input = first;
    input.class_name = "InputLayer";
    input.name = first.name + "_input";
    input.inner.clear();
    const LayerSpec* holder = &first;
    while (holder->network && !holder->network->layers.empty()) holder = &holder->network->layers.front();
    json shape;
    for (const char* key : {"batch_shape", "batch_input_shape"})
      if (holder->config.contains(key)) shape = holder->config.at(key);
    if (shape.is_null() && config.is_object() && config.contains("build_input_shape"))
      shape = config.at("build_input_shape");
    if (!shape.is_array())
      throw Unsupported(source_ + ": network " + network.name + " does not say what shape its input has");
    input.config = {{"batch_shape", shape}};
    input.network.reset();
    network.layers.insert(network.layers.begin(), std::move(input));
  }

  Network functional(const json& config, int depth) const {
    Network network;
    network.name = config.value("name", std::string("model"));
    layers(config.at("layers"), depth, network);
    size_t i = 0;
    for (const json& layer : config.at("layers")) {
      LayerSpec& spec = network.layers[i++];
      if (layer.contains("inbound_nodes"))
        for (const json& node : layer.at("inbound_nodes")) spec.calls.push_back(call(node, spec));
    }
    network.inputs = references(config.at("input_layers"), network.name);
    network.outputs = references(config.at("output_layers"), network.name);
    return network;
  }

  void layers(const json& list, int depth, Network& network) const {
    if (list.size() > most_layers) throw FormatError(source_, fmt::format("{} layers are too many", list.size()));
    std::set<std::string> names;
    for (const json& layer : list) {
      network.layers.push_back(spec(layer, depth));
      LayerSpec& made = network.layers.back();
      if (!names.insert(made.name).second) made.fail("has the name of another layer");
    }
  }

  LayerSpec spec(const json& layer, int depth) const {
    LayerSpec spec;
    spec.class_name = layer.at("class_name").get<std::string>();
    spec.config = layer.at("config");
    spec.source = source_;
    spec.version = writer_.version;
    // "Custom>Name" and "keras.layers.Name" are classes with where they come from.
    if (const size_t at = spec.class_name.find_last_of(">."); at != std::string::npos) spec.class_name.erase(0, at + 1);
    if (layer.contains("name") && layer.at("name").is_string()) spec.name = layer.at("name").get<std::string>();
    if (spec.name.empty() && spec.config.is_object()) spec.name = spec.config.value("name", std::string());
    if (spec.class_name == "Sequential" || spec.class_name == "Functional" || spec.class_name == "Model") {
      spec.network = std::make_shared<Network>(network(layer, depth + 1));
      if (spec.name.empty()) spec.name = spec.network->name;
    }
    if (spec.name.empty()) throw FormatError(source_, "a layer of class " + spec.class_name, "has no name");
    if (spec.config.is_object()) {
      spec.trainable = spec.flag("trainable", true);
      if (spec.config.contains("layer") && spec.config.at("layer").is_object()) {
        if (depth >= deepest_nesting) spec.fail("is nested too deep");
        spec.inner.push_back(this->spec(spec.config.at("layer"), depth + 1));
      }
    } else if (!spec.network) {
      spec.fail("has no settings");
    }
    if (!spec.network) modernise(spec);
    return spec;
  }

  /// A call's inputs: lists [name, call, output, settings] up to Keras 2, tensors with a history among the arguments in Keras 3.
  std::vector<Reference> call(const json& node, const LayerSpec& spec) const {
    std::vector<Reference> inputs;
    if (node.is_object()) {
      tensors(node.at("args"), inputs, 0);
      if (node.contains("kwargs"))
        for (const auto& [key, value] : node.at("kwargs").items()) {
          const size_t before = inputs.size();
          tensors(value, inputs, 0);
          if (inputs.size() > before && key != "inputs")
            spec.unsupported("is called with a tensor for \"" + key + "\"");
        }
      return inputs;
    }
    for (const json& entry : node) {
      inputs.push_back(reference(entry));
      if (entry.size() > 3)
        for (const auto& [key, value] : entry.at(3).items())
          if (value.is_array() && !value.empty() && value.at(0).is_string())
            spec.unsupported("is called with a tensor for \"" + key + "\"");
    }
    return inputs;
  }

  void tensors(const json& value, std::vector<Reference>& found, int depth) const {
    if (depth > deepest_nesting) throw FormatError(source_, "the arguments of a call are nested too deep");
    if (value.is_array()) {
      for (const json& v : value) tensors(v, found, depth + 1);
    } else if (value.is_object() && value.value("class_name", json()) == "__keras_tensor__") {
      found.push_back(reference(value.at("config").at("keras_history")));
    }
  }

  Reference reference(const json& entry) const {
    if (!entry.is_array() || entry.empty() || !entry.at(0).is_string())
      throw FormatError(source_, "a connection is no list of a layer's name and two numbers");
    Reference r{.layer = entry.at(0).get<std::string>()};
    if (entry.size() > 1) r.call = entry.at(1).get<int64_t>();
    if (entry.size() > 2) r.output = entry.at(2).get<int64_t>();
    return r;
  }

  /// One reference, a list of them, or references by name.
  std::vector<Reference> references(const json& list, const std::string& network) const {
    if (list.is_array() && !list.empty() && list.at(0).is_string()) return {reference(list)};
    std::vector<Reference> all;
    for (const json& entry : list) all.push_back(reference(entry));
    if (all.empty()) throw FormatError(source_, "network " + network, "has no inputs or no outputs");
    return all;
  }

  const std::string& source_;
  const Writer& writer_;
};

}  // namespace

void LayerSpec::fail(const std::string& what) const {
  throw FormatError(source, fmt::format("layer {} ({})", name, class_name), what);
}

void LayerSpec::unsupported(const std::string& what) const {
  throw Unsupported(fmt::format("{} \"{}\" {}", class_name, name, what));
}

const nlohmann::json* LayerSpec::find(std::string_view key) const {
  if (!config.is_object()) return nullptr;
  const auto it = config.find(key);
  return it == config.end() || it->is_null() ? nullptr : &*it;
}

int64_t LayerSpec::number(const json& value, std::string_view key) const {
  // Some writers have whole numbers as 3.0.
  const double real = value.is_number() ? value.get<double>() : 0.5;
  if (real != std::floor(real) || std::abs(real) > static_cast<double>(largest_number))
    fail(fmt::format("its {} is no whole number of a usual size", key));
  return static_cast<int64_t>(real);
}

bool LayerSpec::has(std::string_view key) const { return find(key) != nullptr; }

int64_t LayerSpec::integer(std::string_view key, int64_t otherwise) const {
  const json* value = find(key);
  return value ? number(*value, key) : otherwise;
}

int64_t LayerSpec::integer(std::string_view key) const {
  const json* value = find(key);
  if (!value) fail(fmt::format("has no {}", key));
  return number(*value, key);
}

double LayerSpec::real(std::string_view key, double otherwise) const {
  const json* value = find(key);
  if (!value) return otherwise;
  if (!value->is_number() || !std::isfinite(value->get<double>())) fail(fmt::format("its {} is no number", key));
  return value->get<double>();
}

bool LayerSpec::flag(std::string_view key, bool otherwise) const {
  const json* value = find(key);
  if (!value) return otherwise;
  if (value->is_number_integer()) return value->get<int64_t>() != 0;
  if (!value->is_boolean()) fail(fmt::format("its {} is neither true nor false", key));
  return value->get<bool>();
}

std::string LayerSpec::text(std::string_view key, const std::string& otherwise) const {
  const json* value = find(key);
  if (!value) return otherwise;
  if (!value->is_string()) fail(fmt::format("its {} is no text", key));
  return value->get<std::string>();
}

std::vector<int64_t> LayerSpec::integers(std::string_view key) const {
  const json* value = find(key);
  if (!value) return {};
  if (!value->is_array()) return {number(*value, key)};
  if (value->size() > 64) fail(fmt::format("its {} has {} numbers", key, value->size()));
  std::vector<int64_t> all;
  for (const json& v : *value) all.push_back(v.is_null() ? -1 : number(v, key));
  return all;
}

std::vector<int64_t> LayerSpec::extent(std::string_view key, size_t rank, int64_t otherwise) const {
  std::vector<int64_t> all = integers(key);
  if (all.empty()) all = {otherwise};
  if (all.size() == 1) all.resize(rank, all[0]);
  if (all.size() != rank) fail(fmt::format("its {} has {} numbers, not {}", key, all.size(), rank));
  if (std::ranges::any_of(all, [](int64_t n) { return n < 1; })) fail(fmt::format("its {} is below 1", key));
  return all;
}

std::vector<std::pair<int64_t, int64_t>> LayerSpec::sides(std::string_view key, size_t rank) const {
  const json* value = find(key);
  std::vector<std::pair<int64_t, int64_t>> all;
  const auto side = [&](const json& v) -> std::pair<int64_t, int64_t> {
    if (!v.is_array()) return {number(v, key), number(v, key)};
    if (v.size() != 2) fail(fmt::format("its {} has sides of {} numbers", key, v.size()));
    return {number(v.at(0), key), number(v.at(1), key)};
  };
  if (value && value->is_array() && rank == 1 && value->size() == 2)
    all = {side(*value)};
  else if (value && value->is_array())
    for (const json& v : *value) all.push_back(side(v));
  else
    all.assign(rank, value ? side(*value) : std::pair<int64_t, int64_t>(1, 1));
  if (all.size() == 2 * rank && rank == 2)  // Keras 1: top, bottom, left, right
    all = {{all[0].first, all[1].first}, {all[2].first, all[3].first}};
  if (all.size() != rank) fail(fmt::format("its {} is for {} dimensions, not {}", key, all.size(), rank));
  for (const auto& [before, after] : all)
    if (before < 0 || after < 0) fail(fmt::format("its {} is negative", key));
  return all;
}

bool LayerSpec::channels_last() const {
  const std::string format = text("data_format", "channels_last");
  if (format != "channels_last" && format != "channels_first") fail("its data_format is \"" + format + "\"");
  return format == "channels_last";
}

Network network_from_json(std::string_view text, const std::string& source, const Writer& writer) {
  try {
    return Parser(source, writer).network(json::parse(text), 0);
  } catch (const json::exception& e) {
    throw FormatError(source, "model configuration", "is damaged: " + std::string(e.what()));
  }
}

}  // namespace ocellus::io::keras

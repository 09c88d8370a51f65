// Every layer is made first, so that all that is not supported is told at once; then the layers are called in the order of their
// inputs, each as often as the file says.
#include "io/keras/import.h"

#include <algorithm>
#include <deque>
#include <map>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/ops/shape.h>

#include "io/emit.h"
#include "io/keras/layer.h"
#include "io/tensors.h"

namespace ocellus::io::keras {
namespace {

constexpr int64_t most_elements = int64_t{1} << 31;

/// A network whose layers are made, to be called on values.
class Prepared {
 public:
  Prepared(const Network& network, const WeightScope& weights, const std::string& prefix,
           std::vector<std::string>& lacks)
      : network_(network) {
    for (const LayerSpec& layer : network.layers) {
      LayerSpec& spec = specs_.emplace_back(layer);
      spec.name = prefix + layer.name;
      if (layer.class_name == "InputLayer") continue;
      try {
        calls_[layer.name] = make(layer, spec, weights, lacks);
      } catch (const Unsupported& e) {
        lacks.emplace_back(e.what());
      }
    }
  }

  Helds operator()(const Helds& inputs) {
    values_.clear();
    if (inputs.size() != network_.inputs.size())
      throw FormatError(network_.layers.front().source, "network " + network_.name,
                        fmt::format("has {} inputs, is called with {}", network_.inputs.size(), inputs.size()));
    for (size_t i = 0; i < inputs.size(); ++i) values_[{network_.inputs[i].layer, 0}] = inputs[i];
    run_all();
    Helds outputs;
    for (const Reference& r : network_.outputs) outputs.push_back(value(r));
    return outputs;
  }

 private:
  using Place = std::pair<std::string, int64_t>;

  static Call make(const LayerSpec& layer, const LayerSpec& spec, const WeightScope& weights,
                   std::vector<std::string>& lacks) {
    if (layer.network)
      return nested(*layer.network, *weights.inside(layer, *layer.network), spec.name + "/", spec, lacks);
    if (layer.class_name == "TimeDistributed" && !layer.inner.empty()) return distributed(layer, spec, weights, lacks);
    const KerasLayer* entry = find_layer(layer.class_name);
    if (!entry) spec.unsupported("has no counterpart here");
    return entry->make(spec, Variables(spec, weights.of(layer)));
  }

  static Call nested(const Network& network, const WeightScope& weights, const std::string& prefix,
                     const LayerSpec& spec, std::vector<std::string>& lacks) {
    const auto inner = std::make_shared<Prepared>(network, weights, prefix, lacks);
    return [inner, &spec](const Helds& in) {
      const Helds outputs = (*inner)(in);
      if (outputs.size() != 1) spec.unsupported("is a network of several outputs inside of another one");
      return outputs.front();
    };
  }

  /// Steps become samples, and samples steps again.
  static Call distributed(const LayerSpec& layer, const LayerSpec& spec, const WeightScope& weights,
                          std::vector<std::string>& lacks) {
    const auto inner_spec = std::make_shared<LayerSpec>(layer.inner.front());
    inner_spec->name = spec.name;
    Call inner;
    if (inner_spec->network) {
      inner = nested(*inner_spec->network, *weights.inside(layer, *inner_spec->network), spec.name + "/", *inner_spec,
                     lacks);
    } else {
      const KerasLayer* entry = find_layer(inner_spec->class_name);
      if (!entry) inner_spec->unsupported("has no counterpart here");
      inner = entry->make(*inner_spec, Variables(*inner_spec, weights.of(layer)));
    }
    return [inner_spec, inner, &spec](const Helds& in) {
      const Value x = plain(only(spec, in));
      if (x.shape().rank() < 3) spec.fail("needs a sequence, got " + x.shape().to_string());
      const auto reshaped = [](const Value& v, std::vector<int64_t> dims) {
        const NodeLayer as("Reshape", "",
                           [dims](nn::Build&, const Values& i) { return Values{ops::reshape(i[0], dims)}; });
        return as(v);
      };
      std::vector<int64_t> dims(x.shape().begin() + 1, x.shape().end());
      const int64_t steps = dims.front();
      dims.front() = -1;
      const Value y = plain(inner({Held{.value = reshaped(x, dims)}}));
      std::vector<int64_t> back(y.shape().begin(), y.shape().end());
      back.front() = steps;
      back.insert(back.begin(), -1);
      return Held{.value = reshaped(y, back)};
    };
  }

  /// Calls, of this and that layer, as soon as what they read is there.
  void run_all() {
    struct Waiting {
      const LayerSpec* layer;
      size_t call;
      size_t missing;
    };
    std::deque<Waiting> waiting;
    std::map<Place, std::vector<Waiting*>> readers;
    std::vector<Waiting*> ready;
    for (const LayerSpec& layer : network_.layers) {
      if (layer.class_name == "InputLayer") continue;
      for (size_t call = 0; call < layer.calls.size(); ++call) {
        Waiting& w = waiting.emplace_back(Waiting{&layer, call, 0});
        for (const Reference& r : layer.calls[call])
          if (!values_.contains(place(r))) {
            ++w.missing;
            readers[place(r)].push_back(&w);
          }
        if (w.missing == 0) ready.push_back(&w);
      }
    }
    for (size_t next = 0; next < ready.size(); ++next) {
      const Waiting& w = *ready[next];
      const Place made = {w.layer->name, static_cast<int64_t>(w.call)};
      values_[made] = called(*w.layer, w.call);
      for (Waiting* reader : readers[made])
        if (--reader->missing == 0) ready.push_back(reader);
    }
  }

  Held called(const LayerSpec& layer, size_t call) {
    Helds inputs;
    for (const Reference& r : layer.calls[call]) inputs.push_back(value(r));
    if (inputs.empty()) layer.fail("is called without inputs");
    const Held y = calls_.at(layer.name)(inputs);
    if (y.value.shape().rank() == 0 || y.value.shape().with(0, 1).numel() > most_elements)
      layer.fail("gives a value of " + y.value.shape().to_string() + ", which is too large");
    return y;
  }

  /// Networks inside of networks count their own making as their call number 0.
  Place place(const Reference& r) const {
    const auto layer = std::ranges::find(network_.layers, r.layer, &LayerSpec::name);
    const bool counts_itself = layer != network_.layers.end() && layer->network &&
                               r.call == static_cast<int64_t>(layer->calls.size()) && r.call > 0;
    return {r.layer, counts_itself ? r.call - 1 : r.call};
  }

  const Held& value(const Reference& r) const {
    if (r.output != 0)
      throw FormatError(network_.layers.front().source, "layer " + r.layer,
                        "has no output " + std::to_string(r.output));
    const auto found = values_.find(place(r));
    if (found == values_.end())
      throw FormatError(network_.layers.front().source, "network " + network_.name,
                        fmt::format("reads call {} of layer {}, which never happens", r.call, r.layer));
    return found->second;
  }

  const Network& network_;
  std::deque<LayerSpec> specs_;  ///< under the names that they get here
  std::map<std::string, Call> calls_;
  std::map<Place, Held> values_;
};

/// The layers that read what a layer gives, networks looked into.
bool read_by_channel_layers(const Network& network, const std::string& name, int depth) {
  for (const LayerSpec& layer : network.layers)
    for (const auto& call : layer.calls)
      for (size_t i = 0; i < call.size(); ++i) {
        if (call[i].layer != name) continue;
        if (layer.network && depth > 0 && i < layer.network->inputs.size() &&
            read_by_channel_layers(*layer.network, layer.network->inputs[i].layer, depth - 1))
          return true;
        const KerasLayer* entry = find_layer(layer.class_name);
        if (entry && entry->has_channels) return true;
      }
  return false;
}

bool says_channels_first(const Network& network) {
  return std::ranges::any_of(network.layers, [](const LayerSpec& layer) {
    return layer.network ? says_channels_first(*layer.network) : layer.text("data_format", "") == "channels_first";
  });
}

Held input_of(const Network& network, const LayerSpec& layer, bool channels_first) {
  std::vector<int64_t> dims = layer.integers("batch_shape");
  if (dims.empty() && layer.has("shape")) {
    dims = layer.integers("shape");
    dims.insert(dims.begin(), -1);
  }
  if (dims.size() < 2 || dims.size() > Shape::max_rank)
    layer.unsupported("is an input without features, or of too many dimensions");
  dims.erase(dims.begin());
  for (const int64_t d : dims)
    if (d < 1)
      layer.unsupported("is an input of open size " + fmt::format("[{}]", fmt::join(dims, ",")) +
                        "; sizes must be known");
  const bool image = dims.size() >= 3 || (dims.size() == 2 && read_by_channel_layers(network, layer.name, 8));
  const bool turned = image && !channels_first;
  if (turned) std::rotate(dims.begin(), dims.end() - 1, dims.end());
  return {.value = nn::input(shape_of(dims), layer.name), .order = turned ? Order::moved : Order::plain};
}

[[noreturn]] void refuse(const std::vector<std::string>& lacks, const std::string& source) {
  std::string text;
  for (const std::string& lack : lacks) text += (text.empty() ? "" : "; ") + lack;
  throw Unsupported(fmt::format("{}: {} of its layers {} not supported: {}", source, lacks.size(),
                                lacks.size() == 1 ? "is" : "are", text));
}

Model built(const Network& network, const WeightScope& weights, const std::string& source) {
  std::vector<std::string> lacks;
  Prepared prepared(network, weights, "", lacks);
  Helds inputs;
  Values in, out;
  const bool channels_first = says_channels_first(network);
  for (const Reference& r : network.inputs) {
    const auto layer = std::ranges::find(network.layers, r.layer, &LayerSpec::name);
    if (layer == network.layers.end() || layer->class_name != "InputLayer")
      throw FormatError(source, "input " + r.layer, "is no input layer");
    try {
      inputs.push_back(input_of(network, *layer, channels_first));
      in.push_back(inputs.back().value);
    } catch (const Unsupported& e) {
      lacks.emplace_back(e.what());
    }
  }
  if (!lacks.empty()) refuse(lacks, source);
  for (const Held& y : prepared(inputs)) out.push_back(y.order == Order::flattened ? plain(y) : y.value);
  return Model(in, out, {.name = network.name.empty() ? "model" : network.name});
}

}  // namespace

Model build(const Network& network, const WeightScope& weights, const std::string& source) {
  try {
    return built(network, weights, source);
  } catch (const Unsupported& e) {
    const std::string text = e.what();
    throw Unsupported(text.starts_with(source) ? text : source + ": " + text);
  } catch (const OpError& e) {
    throw FormatError(source, e.what());
  } catch (const UsageError& e) {
    throw FormatError(source, e.what());
  } catch (const nlohmann::json::exception& e) {
    throw FormatError(source, "model configuration", "is damaged: " + std::string(e.what()));
  }
}

}  // namespace ocellus::io::keras

// Each table of names that is for the network is tried, and the one that finds most arrays of the right size is taken. What it
// does not find stays as it was made, and is told.
#include <ocellus/io/weights.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ocellus/base/error.h>
#include <ocellus/base/file.h>
#include <ocellus/ops/dense.h>
#include <ocellus/tensor/safetensors.h>

#include "io/keras/arrays.h"
#include "io/name_table.h"
#include "io/tensors.h"

namespace ocellus::io {
namespace {

using naming::NameTable;
using Arrays = std::map<std::string, Tensor>;

constexpr uint64_t largest_map = 64 << 20;

Arrays arrays_of(const std::filesystem::path& path) {
  Arrays arrays;
  if (keras::is_hdf5(path)) {
    for (auto& [name, tensor] : keras::read_arrays(path)) arrays.emplace(name, tensor);
  } else {
    for (auto& [name, tensor] : read_safetensors(path).tensors) arrays.emplace(name, tensor);
  }
  return arrays;
}

/// Names of one's own, by our parameter.
struct OwnNames {
  std::map<std::string, std::string> names;
  std::optional<bool> channels_last;
};

OwnNames own_names(const std::filesystem::path& path) {
  OwnNames own;
  if (path.empty()) return own;
  try {
    const auto root = nlohmann::json::parse(read_file(path, largest_map));
    if (root.contains("layout")) {
      const auto layout = root.at("layout").get<std::string>();
      if (layout != "channels_first" && layout != "channels_last")
        throw FormatError(path.string(), "layout", "is channels_first or channels_last, not \"" + layout + "\"");
      own.channels_last = layout == "channels_last";
    }
    own.names = root.at("names").get<std::map<std::string, std::string>>();
  } catch (const nlohmann::json::exception& e) {
    throw FormatError(path.string(),
                      "is no map {\"layout\": ..., \"names\": {ours: theirs}}: " + std::string(e.what()));
  }
  return own;
}

/// The shape [C,H,W] that was flattened into a dense kernel's input; empty where nothing was.
std::vector<int64_t> flattened_into(const Graph& graph, const Parameter& kernel) {
  for (const auto& node : graph.order()) {
    if (!node->as<Dense>() || node->inputs().size() < 2) continue;
    const auto* weights = node->inputs()[1].node().as<ParameterOp>();
    if (!weights || weights->parameter.get() != &kernel) continue;
    Value at = node->inputs()[0];
    while (!at.node().inputs().empty() && at.shape().rank() == 2) at = at.node().inputs()[0];
    if (at.shape().rank() == 4 && at.shape()[2] * at.shape()[3] > 1)
      return {at.shape()[1], at.shape()[2], at.shape()[3]};
  }
  return {};
}

/// A channels-last array in our order of dimensions: [kernel..., in, out], depthwise [kernel..., channels, multiplier], or
/// [in, out], where what was flattened before it was flattened with channels last.
Tensor turned(const Tensor& t, const Parameter& p, bool depthwise, const std::vector<int64_t>& flattened) {
  const size_t rank = t.shape().rank();
  if (rank < 2) return t;
  if (rank == 2 && !flattened.empty()) {
    const Tensor apart = t.reshape({flattened[1], flattened[2], flattened[0], t.shape()[1]});
    return transposed(apart, {3, 2, 0, 1}).reshape({t.shape()[1], t.shape()[0]});
  }
  std::vector<size_t> order = {rank - 1, rank - 2};
  if (depthwise) std::swap(order[0], order[1]);
  for (size_t i = 0; i + 2 < rank; ++i) order.push_back(i);
  const Tensor result = transposed(t, order);
  return result.numel() == p.shape().numel() ? result.reshape(p.shape()) : result;
}

/// True when only dimensions of one tell the shapes apart.
bool same_but_ones(const Shape& a, const Shape& b) {
  const auto dims = [](const Shape& s) {
    std::vector<int64_t> all;
    std::ranges::copy_if(s, std::back_inserter(all), [](int64_t d) { return d != 1; });
    return all;
  };
  return dims(a) == dims(b);
}

/// Gives a file's arrays to a network's parameters.
class Mapper {
 public:
  Mapper(const Model& model, const Arrays& arrays, const OwnNames& own) : model_(model), arrays_(arrays), own_(own) {
    for (const ParameterPtr& p : model.parameters()) known_.insert(p->path());
    for (const auto& [ours, theirs] : own.names)
      if (!known_.contains(ours))
        throw UsageError("the map names " + ours + ", which is no parameter of " + model.name());
  }

  /// How many parameters a table finds.
  size_t found_by(const NameTable* table) const {
    return static_cast<size_t>(
        std::ranges::count_if(model_.parameters(), [&](const ParameterPtr& p) { return !theirs(table, *p).empty(); }));
  }

  WeightsReport fill(const NameTable* table) const {
    WeightsReport report{.names = table ? std::string(table->name) : "ocellus", .parameters = {}, .unused = {}};
    std::set<std::string> used;
    for (const ParameterPtr& p : model_.parameters()) report.parameters.push_back(one(table, *p, used));
    for (const auto& [name, t] : arrays_)
      if (!used.contains(name))
        report.unused.push_back({.name = name,
                                 .dtype = std::string(to_string(t.dtype())),
                                 .shape = {t.shape().begin(), t.shape().end()},
                                 .bytes = t.bytes()});
    return report;
  }

 private:
  std::vector<std::string> candidates(const NameTable* table, const Parameter& p) const {
    if (const auto own = own_.names.find(p.path()); own != own_.names.end()) return {own->second};
    std::string dotted = p.path();
    std::ranges::replace(dotted, '/', '.');
    if (!table) return {p.path(), dotted};
    return naming::names_for(*table, p.layer() ? p.layer()->name : std::string(), p.name());
  }

  /// The first name that the file has; of several, the first whose array has as many elements as the parameter.
  std::string theirs(const NameTable* table, const Parameter& p) const {
    std::string first;
    for (const std::string& name : candidates(table, p)) {
      const auto it = arrays_.find(name);
      if (it == arrays_.end()) continue;
      if (it->second.numel() == p.shape().numel()) return name;
      if (first.empty()) first = name;
    }
    return first;
  }

  MappedParameter one(const NameTable* table, Parameter& p, std::set<std::string>& used) const {
    MappedParameter line{.parameter = p.path(),
                         .shape = {p.shape().begin(), p.shape().end()},
                         .tensor = theirs(table, p),
                         .given = {},
                         .lack = {}};
    if (line.tensor.empty()) {
      const auto wanted = candidates(table, p);
      line.tensor = wanted.empty() ? "" : wanted.front();
      line.lack = "is missing";
      return line;
    }
    used.insert(line.tensor);
    const Tensor& given = arrays_.at(line.tensor);
    line.given.assign(given.shape().begin(), given.shape().end());
    const bool last =
        own_.names.contains(p.path()) && own_.channels_last ? *own_.channels_last : table && table->channels_last;
    const Tensor value = last ? turned(given.to(DType::f32), p, line.tensor.ends_with("depthwise_kernel"),
                                       flattened_into(model_.graph(), p))
                              : given.to(DType::f32);
    if (!same_but_ones(value.shape(), p.shape()))
      line.lack = "has another shape";
    else if (table && p.layer() && naming::is_ones(*table, p.layer()->name, p.name()))
      p.set_value(Tensor::full(DType::f32, p.shape(), 1));
    else
      p.set_value(value.reshape(p.shape()));
    return line;
  }

  const Model& model_;
  const Arrays& arrays_;
  const OwnNames& own_;
  std::set<std::string> known_;
};

std::string shape_text(const std::vector<int64_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ",")); }

/// The preset's loss, so that answers are probabilities; networks without one stay as they are.
void learn_as_preset(Model& model, std::string_view network) {
  const zoo::Preset preset = zoo::preset(network);
  if (preset.loss) model.compile({.optimizer = preset.optimizer, .loss = preset.loss});
}

}  // namespace

bool WeightsReport::complete() const {
  return std::ranges::all_of(parameters, [](const MappedParameter& p) { return p.lack.empty(); });
}

std::string WeightsReport::text() const {
  std::string text = fmt::format("names: {}\n", names);
  for (const MappedParameter& p : parameters)
    text +=
        fmt::format("{:<40} {:<20} {} {:<40} {}\n", p.parameter, shape_text(p.shape), p.lack.empty() ? "<-" : "  ",
                    p.tensor, p.given.empty() ? p.lack : shape_text(p.given) + (p.lack.empty() ? "" : " " + p.lack));
  for (const FileTensor& t : unused) text += fmt::format("not used: {} {}\n", t.name, shape_text(t.shape));
  return text;
}

LoadedWeights read_weights(const std::filesystem::path& path, std::string_view network, const WeightsConfig& config) {
  Model model = zoo::create(network, config.network);
  const Arrays arrays = arrays_of(path);
  const OwnNames own = own_names(config.map);
  const Mapper mapper(model, arrays, own);
  const NameTable* best = nullptr;
  size_t most = mapper.found_by(nullptr);
  for (const naming::Lister lister : naming::names_in_listers())
    for (const NameTable& table : lister()) {
      if (!std::ranges::count(table.networks, network)) continue;
      const size_t found = mapper.found_by(&table);
      if (found <= most) continue;
      best = &table;
      most = found;
    }
  WeightsReport report = mapper.fill(best);
  if (best && best->preprocess) {
    data::Preprocess preprocess = model.preprocess();
    best->preprocess(preprocess);
    model.set_preprocess(preprocess);
  }
  learn_as_preset(model, network);
  return {std::move(model), std::move(report)};
}

}  // namespace ocellus::io

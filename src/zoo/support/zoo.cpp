#include <ocellus/zoo/zoo.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/suggest.h"

namespace ocellus::zoo {

using Lister = std::span<const Entry> (*)();
std::span<const Lister> zoo_in_listers();

std::vector<Entry> entries() {
  std::vector<Entry> all;
  for (const Lister list : zoo_in_listers())
    for (const Entry& entry : list()) all.push_back(entry);
  std::sort(all.begin(), all.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return all;
}

namespace {

Entry find(std::string_view name) {
  const std::vector<Entry> all = entries();
  std::vector<std::string_view> names;
  for (const Entry& entry : all) {
    if (entry.name == name) return entry;
    names.push_back(entry.name);
  }
  throw UsageError(fmt::format("no network \"{}\"{} (known: {})", name, did_you_mean(name, names), listed(names)));
}

}  // namespace

Preset preset(std::string_view name) { return find(name).preset(); }

Model create(std::string_view name, const ZooConfig& config) {
  const Entry entry = find(name);
  if (config.input.rank() != 0 && config.input.rank() != 3)
    throw UsageError(fmt::format("{}: the input must be [C,H,W], got {}", name, config.input.to_string()));
  Model model = entry.make(config);
  data::Preprocess preprocess = entry.preset().preprocess;
  const Shape& x = model.graph().inputs.front().shape();
  if (x[1] == 1 || x[1] == 3) {
    preprocess.channels = static_cast<int>(x[1]);
    preprocess.height = static_cast<int>(x[2]);
    preprocess.width = static_cast<int>(x[3]);
  }
  // Statistics of another number of channels would not fit: such inputs are scaled alone.
  for (auto* statistic : {&preprocess.mean, &preprocess.std})
    if (statistic->size() > 1 && static_cast<int64_t>(statistic->size()) != x[1]) statistic->clear();
  model.set_preprocess(preprocess);
  return model;
}

}  // namespace ocellus::zoo

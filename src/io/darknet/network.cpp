// From sections to a graph. Darknet addresses a layer by its number among the sections after [net], so every section leaves
// one output here, even one that only matters in training and passes its input on.
//
// Sizes are checked before anything of that size is made: a section first says how many numbers it needs, and that many must
// still be in the .weights file, or, where there is none, within a bound.
#include "io/darknet/network.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ocellus/base/error.h>

namespace ocellus::io::darknet {
namespace {

constexpr int64_t most_fresh = int64_t{1} << 29;     // numbers of a network without weights: 2 GB
constexpr int64_t most_elements = int64_t{1} << 28;  // of one layer's output, for one picture

constexpr int64_t most_operators = 1 << 17;
constexpr size_t most_listed = 20;

std::string label(const Section& section) { return fmt::format("[{}] in line {}", section.name(), section.line()); }

int64_t elements(const Value& v) {
  int64_t count = 1;
  for (size_t i = 1; i < v.shape().rank(); ++i) {
    if (v.shape()[i] > most_elements / std::max<int64_t>(count, 1)) return most_elements + 1;
    count *= v.shape()[i];
  }
  return count;
}

const SectionKind* kind_of(const Section& section) {
  for (const Lister lister : darknet_sections_in_listers())
    for (const SectionKind& kind : lister())
      if (kind.name == section.name()) return &kind;
  return nullptr;
}

void refuse_unknown(const Cfg& cfg) {
  std::map<std::string, std::vector<int64_t>> unknown;
  for (size_t i = 1; i < cfg.sections.size(); ++i)
    if (!kind_of(cfg.sections[i])) unknown[cfg.sections[i].name()].push_back(cfg.sections[i].line());
  if (unknown.empty()) return;
  std::string list;
  size_t listed = 0;
  for (const auto& [name, lines] : unknown) {
    if (++listed > most_listed) {
      list += fmt::format(" and {} more", unknown.size() - most_listed);
      break;
    }
    list += fmt::format("{}[{}] ({} time{}, first in line {})", list.empty() ? "" : ", ", name, lines.size(),
                        lines.size() == 1 ? "" : "s", lines[0]);
  }
  throw Unsupported(fmt::format("{}: sections that have no counterpart: {}", cfg.file, list));
}

}  // namespace

Network::Network(const Section& net, WeightsReader* weights)
    : width_(net.integer("width", {.otherwise = 0, .least = 1, .most = 1 << 16})),
      height_(net.integer("height", {.otherwise = 0, .least = 1, .most = 1 << 16})),
      letterbox_(net.flag("letter_box")),
      weights_(weights),
      descriptions_(std::make_unique<nlohmann::json>(nlohmann::json::array())) {
  const int64_t channels = net.integer("channels", {.otherwise = 3, .least = 1, .most = 1 << 16});
  if (width_ == 0 || height_ == 0) net.fail("width and height must be given");
  if (width_ * height_ > most_elements / channels)
    net.fail(fmt::format("an input of {} x {} x {} is too large", width_, height_, channels));
  current_ = start_ = nn::input({channels, height_, width_}, "input");
}

Network::~Network() = default;

void Network::add(const Section& section) {
  const SectionKind* kind = kind_of(section);
  if (kind && kind->build) {
    try {
      current_ = kind->build(*this, section);
    } catch (const OpError& e) {
      section.fail(e.message());
    } catch (const UsageError& e) {
      section.fail(e.what());
    } catch (const Unsupported& e) {
      throw Unsupported(fmt::format("{}: {}", section.file(), e.what()));
    }
  }
  if (elements(current_) > most_elements) section.fail("its output " + current_.shape().to_string() + " is too large");
  outputs_.push_back(current_);
}

const Value& Network::output(const Section& section, int64_t reference) const {
  const int64_t at = reference < 0 ? index() + reference : reference;
  if (at < 0 || at >= index())
    section.fail(
        fmt::format("is layer {} and refers to layer {} ({}), which does not come before it", index(), at, reference));
  return outputs_[static_cast<size_t>(at)];
}

void Network::need(const Section& section, std::initializer_list<int64_t> factors) {
  int64_t count = 1;
  for (const int64_t factor : factors) {
    if (factor > most_fresh / std::max<int64_t>(count, 1)) section.fail("needs more weights than a network can have");
    count *= factor;
  }
  if (weights_) return weights_->need(count, label(section));
  numbers_ += count;
  if (numbers_ > most_fresh) section.fail(fmt::format("makes more than {} weights of the network", most_fresh));
}

void Network::spend(const Section& section, int64_t operators) {
  operators_ += operators;
  if (operators_ > most_operators)
    section.fail(fmt::format("makes the network larger than {} operators", most_operators));
}

Value Network::layer(const Section& section, const Values& inputs, NodeLayer::Emit fn,
                     std::initializer_list<StoredName> stored) {
  std::string kind = section.name();
  kind[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(kind[0])));
  const NodeLayer layer(kind, fmt::format("{}_{}", section.name(), index()), std::move(fn));
  const Value y = layer(inputs);
  const auto parameters = layer.parameters();
  for (const StoredName& entry : stored) {
    const auto it = std::ranges::find(parameters, entry.name,
                                      [](const ParameterPtr& p) -> const std::string& { return p->name(); });
    if (it == parameters.end()) throw Error(fmt::format("{} has no {}", label(section), entry.name));
    stored_.push_back({*it, entry.transposed});
    if (!weights_) continue;
    const Shape& shape = (*it)->shape();
    if (!entry.transposed) {
      (*it)->set_value(weights_->take(shape, label(section)));
      continue;
    }
    const int64_t rows = shape[0], columns = shape.numel() / rows;
    const Tensor turned = weights_->take({columns, rows}, label(section));
    Tensor straight(DType::f32, shape);
    for (int64_t i = 0; i < rows * columns; ++i)
      straight.as<float>()[static_cast<size_t>(i)] =
          turned.as<float>()[static_cast<size_t>(i % columns * rows + i / columns)];
    (*it)->set_value(straight);
  }
  return y;
}

Value Network::layer(const Section& section, const Values& inputs, const std::function<Value(const Values&)>& fn) {
  return layer(section, inputs, [&fn](nn::Build&, const Values& in) { return Values{fn(in)}; });
}

void Network::head(const Section& section, nlohmann::json description) {
  description["output"] = heads_.size();
  if (std::ranges::find(heads_, current_) != heads_.end()) section.fail("a second head on the same numbers");
  heads_.push_back(current_);
  descriptions_->push_back(std::move(description));
}

Values Network::outputs() const { return heads_.empty() ? Values{current_} : heads_; }

/// Detectors take the whole picture. Classifiers take its middle, as they were trained on crops.
data::Preprocess Network::preprocess() const {
  data::Preprocess p;
  const int64_t channels = start_.shape()[1];
  if (channels != 1 && channels != 3) return p;
  p.channels = static_cast<int>(channels);
  p.height = static_cast<int>(height_);
  p.width = static_cast<int>(width_);
  p.resize = letterbox_       ? data::ResizeRule::letterbox
             : heads_.empty() ? data::ResizeRule::crop
                              : data::ResizeRule::stretch;
  if (letterbox_) p.border = 127.5f;
  return p;
}

std::string Network::detector() const {
  return heads_.empty() ? std::string() : nlohmann::json{{"heads", *descriptions_}}.dump();
}

int64_t Network::classes() const {
  if (heads_.empty()) return elements(current_);
  int64_t most = 0;
  for (const auto& head : *descriptions_) most = std::max(most, head.at("classes").get<int64_t>());
  return most;
}

void build(const Cfg& cfg, Network& network) {
  refuse_unknown(cfg);
  for (size_t i = 1; i < cfg.sections.size(); ++i) network.add(cfg.sections[i]);
}

}  // namespace ocellus::io::darknet

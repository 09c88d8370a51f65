// Darknet: a .cfg and a .weights file of one name. Either names both; a .cfg alone is a network that has learned nothing yet.
#include <array>
#include <system_error>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/io/format.h>

#include "io/darknet/export.h"
#include "io/darknet/names.h"
#include "io/darknet/network.h"

namespace ocellus::io {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 2> endings = {".cfg", ".weights"};

bool recognises(std::string_view head, const fs::path& path) {
  const bool sections = head.find("[net]") != head.npos || head.find("[network]") != head.npos;
  return path.extension() == ".weights" || sections;
}

struct Files {
  fs::path cfg, weights;  ///< the second empty where there is none
};

Files files_of(const fs::path& path) {
  std::error_code error;
  fs::path cfg = path, weights = path;
  if (path.extension() == ".weights") {
    cfg.replace_extension(".cfg");
    if (!fs::exists(cfg, error))
      throw IoError(path.string(), fmt::format("needs {} beside it", cfg.filename().string()));
  } else {
    weights.replace_extension(".weights");
    if (!fs::exists(weights, error)) weights.clear();
  }
  return {cfg, weights};
}

/// A network and its weights, as far as there are any; the reader must live while the network is built.
struct Opened {
  darknet::Cfg cfg;
  std::optional<darknet::WeightsReader> weights;
  std::optional<darknet::Network> network;

  explicit Opened(const Files& files) : cfg(darknet::read_cfg(files.cfg)) {
    if (!files.weights.empty()) weights.emplace(files.weights);
    network.emplace(cfg.sections.front(), weights ? &*weights : nullptr);
    darknet::build(cfg, *network);
    if (weights) weights->finish();
  }
};

Model read(const fs::path& path) {
  const Files files = files_of(path);
  const Opened opened(files);
  const darknet::Network& network = *opened.network;
  if (network.outputs().front() == network.network_input())
    throw FormatError(files.cfg.string(), "has no section that computes anything");
  Model model({network.network_input()}, network.outputs(), {.name = files.cfg.stem().string()});
  model.set_preprocess(network.preprocess());
  model.set_class_names(darknet::class_names(files.cfg, network.classes()));
  model.set_metadata("detector", network.detector());
  darknet::remember(model, opened.cfg.text, opened.weights ? opened.weights->header() : darknet::WeightsHeader());
  return model;
}

FileContent inspect(const fs::path& path) {
  const Opened opened(files_of(path));
  FileContent content;
  content.metadata.emplace_back("weights", opened.weights ? opened.weights->header().to_text() : "none");
  for (size_t i = 0; i < opened.cfg.sections.size(); ++i) {
    const darknet::Section& section = opened.cfg.sections[i];
    std::string options;
    for (const auto& option : section.options())
      options += fmt::format("{}{}={}", options.empty() ? "" : " ", option.key, option.value);
    content.layers.push_back({.name = i == 0 ? "" : std::to_string(i - 1), .kind = section.name(), .detail = options});
  }
  for (const darknet::Stored& stored : opened.network->stored()) {
    const Shape& shape = stored.parameter->shape();
    content.tensors.push_back({.name = stored.parameter->path(),
                               .dtype = "F32",
                               .shape = {shape.begin(), shape.end()},
                               .bytes = static_cast<uint64_t>(shape.numel()) * sizeof(float)});
  }
  return content;
}

constexpr std::array<Format, 1> entries = {{{.name = "darknet",
                                             .description = "darknet's .cfg and .weights, one beside the other",
                                             .endings = endings,
                                             .recognises = recognises,
                                             .read = read,
                                             .write = darknet::write,
                                             .inspect = inspect}}};

}  // namespace

std::span<const Format> formats_in_darknet() { return entries; }

}  // namespace ocellus::io

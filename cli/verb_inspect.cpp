// ocellus inspect FILE

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ocellus/base/error.h>
#include <ocellus/io/format.h>
#include <ocellus/model/model.h>
#include <ocellus/tensor/npy.h>
#include <ocellus/tensor/safetensors.h>

#include "common.h"
#include "verb.h"

namespace cli {
namespace {

using namespace ocellus;

std::string shortened(const std::string& text) {
  constexpr size_t shown = 100;
  return text.size() <= shown ? text : text.substr(0, shown) + fmt::format("... ({} characters)", text.size());
}

nlohmann::ordered_json as_json(const SafetensorsHeader& header) {
  nlohmann::ordered_json j = {{"format", "safetensors"}, {"bytes", header.file_bytes}};
  j["metadata"] = header.metadata;
  for (const auto& t : header.tensors)
    j["tensors"].push_back({{"name", t.name}, {"dtype", t.dtype}, {"shape", t.shape}, {"bytes", t.end - t.begin}});
  return j;
}

void print(const SafetensorsHeader& header) {
  uint64_t elements = 0;
  fmt::print("{:<44} {:<6} {:<20} {:>12}\n", "tensor", "dtype", "shape", "bytes");
  for (const auto& t : header.tensors) {
    fmt::print("{:<44} {:<6} {:<20} {:>12}\n", t.name, t.dtype, fmt::format("[{}]", fmt::join(t.shape, ",")),
               t.end - t.begin);
    uint64_t count = 1;
    for (int64_t d : t.shape) count *= static_cast<uint64_t>(d);
    elements += count;
  }
  fmt::print("{} tensors, {} elements, {} bytes\n", header.tensors.size(), elements, header.file_bytes);
  for (const auto& [key, value] : header.metadata) fmt::print("{:<20} {}\n", key, shortened(value));
}

/// A file of another format: what it says of itself, its layers and its tensors.
int list(const io::Format& format, const std::string& path, bool json) {
  if (!format.inspect) throw Unsupported(path + ": " + std::string(format.name) + " files can't be listed");
  const io::FileContent content = format.inspect(path);
  if (json) {
    nlohmann::ordered_json j = {{"format", format.name}, {"bytes", std::filesystem::file_size(path)}};
    for (const auto& [key, value] : content.metadata) j["metadata"][key] = value;
    for (const auto& l : content.layers)
      j["layers"].push_back({{"name", l.name}, {"kind", l.kind}, {"detail", l.detail}});
    for (const auto& t : content.tensors)
      j["tensors"].push_back({{"name", t.name}, {"dtype", t.dtype}, {"shape", t.shape}, {"bytes", t.bytes}});
    fmt::print("{}\n", j.dump(2));
    return 0;
  }
  fmt::print("{}: {} ({})\n", path, format.name, format.description);
  for (const auto& [key, value] : content.metadata) fmt::print("{:<20} {}\n", key, shortened(value));
  if (!content.layers.empty()) fmt::print("\n{:<32} {:<22} {}\n", "layer", "kind", "detail");
  for (const auto& l : content.layers) fmt::print("{:<32} {:<22} {}\n", l.name, l.kind, shortened(l.detail));
  uint64_t bytes = 0;
  if (!content.tensors.empty()) fmt::print("\n{:<44} {:<6} {:<20} {:>12}\n", "tensor", "dtype", "shape", "bytes");
  for (const auto& t : content.tensors) {
    fmt::print("{:<44} {:<6} {:<20} {:>12}\n", t.name, t.dtype, fmt::format("[{}]", fmt::join(t.shape, ",")), t.bytes);
    bytes += t.bytes;
  }
  fmt::print("{} layers, {} tensors, {} bytes of data\n", content.layers.size(), content.tensors.size(), bytes);
  return 0;
}

int inspect(const std::string& path, bool json) {
  if (std::filesystem::path(path).extension() == ".npy") {
    const Tensor t = read_npy(path);
    if (json)
      fmt::print("{}\n", nlohmann::ordered_json({{"format", "npy"},
                                                 {"dtype", to_string(t.dtype())},
                                                 {"shape", std::vector<int64_t>(t.shape().begin(), t.shape().end())}})
                             .dump(2));
    else
      fmt::print("{}\n", t.to_string());
    return 0;
  }
  const io::Format format = io::format_of(path);
  if (format.name != "safetensors") return list(format, path, json);
  const SafetensorsHeader header = inspect_safetensors(path);
  // A file of ours must also make sense as a model.
  const bool model = header.metadata.contains("format") && header.metadata.at("format") == "ocellus";
  if (model) Model::load(path);
  if (json)
    fmt::print("{}\n", as_json(header).dump(2));
  else
    print(header);
  return 0;
}

std::function<int()> declare(Options& options) {
  struct State {
    std::string file;
    bool json = false;
  };
  auto s = std::make_shared<State>();
  options.argument("FILE", s->file, "a model file of any format, or an array (.npy)");
  options.flag("--json", s->json, "for machines");
  return [s] { return inspect(s->file, s->json); };
}

}  // namespace

const Verb inspect_verb = {"inspect", "List the tensors and metadata of a model file; an error for a damaged one",
                           "  ocellus inspect runs/mnist/best.safetensors", declare};

}  // namespace cli

// A .keras file is a zip archive of config.json, metadata.json and model.weights.h5. An .h5 file has the network as text in the
// attribute model_config, and the arrays in the group model_weights; one with weights alone has those at its root.
#include "io/keras/file.h"

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/base/file.h>

#include "io/keras/archive.h"
#include "io/keras/import.h"
#include "model/compile_json.h"

namespace ocellus::io::keras {
namespace {

using nlohmann::json;

std::span<const std::byte> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

int first_number(const std::string& version) {
  const int number = std::atoi(version.c_str());
  return number < 1 ? 1 : number;
}

/// What we have written beside what Keras reads: how images become inputs, and what the classes are called.
void apply_notes(Model& model, const std::string& text, const std::string& source) {
  try {
    const json notes = json::parse(text);
    if (notes.contains("preprocess"))
      model.set_preprocess(preprocess_from_json(notes.at("preprocess").get<std::string>(), source));
    if (notes.contains("classes")) model.set_class_names(notes.at("classes").get<std::vector<std::string>>());
  } catch (const json::exception& e) {
    throw FormatError(source, "notes of ocellus", "are damaged: " + std::string(e.what()));
  }
}

struct Opened {
  std::string config;
  Writer writer;
  std::string notes;
  std::shared_ptr<const Hdf5Reader> file;
  std::string root;  ///< the group with the layers' arrays
};

Opened open_archive(const std::filesystem::path& path) {
  const std::string source = path.string();
  const MappedFile mapped(path);
  const ArchiveReader archive(mapped.bytes(), source);
  Opened opened{.config = archive.read("config.json"), .writer = {}, .notes = {}, .file = nullptr, .root = ""};
  if (archive.has("metadata.json")) {
    const json metadata = json::parse(archive.read("metadata.json"), nullptr, false);
    if (metadata.is_object()) {
      if (metadata.contains("keras_version") && metadata.at("keras_version").is_string())
        opened.writer.version = first_number(metadata.at("keras_version").get<std::string>());
      if (metadata.contains("ocellus")) opened.notes = metadata.at("ocellus").dump();
    }
  }
  if (!archive.has("model.weights.h5") && archive.has("model.weights.json"))
    throw Unsupported(source + ": its weights are spread over several files, which is not supported");
  const std::string weights = archive.read("model.weights.h5");
  opened.file = std::make_shared<Hdf5Reader>(bytes_of(weights), source + ": model.weights.h5");
  return opened;
}

Opened open_hdf5(const std::filesystem::path& path) {
  const std::string source = path.string();
  const MappedFile mapped(path);
  Opened opened{.config = {}, .writer = {.version = 1, .backend = {}}, .notes = {}, .file = nullptr, .root = ""};
  opened.file = std::make_shared<Hdf5Reader>(mapped.bytes(), source);
  if (opened.file->is_group("model_weights")) opened.root = "model_weights";
  opened.config = opened.file->text("", "model_config").value_or("");
  for (const std::string& place : {std::string(), opened.root}) {
    if (const auto version = opened.file->text(place, "keras_version")) opened.writer.version = first_number(*version);
    if (const auto backend = opened.file->text(place, "backend")) opened.writer.backend = *backend;
  }
  opened.notes = opened.file->text("", "ocellus").value_or("");
  return opened;
}

Model read(const Opened& opened, const std::string& source, bool archive) {
  const Network network = network_from_json(opened.config, source, opened.writer);
  const auto weights = archive ? weights_by_class(opened.file, opened.root, network)
                               : weights_by_name(opened.file, opened.root, opened.writer);
  Model model = build(network, *weights, source);
  if (!opened.notes.empty()) apply_notes(model, opened.notes, source);
  return model;
}

void list_tensors(const Hdf5Reader& file, const std::string& group, int depth, FileContent& content) {
  if (depth > 16) return;
  for (const std::string& name : file.children(group)) {
    const std::string path = group.empty() ? name : group + "/" + name;
    if (file.is_group(path)) {
      list_tensors(file, path, depth + 1, content);
    } else {
      const DatasetInfo info = file.info(path);
      content.tensors.push_back({.name = path, .dtype = info.dtype, .shape = info.shape, .bytes = info.bytes});
    }
  }
}

void list_layers(const Network& network, const std::string& prefix, FileContent& content) {
  for (const LayerSpec& layer : network.layers) {
    std::string detail;
    for (const auto& call : layer.calls)
      for (const Reference& r : call) detail += (detail.empty() ? "" : ", ") + r.layer;
    content.layers.push_back({.name = prefix + layer.name, .kind = layer.class_name, .detail = detail});
    if (layer.network) list_layers(*layer.network, prefix + layer.name + "/", content);
  }
}

FileContent listed(const Opened& opened, const std::string& source) {
  FileContent content;
  content.metadata.emplace_back("keras_version", std::to_string(opened.writer.version));
  if (!opened.writer.backend.empty()) content.metadata.emplace_back("backend", opened.writer.backend);
  if (!opened.config.empty()) list_layers(network_from_json(opened.config, source, opened.writer), "", content);
  list_tensors(*opened.file, "", 0, content);
  return content;
}

}  // namespace

Model read_archive(const std::filesystem::path& path) { return read(open_archive(path), path.string(), true); }

Model read_hdf5(const std::filesystem::path& path) {
  const Opened opened = open_hdf5(path);
  if (opened.config.empty())
    throw Unsupported(path.string() + ": holds weights alone, no network; name a network of the zoo that they are for");
  return read(opened, path.string(), false);
}

FileContent inspect_archive(const std::filesystem::path& path) { return listed(open_archive(path), path.string()); }
FileContent inspect_hdf5(const std::filesystem::path& path) { return listed(open_hdf5(path), path.string()); }

}  // namespace ocellus::io::keras

// A model file is a .safetensors file: the parameters as f32 tensors under their paths ("conv2d/kernel"), constants as
// "constant/<n>", optimiser state as "optimizer/<slot>/<path>", and in its metadata
//   format = "ocellus", format_version      a reader refuses versions above its own
//   architecture                            JSON: layers, parameters, calls, nodes in topological order, inputs, outputs
//   preprocess, classes, compile, history   JSON
//   extra                                   JSON: the model's own metadata, texts by name
//   quantization                            JSON, of models in bytes: ranges of activations, layers that stay f32
//   training                                of checkpoints: where the run stands (run_state.h)
// Nodes name operators and their attributes, so a file loads without the program that built the model. Nothing in a file is
// trusted: references must point backwards, and every shape is inferred again.
#include "model/file.h"

#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ocellus/base/version.h>

#include "model/architecture.h"
#include "model/calibration_json.h"
#include "model/compile_json.h"

namespace ocellus {
namespace {

using nlohmann::json;

constexpr int format_version = 1;

/// An optimiser's array in plain order, whatever layout its parameter has.
Tensor plain_copy(const Parameter& parameter, const float* data) {
  Tensor plain(DType::f32, parameter.shape());
  if (parameter.layout())
    parameter.layout()->unpack(data, plain);
  else
    std::memcpy(plain.data(), data, plain.bytes());
  return plain;
}

/// Slot by slot, parameter by parameter, whether the arrays are in use or still as a file gave them.
void put_optimizer(const Model::State& state, SafetensorsFile& file) {
  if (!state.config.optimizer) return;
  const auto names = state.config.optimizer->slots();
  for (size_t i = 0; i < names.size(); ++i)
    for (const ParameterPtr& p : state.parameters) {
      const std::string name = names[i] + "/" + p->path();
      const auto used = state.optimizer.slots.find(p.get());
      const auto kept = state.optimizer.plain.find(name);
      if (used != state.optimizer.slots.end())
        file.tensors.emplace_back("optimizer/" + name, plain_copy(*p, used->second[i].get()));
      else if (kept != state.optimizer.plain.end())
        file.tensors.emplace_back("optimizer/" + name, kept->second);
    }
}

const std::string* metadata(const SafetensorsFile& file, const std::string& key) {
  const auto it = file.metadata.find(key);
  return it == file.metadata.end() ? nullptr : &it->second;
}

/// A parameter-like tensor: f32, of this shape.
const Tensor& expect_tensor(const SafetensorsFile& file, const std::string& name, const Shape& shape,
                            const std::string& source) {
  const Tensor* t = file.find(name);
  if (!t) throw FormatError(source, "tensor " + name, "is missing");
  if (t->dtype() != DType::f32 || !(t->shape() == shape))
    throw FormatError(source, "tensor " + name,
                      fmt::format("is {}{}, the model needs f32{}", to_string(t->dtype()), t->shape().to_string(),
                                  shape.to_string()));
  return *t;
}

}  // namespace

void check_format(const SafetensorsFile& file, const std::string& source) {
  const std::string* format = metadata(file, "format");
  if (!format || *format != "ocellus") throw FormatError(source, "is a .safetensors file, but no ocellus model");
  const std::string* version = metadata(file, "format_version");
  const int number = version ? std::atoi(version->c_str()) : 0;
  if (number < 1) throw FormatError(source, "metadata format_version", "is missing or no number");
  if (number > format_version)
    throw Unsupported(fmt::format("{}: has format version {}, this program reads up to {}: it was written by a newer ocellus",
                                  source, number, format_version));
}

void write_model(const Model::State& state, const std::filesystem::path& path, const std::string& training) {
  SafetensorsFile file;
  file.metadata = {{"format", "ocellus"},
                   {"format_version", std::to_string(format_version)},
                   {"ocellus_version", OCELLUS_VERSION},
                   {"architecture", architecture_to_json(state, file)},
                   {"classes", json(state.classes).dump()},
                   {"history", state.history.to_json()}};
  for (const ParameterPtr& p : state.parameters) file.tensors.emplace_back(p->path(), p->value());
  put_optimizer(state, file);
  if (state.preprocess) file.metadata["preprocess"] = preprocess_to_json(*state.preprocess);
  if (state.config.loss)
    file.metadata["compile"] = compile_to_json(state);
  else if (!state.foreign.json.empty())
    file.metadata["compile"] = state.foreign.json;
  if (state.calibration) file.metadata["quantization"] = calibration_to_json(*state.calibration);
  if (!state.metadata.empty()) file.metadata["extra"] = json(state.metadata).dump();
  if (!training.empty()) file.metadata["training"] = training;
  write_safetensors(path, file);
}

void restore_weights(Model::State& state, const SafetensorsFile& file, const std::string& source) {
  // All are checked before any is set.
  for (const ParameterPtr& p : state.parameters) expect_tensor(file, p->path(), p->shape(), source);
  for (const ParameterPtr& p : state.parameters) p->share_value(*file.find(p->path()));
}

void restore_optimizer(Model::State& state, const SafetensorsFile& file, const std::string& source) {
  state.optimizer = {};
  if (!state.config.optimizer) return;
  for (const std::string& slot : state.config.optimizer->slots())
    for (const ParameterPtr& p : state.parameters) {
      const std::string name = slot + "/" + p->path();
      if (file.find("optimizer/" + name))
        state.optimizer.plain[name] = expect_tensor(file, "optimizer/" + name, p->shape(), source).clone();
    }
}

std::shared_ptr<Model::State> read_model(const std::filesystem::path& path) {
  const std::string source = path.string();
  const SafetensorsFile file = read_safetensors(path);
  check_format(file, source);
  const std::string* architecture = metadata(file, "architecture");
  if (!architecture) throw FormatError(source, "metadata architecture", "is missing");
  auto state = std::make_shared<Model::State>();
  architecture_from_json(*architecture, file, source, *state);
  restore_weights(*state, file, source);
  try {
    if (const std::string* text = metadata(file, "classes")) json::parse(*text).get_to(state->classes);
    if (const std::string* text = metadata(file, "extra")) json::parse(*text).get_to(state->metadata);
  } catch (const json::exception& e) {
    throw FormatError(source, "metadata classes, extra", "is damaged: " + std::string(e.what()));
  }
  if (const std::string* text = metadata(file, "preprocess")) state->preprocess = preprocess_from_json(*text, source);
  if (const std::string* text = metadata(file, "quantization"))
    state->calibration = std::make_shared<const Calibration>(calibration_from_json(*text, source, *state));
  if (const std::string* text = metadata(file, "history")) state->history = History::from_json(*text, source);
  if (const std::string* text = metadata(file, "compile")) {
    const int64_t updates = compile_from_json(*text, source, *state);
    restore_optimizer(*state, file, source);
    state->optimizer.updates = updates;
  }
  return state;
}

void Model::save(const std::filesystem::path& path) const { write_model(*state_, path, ""); }

Model Model::load(const std::filesystem::path& path) { return Model(read_model(path)); }

void Model::load_weights(const std::filesystem::path& path) {
  state_->forget_calibration();
  restore_weights(*state_, read_safetensors(path), path.string());
}

}  // namespace ocellus

#include <ocellus/model/model.h>

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include <ocellus/backend/backends.h>
#include <ocellus/base/settings.h>
#include <ocellus/base/threads.h>

#include "base/suggest.h"
#include "model/trainer.h"

namespace ocellus {

TensorType with_batch(const TensorType& type, int64_t batch) {
  if (type.shape.rank() == 0 || type.shape[0] != any_dim) return type;
  return {type.dtype, type.shape.with(0, batch)};
}

namespace {

/// Each part of the loss is a column of the log.
void check_parts(const CompileConfig& config, const std::string& model) {
  std::vector<std::string> taken = {"loss", "learning_rate"};
  for (const auto& metric : config.metrics) taken.push_back(metric->name());
  for (const std::string& part : logged_parts(config)) {
    if (part.empty() || part.starts_with("val_") || std::find(taken.begin(), taken.end(), part) != taken.end())
      throw UsageError(fmt::format("model {}: a part of the loss {} can't be called \"{}\": the log uses that name for "
                                   "something else",
                                   model, config.loss->name, part));
    taken.push_back(part);
  }
}

}  // namespace

Model::Model(Values inputs, Values outputs, ModelConfig config)
    : Layer("Model", config.name), state_(std::make_shared<State>()) {
  state_->name = config.name;
  state_->graph.inputs = std::move(inputs);
  state_->graph.outputs = std::move(outputs);
  state_->index();
  for (const ParameterPtr& p : state_->parameters)
    if (p->version() == 1) p->initialise(config.seed);  // others carry weights of another model
}

Model::Model(std::shared_ptr<State> state) : Layer("Model", state->name), state_(std::move(state)) {}

void Model::initialise(uint64_t seed) {
  state_->forget_calibration();
  for (const ParameterPtr& p : state_->parameters) p->initialise(seed);
}

void Model::compile(CompileConfig config) {
  if (!config.loss) throw UsageError(fmt::format("model {}: compile needs a loss", state_->name));
  if (!config.optimizer) throw UsageError(fmt::format("model {}: compile needs an optimizer", state_->name));
  const size_t outputs = state_->graph.outputs.size();
  if (!config.loss_weights.empty() && config.loss_weights.size() != outputs)
    throw UsageError(fmt::format("model {}: {} loss weights for {} outputs", state_->name, config.loss_weights.size(),
                                 outputs));
  check_parts(config, state_->name);
  if (config.backend) set_backend(config.backend);
  if (config.precision) set_precision(*config.precision);
  state_->config = std::move(config);
  state_->optimizer = {};
  state_->foreign = {};
  state_->probabilities = {};
}

std::string Model::lacks() const { return state_->foreign.what; }

void Model::State::require_compiled(std::string_view what_for) const {
  if (config.loss) return;
  if (foreign.what.empty())
    throw UsageError(fmt::format("model {} is not compiled: {} needs a loss and an optimizer", name, what_for));
  throw UsageError(fmt::format("model {} is not compiled: {} is a function of the program that saved the model and must be "
                               "given again by compile(...)",
                               name, foreign.what));
}

bool Model::compiled() const { return static_cast<bool>(state_->config.loss); }

Values Model::call(nn::Build&, const Values& inputs) const {
  const Graph& graph = state_->graph;
  if (inputs.size() != graph.inputs.size())
    throw ShapeError(fmt::format("takes {} inputs, got {}", graph.inputs.size(), inputs.size()));
  std::unordered_map<Value, Value, ValueHash> now;
  for (size_t i = 0; i < inputs.size(); ++i) now[graph.inputs[i]] = inputs[i];
  const auto renew = [&](const Values& values) {
    Values renewed;
    for (const Value& v : values) {
      const auto it = now.find(v);
      renewed.push_back(it == now.end() ? v : it->second);
    }
    return renewed;
  };
  // Each call of the model is a new call of each of its layers, so scopes are made anew.
  std::unordered_map<const Scope*, ScopePtr> scopes;
  for (const auto& node : graph.order()) {
    if (node->as<InputOp>()) continue;
    ScopePtr scope;
    if (node->scope()) {
      ScopePtr& made = scopes[node->scope().get()];
      if (!made) made = std::make_shared<const Scope>(Scope{node->scope()->layer, renew(node->scope()->inputs)});
      scope = made;
    }
    const Values outputs = emit(node->op_ptr(), renew(node->inputs()), scope);
    for (size_t i = 0; i < outputs.size(); ++i) now[Value(node, i)] = outputs[i];
  }
  return renew(graph.outputs);
}

Model Model::until(std::string_view name) const {
  const Value output = value(name);
  Graph part;
  part.outputs = {output};
  const auto order = part.order();
  Values inputs;
  for (const Value& v : state_->graph.inputs)
    if (std::any_of(order.begin(), order.end(), [&](const auto& node) { return node == v.node_ptr(); }))
      inputs.push_back(v);
  Model result(inputs, {output}, {.name = fmt::format("{}/{}", state_->name, name)});
  result.state_->preprocess = state_->preprocess;
  result.state_->backend = state_->backend;
  return result;
}

const Graph& Model::graph() const { return state_->graph; }

Value Model::State::find(std::string_view wanted) const {
  for (const LayerCall& call : calls)
    if (call.name == wanted) return call.outputs.front();
  for (const ParameterPtr& p : parameters)
    if (p->path() == wanted)
      for (const auto& node : graph.order())
        if (const auto* op = node->as<ParameterOp>(); op && op->parameter == p) return Value(node, 0);
  return {};
}

Value Model::value(std::string_view name) const {
  if (const Value found = state_->find(name)) return found;
  std::vector<std::string_view> known;
  for (const LayerCall& call : state_->calls) known.push_back(call.name);
  throw UsageError(fmt::format("model {} has no value \"{}\"{}", state_->name, name, did_you_mean(name, known)));
}

std::vector<std::string> Model::value_names() const {
  std::vector<std::string> names;
  for (const LayerCall& call : state_->calls) names.push_back(call.name);
  return names;
}

std::vector<std::string> Model::input_names() const { return state_->inputs; }

std::vector<std::string> Model::output_names() const {
  std::vector<std::string> names;
  for (const Value& v : state_->graph.outputs)
    for (const LayerCall& call : state_->calls)
      if (std::find(call.outputs.begin(), call.outputs.end(), v) != call.outputs.end()) {
        names.push_back(call.name);
        break;
      }
  return names;
}

std::vector<ParameterPtr> Model::parameters() const { return state_->parameters; }

int64_t Model::count_parameters() const {
  int64_t count = 0;
  for (const ParameterPtr& p : state_->parameters) count += p->shape().numel();
  return count;
}

void Model::trainable(bool learns) {
  Layer::trainable(learns);
  for (const auto& layer : state_->layers) layer->trainable = learns;
}

void Model::trainable(std::string_view prefix, bool learns) {
  bool any = false;
  std::vector<std::string_view> known;
  for (const auto& layer : state_->layers) {
    const std::string_view name = layer->name;
    known.push_back(name);
    for (size_t slash = name.find('/'); slash != name.npos; slash = name.find('/', slash + 1))
      known.push_back(name.substr(0, slash));
    if (!name.starts_with(prefix) || (name.size() > prefix.size() && name[prefix.size()] != '/')) continue;
    layer->trainable = learns;
    any = true;
  }
  if (!any)
    throw UsageError(fmt::format("model {} has no layer \"{}\"{}", state_->name, prefix, did_you_mean(prefix, known)));
}

const data::Preprocess& Model::preprocess() const {
  static const data::Preprocess none;
  return state_->preprocess ? *state_->preprocess : none;
}

void Model::set_preprocess(data::Preprocess preprocess) { state_->preprocess = std::move(preprocess); }

void Model::State::choose_preprocess() {
  if (preprocess) return;
  preprocess.emplace();
  const Shape& x = graph.inputs.front().shape();
  if (x.rank() != 4 || (x[1] != 1 && x[1] != 3)) return;
  preprocess->channels = static_cast<int>(x[1]);
  preprocess->height = static_cast<int>(x[2]);
  preprocess->width = static_cast<int>(x[3]);
}

const std::vector<std::string>& Model::class_names() const { return state_->classes; }

void Model::set_class_names(std::vector<std::string> names) { state_->classes = std::move(names); }

const std::map<std::string, std::string>& Model::metadata() const { return state_->metadata; }

void Model::set_metadata(const std::string& key, std::string text) {
  if (text.empty())
    state_->metadata.erase(key);
  else
    state_->metadata[key] = std::move(text);
}

const History& Model::history() const { return state_->history; }

const CompileConfig& Model::configuration() const { return state_->config; }

const BackendPtr& Model::State::use_backend() {
  if (!backend) {
    const Settings settings = load_settings();
    if (settings.threads.value > 0) set_num_threads(settings.threads.value);
    backend = make_backend(settings.backend.value);
  }
  return backend;
}

DType Model::State::use_precision() {
  if (!precision) precision = calibration                                          ? DType::i8
                              : load_settings().floatx.value == "bfloat16" ? DType::bf16
                                                                           : DType::f32;
  return *precision;
}

Program Model::State::compile(const ProgramSpec& spec) {
  const bool trains = spec.mode == Mode::train || !spec.wrt.empty();
  const DType compute = use_precision() == DType::i8 && trains ? DType::f32 : use_precision();
  return ocellus::compile(spec, *use_backend(), {.compute = compute,
                                                .calibration = calibration,
                                                .memory_limit = spec.mode == Mode::train ? config.memory_limit : 0});
}

DType Model::precision() const { return state_->use_precision(); }

void Model::set_precision(DType precision) {
  if (precision != DType::f32 && precision != DType::bf16 && precision != DType::i8)
    throw UsageError(fmt::format("model {}: computes in f32, bf16 or i8, not in {}", state_->name, to_string(precision)));
  if (precision == DType::i8 && !state_->calibration)
    throw UsageError(fmt::format("model {}: computes in i8 only with a calibration (see Model::quantize)", state_->name));
  if (precision == state_->precision) return;
  state_->programs.clear();
  state_->precision = precision;
}

const BackendPtr& Model::backend() const { return state_->use_backend(); }

void Model::set_backend(BackendPtr backend) {
  if (backend == state_->backend) return;
  state_->programs.clear();
  state_->backend = std::move(backend);
}

}  // namespace ocellus

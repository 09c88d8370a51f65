#include "model/trainer.h"

#include <cstring>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include <ocellus/ops/elementwise.h>

namespace ocellus {
namespace {

/// Layers leave dropout's seed to whoever trains: without that, layers of one seed would share their masks.
Graph seed_dropout(const Graph& graph, uint64_t seed) {
  std::unordered_map<std::string, int> calls;
  return rewrite(graph, [&](const std::shared_ptr<const Node>& node, const Values& inputs) -> std::optional<Values> {
    const auto* op = node->as<Dropout>();
    if (!op) return std::nullopt;
    const int call = calls[node->layer()]++;
    const uint64_t mixed = stable_hash(fmt::format("{}/{}/{}/{}", node->layer(), call, op->seed, seed));
    return Values{ops::dropout(inputs[0], op->rate, static_cast<int64_t>(mixed >> 1))};
  });
}

/// The values of a loss's parts [parts], scaled by the loss's weight.
Value weighted_parts(const Model::State& state, const LossValues& values, double weight) {
  const auto count = static_cast<int64_t>(state.config.loss->parts.size());
  if (!values.parts || !(values.parts.shape() == Shape{count}))
    throw ShapeError("loss", state.config.loss->name,
                     fmt::format("names {} parts, but their values are {}", count,
                                 values.parts ? to_string(values.parts.type()) : "missing"));
  return weight == 1 ? values.parts : ops::affine(values.parts, weight);
}

}  // namespace

std::vector<std::string> logged_parts(const CompileConfig& config) {
  const std::vector<std::string>& parts = config.loss->parts;
  return parts.size() == 1 && parts.front() == "loss" ? std::vector<std::string>() : parts;
}

LossGraph loss_graph(const Model::State& state, DType target, std::optional<uint64_t> dropout_seed) {
  const CompileConfig& config = state.config;
  state.require_compiled("training");
  LossGraph result;
  result.target = config.loss->target(state.graph.outputs.front().type(), target);
  const Value wanted = input("target", result.target);
  const bool has_parts = !logged_parts(config).empty();
  Values losses, parts;
  for (size_t i = 0; i < state.graph.outputs.size(); ++i) {
    const double weight = config.loss_weights.empty() ? 1 : config.loss_weights[i];
    if (weight == 0) continue;
    const LossValues values = config.loss->build(state.graph.outputs[i], wanted);
    losses.push_back(weight == 1 ? values.loss : ops::affine(values.loss, weight));
    if (has_parts) parts.push_back(weighted_parts(state, values, weight));
  }
  if (losses.empty()) throw UsageError(fmt::format("model {}: all loss weights are 0", state.name));
  result.graph.inputs = state.graph.inputs;
  result.graph.inputs.push_back(wanted);
  result.graph.outputs = {add_n(losses), state.graph.outputs.front()};
  if (has_parts) result.graph.outputs.push_back(add_n(parts));
  if (dropout_seed) result.graph = seed_dropout(result.graph, *dropout_seed);
  return result;
}

Values learning_parameters(const Graph& graph) {
  Values values;
  std::unordered_set<const Parameter*> seen;
  for (const auto& node : graph.order())
    if (const auto* op = node->as<ParameterOp>(); op && op->parameter->learns() && seen.insert(op->parameter.get()).second)
      values.emplace_back(node, 0);
  return values;
}

ProgramSpec loss_spec(const LossGraph& loss, int64_t batch, Mode mode) {
  ProgramSpec spec;
  spec.graph = loss.graph;
  spec.mode = mode;
  for (const Value& v : loss.graph.inputs) spec.inputs.push_back(with_batch(v.type(), batch));
  return spec;
}

void feed_batch(const Model::State& state, const TensorType& target, const data::Batch& batch, Program& program) {
  Tensor& x = program.input(0);
  Tensor& t = program.input(1);
  if (!(batch.inputs.shape() == x.shape()))
    throw ShapeError("model", state.name,
                     fmt::format("input {} expects {}, the data set gives {}", state.inputs[0],
                                 to_string(state.graph.inputs[0].type()), batch.inputs.shape().to_string()));
  if (!batch.targets) throw UsageError("the data set's samples have no targets");
  const Tensor targets = batch.targets.to(t.dtype());
  if (targets.numel() != t.numel())
    throw ShapeError("model", state.name,
                     fmt::format("the loss expects targets {}, the data set gives {}", to_string(target),
                                 batch.targets.shape().to_string()));
  std::memcpy(x.data(), batch.inputs.data(), x.bytes());
  std::memcpy(t.data(), targets.data(), t.bytes());
}

Trainer::Trainer(Model::State& state, DType target, uint64_t seed)
    : state_(state), loss_(loss_graph(state, target, seed)), wrt_(learning_parameters(loss_.graph)) {
  if (state.graph.inputs.size() != 1)
    throw UsageError(fmt::format("model {} has {} inputs; a data set gives one", state.name, state.graph.inputs.size()));
  if (wrt_.empty()) throw UsageError(fmt::format("model {}: no parameter learns", state.name));
}

/// The state of one parameter: zeros, or what a checkpoint held, once the parameter has the layout that it will keep.
std::vector<std::shared_ptr<float>>& Trainer::slots(const ParameterPtr& parameter) {
  OptimizerState& optimizer = state_.optimizer;
  auto& arrays = optimizer.slots[parameter.get()];
  if (!arrays.empty()) return arrays;
  for (const std::string& slot : state_.config.optimizer->slots()) {
    arrays.push_back(std::static_pointer_cast<float>(allocate(parameter->storage_bytes())));
    const auto plain = optimizer.plain.find(slot + "/" + parameter->path());
    if (plain == optimizer.plain.end()) continue;
    if (parameter->layout())
      parameter->layout()->pack(plain->second, arrays.back().get());
    else
      std::memcpy(arrays.back().get(), plain->second.data(), plain->second.bytes());
    optimizer.plain.erase(plain);
  }
  return arrays;
}

Trainer::Prepared& Trainer::find_or_compile(int64_t batch) {
  for (Prepared& p : programs_)
    if (p.batch == batch) return p;
  ProgramSpec spec = loss_spec(loss_, batch, Mode::train);
  spec.wrt = wrt_;
  Prepared prepared;
  prepared.batch = batch;
  prepared.program = std::make_unique<Program>(state_.compile(spec));
  for (size_t i = 0; i < wrt_.size(); ++i) {
    const ParameterPtr& parameter = wrt_[i].node().as<ParameterOp>()->parameter;
    optim::Slice slice;
    slice.param = parameter->flat();
    slice.grad = prepared.program->gradient(i);
    const auto& arrays = slots(parameter);
    for (size_t s = 0; s < arrays.size(); ++s) slice.state[s] = arrays[s].get();
    slice.norm_or_bias = parameter->role() != ParamRole::kernel;
    prepared.slices.push_back(slice);
  }
  programs_.push_back(std::move(prepared));
  return programs_.back();
}

Program& Trainer::prepare(int64_t batch) {
  current_ = &find_or_compile(batch);
  return *current_->program;
}

float Trainer::forward_backward(const data::Batch& batch, int64_t step) {
  Program& program = prepare(batch.size());
  feed_batch(state_, loss_.target, batch, program);
  program.set_step(step);
  program.run();
  return program.output(0).as<float>()[0];
}

std::span<const float> Trainer::parts() const {
  if (loss_.graph.outputs.size() < 3) return {};
  return current_->program->output(2).as<float>();
}

void Trainer::update(double lr) {
  optim::Optimizer& optimizer = *state_.config.optimizer;
  optimizer.begin_step(state_.optimizer.updates + 1, lr);
  optimizer.step(current_->slices);
  ++state_.optimizer.updates;
  for (const Value& v : wrt_) v.node().as<ParameterOp>()->parameter->touch();
}

}  // namespace ocellus

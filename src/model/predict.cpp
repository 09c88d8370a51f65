// Prediction runs compiled programs, one for each set of outputs and batch size; the few used last are kept.
#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "model/state.h"

namespace ocellus {
namespace {

constexpr size_t kept_programs = 8;

/// Copies `rows` samples and checks the rest of the shape.
void feed(const std::string& model, const std::string& name, const Tensor& samples, const TensorType& wanted, Tensor& buffer) {
  const bool fits = samples && samples.dtype() == wanted.dtype && samples.shape() == buffer.shape();
  if (!fits)
    throw ShapeError("model", model,
                     fmt::format("input {} expects {}, got {}", name, to_string(wanted),
                                 samples ? to_string(TensorType{samples.dtype(), samples.shape()}) : "nothing"));
  std::memcpy(buffer.data(), samples.data(), samples.bytes());
}

/// Adds the batch dimension to a single sample.
Tensor as_batch(const Tensor& samples, const TensorType& wanted) {
  if (!samples || samples.shape().rank() + 1 != wanted.shape.rank()) return samples;
  std::vector<int64_t> dims = {1};
  dims.insert(dims.end(), samples.shape().begin(), samples.shape().end());
  return samples.reshape(Shape(std::span<const int64_t>(dims)));
}

}  // namespace

Program& Model::State::program(const Values& outputs, int64_t batch) {
  for (auto it = programs.begin(); it != programs.end(); ++it)
    if (it->batch == batch && it->outputs == outputs) {
      if (it != programs.begin()) programs.splice(programs.begin(), programs, it);
      return *programs.front().program;
    }
  ProgramSpec spec;
  spec.graph.inputs = graph.inputs;
  spec.graph.outputs = outputs;
  for (const Value& v : graph.inputs) spec.inputs.push_back(with_batch(v.type(), batch));
  auto made = std::make_unique<Program>(compile(spec));
  programs.push_front({outputs, batch, std::move(made)});
  if (programs.size() > kept_programs) programs.pop_back();
  return *programs.front().program;
}

Value Model::State::probabilities_value() {
  if (!probabilities) {
    const Value& y = graph.outputs.front();
    probabilities = config.loss && config.loss->probabilities ? config.loss->probabilities(y) : y;
  }
  return probabilities;
}

namespace {

/// Runs all samples through, some at a time.
Tensor run_in_batches(Model::State& state, const Value& output, const Tensor& given, int64_t batch) {
  if (state.graph.inputs.size() != 1)
    throw UsageError(fmt::format("model {} has {} inputs: give one tensor for each", state.name, state.graph.inputs.size()));
  if (const auto* p = output.node().as<ParameterOp>()) return p->parameter->value();
  const TensorType& wanted = state.graph.inputs[0].type();
  const Tensor samples = as_batch(given, wanted);
  const std::string& name = state.inputs[0];
  if (!samples || samples.shape().rank() != wanted.shape.rank() || samples.shape()[0] < 1) {
    Tensor nothing;
    feed(state.name, name, given, wanted, nothing);
  }
  const int64_t count = samples.shape()[0];
  const bool batched = output.shape().rank() > 0 && output.shape()[0] == any_dim;
  if (wanted.shape[0] != any_dim || !batched) batch = count;
  Tensor result;
  for (int64_t begin = 0; begin < count; begin += batch) {
    const int64_t end = std::min(count, begin + batch);
    Program& program = state.program({output}, end - begin);
    feed(state.name, name, samples.rows(begin, end), wanted, program.input(0));
    program.run();
    const Tensor& part = program.output(0);
    if (end - begin == count) return part.clone();
    if (!result) result = Tensor(part.dtype(), part.shape().with(0, count));
    result.rows(begin, end).copy_from(part);
  }
  return result;
}

}  // namespace

Tensor Model::predict(const Tensor& samples, const PredictConfig& config) const {
  const Value output = config.output.empty() ? state_->graph.outputs.front() : value(config.output);
  return run_in_batches(*state_, output, samples, std::max<int64_t>(config.batch, 1));
}

Tensor Model::probabilities(const Tensor& samples, const PredictConfig& config) const {
  return run_in_batches(*state_, state_->probabilities_value(), samples, std::max<int64_t>(config.batch, 1));
}

std::vector<Tensor> Model::predict(std::span<const Tensor> inputs, const std::vector<std::string>& outputs) const {
  const Values& wanted = state_->graph.inputs;
  if (inputs.size() != wanted.size())
    throw UsageError(fmt::format("model {} has {} inputs, got {}", state_->name, wanted.size(), inputs.size()));
  Values computed;
  std::vector<Tensor> results;
  for (const std::string& name : outputs) {
    const Value v = value(name);
    const auto* p = v.node().as<ParameterOp>();
    results.push_back(p ? p->parameter->value() : Tensor());
    if (!p) computed.push_back(v);
  }
  if (computed.empty()) return results;
  std::vector<Tensor> batches;
  for (size_t i = 0; i < inputs.size(); ++i) batches.push_back(as_batch(inputs[i], wanted[i].type()));
  const bool scalar = !batches[0] || batches[0].shape().rank() == 0;
  Program& program = state_->program(computed, scalar ? 1 : std::max<int64_t>(batches[0].shape()[0], 1));
  for (size_t i = 0; i < inputs.size(); ++i)
    feed(state_->name, state_->inputs[i], batches[i], wanted[i].type(), program.input(i));
  program.run();
  size_t next = 0;
  for (Tensor& result : results)
    if (!result) result = program.output(next++).clone();
  return results;
}

Program& Model::inference_program(int64_t batch) const { return state_->program({state_->graph.outputs.front()}, batch); }

}  // namespace ocellus

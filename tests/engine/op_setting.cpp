#include "engine/op_setting.h"

#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/norm.h>

namespace ocellus::op_check {
namespace {

/// Integer outputs are left out: a backend may keep positions and masks in a form of its own.
void add_floating(Graph& graph, const Values& outputs) {
  for (const Value& v : outputs)
    if (is_floating(v.dtype())) graph.outputs.push_back(v);
}

/// Operators that training turns into others can't be compared with themselves there.
bool depends_on_mode(const Values& outputs) {
  Graph graph;
  graph.outputs = outputs;
  for (const auto& node : graph.order())
    if (node->as<BatchNorm>() || node->as<Dropout>()) return true;
  return false;
}

}  // namespace

ProgramSpec Setting::spec() const {
  Types types;
  for (const Value& v : graph.inputs) types.push_back(v.type());
  return {graph, types, mode, wrt};
}

Setting alone(const OpCase& c, int64_t batch) {
  const Built b = build(c, batch);
  Setting s;
  s.graph.inputs = b.inputs;
  add_floating(s.graph, b.outputs);
  s.fed = filled(c, batch);
  return s;
}

std::vector<ParameterPtr> parameters_of(const OpCase& c) {
  std::vector<ParameterPtr> parameters;
  const std::vector<Tensor> values = filled(c);
  for (size_t i = 0; i < values.size(); ++i) {
    parameters.push_back(nullptr);
    if (c.inputs[i].batch || values[i].dtype() != DType::f32) continue;
    parameters[i] =
        std::make_shared<Parameter>("in" + std::to_string(i), values[i].shape(), ParamRole::kernel, nullptr, nullptr);
    parameters[i]->set_value(values[i]);
  }
  return parameters;
}

Setting in_network(const OpCase& c, int64_t batch, const std::vector<ParameterPtr>& parameters) {
  Setting s;
  Values inputs;
  const std::vector<Tensor> tensors = filled(c, batch);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const bool real = tensors[i].dtype() == DType::f32;
    Value source;
    if (parameters[i]) {
      source = parameter(parameters[i]);
      inputs.push_back(source);
    } else {
      source = input("in" + std::to_string(i), {tensors[i].dtype(), tensors[i].shape()});
      s.graph.inputs.push_back(source);
      s.fed.push_back(tensors[i]);
      inputs.push_back(real ? ops::affine(source, 0.5) : source);
    }
    if (real && c.inputs[i].differentiable) s.wrt.push_back(source);
  }
  const Values outputs = c.build(inputs);
  if (!s.wrt.empty()) s.graph.outputs.push_back(loss_of(outputs, c.losses));
  add_floating(s.graph, outputs);
  s.mode = depends_on_mode(outputs) ? Mode::inference : Mode::train;
  return s;
}

}  // namespace ocellus::op_check

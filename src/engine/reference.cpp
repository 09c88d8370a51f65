#include <ocellus/engine/reference.h>

#include <algorithm>

#include <ocellus/base/error.h>

namespace ocellus {
namespace {

Tensor in_precision(const Tensor& t, DType real) { return is_floating(t.dtype()) ? t.to(real) : t; }

/// f32 of the values that bf16 has.
Tensor rounded(const Tensor& t) { return is_floating(t.dtype()) ? t.to(DType::bf16).to(DType::f32) : t; }

class Interpreter {
 public:
  Interpreter(const Graph& graph, std::span<const Tensor> inputs, DType precision)
      : real_(precision == DType::f64 ? DType::f64 : DType::f32), mixed_(precision == DType::bf16) {
    if (precision != real_ && !mixed_)
      throw UsageError("graphs are evaluated in f32, f64 or bf16, not in " + std::string(to_string(precision)));
    if (inputs.size() != graph.inputs.size())
      throw ShapeError("the graph has " + std::to_string(graph.inputs.size()) + " inputs, got " +
                       std::to_string(inputs.size()) + " tensors");
    for (size_t i = 0; i < inputs.size(); ++i) {
      const TensorType& type = graph.inputs[i].type();
      if (type.shape.known() && !(type.shape == inputs[i].shape()))
        throw ShapeError("input " + std::to_string(i) + " is " + to_string(type) + ", got " +
                         inputs[i].shape().to_string());
      values_[graph.inputs[i]] = in_precision(inputs[i], real_);
    }
  }

  std::vector<Tensor> step(const std::shared_ptr<const Node>& node) {
    std::vector<Tensor> outputs;
    if (node->as<InputOp>()) {
      outputs.push_back(values_.at(Value(node, 0)));
    } else if (const auto* p = node->as<ParameterOp>()) {
      outputs.push_back(in_precision(p->parameter->value(), real_));
    } else {
      const Traits traits = node->op().traits();
      const bool narrow = mixed_ && !node->inputs().empty() && !traits.full_precision;
      const auto rounds = [&](uint32_t wide, size_t i) { return narrow && (wide >> i & 1) == 0; };
      std::vector<Tensor> inputs;
      Types types;
      for (const Value& v : node->inputs()) {
        inputs.push_back(rounds(traits.wide_inputs, inputs.size()) ? rounded(values_.at(v)) : values_.at(v));
        types.push_back({v.type().dtype, inputs.back().shape()});
      }
      for (const TensorType& type : node->op().infer(types))  // again, since the batch is known only now
        outputs.emplace_back(is_floating(type.dtype) ? real_ : type.dtype, type.shape);
      EvalCtx ctx{*node, inputs, outputs};
      node->op().eval(ctx);
      for (size_t i = 0; i < outputs.size(); ++i)
        if (rounds(traits.wide_outputs, i)) outputs[i] = rounded(outputs[i]);
    }
    for (size_t i = 0; i < outputs.size(); ++i) values_[Value(node, i)] = outputs[i];
    return outputs;
  }

  const Tensor& value(const Value& v) const { return values_.at(v); }

 private:
  DType real_;  ///< of the tensors
  bool mixed_;
  std::unordered_map<Value, Tensor, ValueHash> values_;
};

}  // namespace

std::vector<Tensor> evaluate(const Graph& graph, std::span<const Tensor> inputs, DType precision,
                             const EvaluateObserver& observer) {
  Interpreter interpreter(graph, inputs, precision);
  for (const auto& node : graph.order()) {
    const auto outputs = interpreter.step(node);
    if (observer) observer(*node, outputs);
  }
  std::vector<Tensor> results;
  for (const Value& v : graph.outputs) results.push_back(interpreter.value(v));
  return results;
}

}  // namespace ocellus

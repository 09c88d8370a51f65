#include <ocellus/engine/reference.h>

namespace ocellus {
namespace {

Tensor in_precision(const Tensor& t, DType real) { return is_floating(t.dtype()) ? t.to(real) : t; }

class Interpreter {
 public:
  Interpreter(const Graph& graph, std::span<const Tensor> inputs, DType real) : real_(real) {
    if (inputs.size() != graph.inputs.size())
      throw ShapeError("the graph has " + std::to_string(graph.inputs.size()) + " inputs, got " +
                       std::to_string(inputs.size()) + " tensors");
    for (size_t i = 0; i < inputs.size(); ++i) {
      const TensorType& type = graph.inputs[i].type();
      if (type.shape.known() && !(type.shape == inputs[i].shape()))
        throw ShapeError("input " + std::to_string(i) + " is " + to_string(type) + ", got " +
                         inputs[i].shape().to_string());
      values_[graph.inputs[i]] = in_precision(inputs[i], real);
    }
  }

  std::vector<Tensor> step(const std::shared_ptr<const Node>& node) {
    std::vector<Tensor> outputs;
    if (node->as<InputOp>()) {
      outputs.push_back(values_.at(Value(node, 0)));
    } else if (const auto* p = node->as<ParameterOp>()) {
      outputs.push_back(in_precision(p->parameter->value(), real_));
    } else {
      std::vector<Tensor> inputs;
      Types types;
      for (const Value& v : node->inputs()) {
        inputs.push_back(values_.at(v));
        types.push_back({v.type().dtype, inputs.back().shape()});
      }
      for (const TensorType& type : node->op().infer(types))  // again, since the batch is known only now
        outputs.emplace_back(is_floating(type.dtype) ? real_ : type.dtype, type.shape);
      EvalCtx ctx{*node, inputs, outputs};
      node->op().eval(ctx);
    }
    for (size_t i = 0; i < outputs.size(); ++i) values_[Value(node, i)] = outputs[i];
    return outputs;
  }

  const Tensor& value(const Value& v) const { return values_.at(v); }

 private:
  DType real_;
  std::unordered_map<Value, Tensor, ValueHash> values_;
};

}  // namespace

std::vector<Tensor> evaluate(const Graph& graph, std::span<const Tensor> inputs, DType real,
                             const EvaluateObserver& observer) {
  Interpreter interpreter(graph, inputs, real);
  for (const auto& node : graph.order()) {
    const auto outputs = interpreter.step(node);
    if (observer) observer(*node, outputs);
  }
  std::vector<Tensor> results;
  for (const Value& v : graph.outputs) results.push_back(interpreter.value(v));
  return results;
}

}  // namespace ocellus

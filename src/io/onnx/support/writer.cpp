#include "io/onnx/support/writer.h"

#include <ocellus/base/error.h>
#include <ocellus/graph/parameter.h>

#include "io/onnx/support/graph_writer.h"

namespace ocellus::io::onnx_io {

bool OpWriter::used(size_t output) const { return graph_.used(Value(node_, output)); }

std::string OpWriter::in(size_t i) const { return graph_.name_of(value(i)); }

std::string OpWriter::add(std::string_view kind, const Names& inputs, const Attributes& attributes) {
  return graph_.add(*node_, kind, inputs, 1, attributes)[0];
}

Names OpWriter::add_many(std::string_view kind, const Names& inputs, size_t outputs, const Attributes& attributes) {
  return graph_.add(*node_, kind, inputs, outputs, attributes);
}

void OpWriter::give(const std::string& name, size_t i) { graph_.give(Value(node_, i), name); }

std::string OpWriter::integers(const std::vector<int64_t>& list) {
  return tensor(Tensor::of({static_cast<int64_t>(list.size())}, list));
}

std::string OpWriter::number(double x) { return tensor(Tensor::scalar(static_cast<float>(x))); }

std::string OpWriter::tensor(const Tensor& t) { return graph_.initialiser(graph_.base_name(*node_) + "/constant", t); }

Tensor OpWriter::weight(size_t i) const {
  if (const auto* p = value(i).node().as<ParameterOp>()) return p->parameter->value();
  if (const auto* c = value(i).node().as<ConstantOp>()) return c->tensor;
  throw Unsupported("weights that are computed");
}

std::string OpWriter::by_channel(size_t i, int64_t rank) {
  std::vector<int64_t> dims(static_cast<size_t>(rank - 1), 1);
  dims[0] = shape(i)[0];
  return tensor(weight(i).reshape(Shape(std::span<const int64_t>(dims))));
}

std::string OpWriter::activated(const std::string& x, const Activation& a) {
  switch (a.kind) {
    case ActivationKind::none: return x;
    case ActivationKind::relu: return add("Relu", {x});
    case ActivationKind::leaky_relu: return add("LeakyRelu", {x}, {{"alpha", a.alpha}});
    case ActivationKind::sigmoid: return add("Sigmoid", {x});
    case ActivationKind::tanh: break;
  }
  const std::string inner = a.alpha == 1 ? x : add("Mul", {x, number(a.alpha)});
  const std::string y = add("Tanh", {inner});
  return a.beta == 1 ? y : add("Mul", {y, number(a.beta)});
}

}  // namespace ocellus::io::onnx_io

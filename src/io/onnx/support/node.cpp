#include "io/onnx/support/node.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <ocellus/base/error.h>
#include <ocellus/ops/cast.h>

#include "io/onnx/support/operator_table.h"
#include "io/onnx/support/tensor.h"

namespace ocellus::io::onnx_io {

using onnx::AttributeProto;

namespace {

/// i32 of integers that are known: what operators of the engine take.
Tensor narrowed(const Operand& operand) {
  const auto from = operand.constant.as<int64_t>();
  Tensor narrow(DType::i32, operand.constant.shape());
  const auto to = narrow.as<int32_t>();
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i] != static_cast<int32_t>(from[i]))
      throw Unsupported(fmt::format("{} among the numbers of {}: integers have 32 bits here", from[i], operand.name));
    to[i] = static_cast<int32_t>(from[i]);
  }
  return narrow;
}

/// Numbers that depend on the batch can't be constants of a graph of any batch.
void expect_free_of_batch(const Operand& operand) {
  if (!operand.of_batch) return;
  for (int64_t i = 0; i < operand.constant.numel(); ++i)
    if (const double x = operand.constant.at(i); x != 0 && std::abs(x) >= static_cast<double>(batch_mark))
      throw Unsupported("numbers computed from the batch's size");
}

}  // namespace

std::string to_string(const Operand& operand) {
  if (!operand.known && !operand.value) return "nothing";
  return ocellus::to_string(TensorType{operand.dtype(), operand.shape()});
}

const OperatorEntry* find_operator(std::string_view name) {
  for (const Lister lister : operators_in_listers())
    for (const OperatorEntry& entry : lister())
      if (entry.name == name) return &entry;
  return nullptr;
}

OnnxNode::OnnxNode(const onnx::NodeProto& proto, Operands inputs, NodeSetting setting)
    : proto_(proto), inputs_(std::move(inputs)), setting_(setting), kind_(proto.op_type()) {}

const std::string& OnnxNode::type() const { return proto_.op_type(); }
size_t OnnxNode::outputs() const { return static_cast<size_t>(proto_.output_size()); }

bool OnnxNode::wants(size_t output) const {
  return output < outputs() && !proto_.output(static_cast<int>(output)).empty();
}

const Operand& OnnxNode::operand(size_t i) const {
  if (!given(i)) throw ShapeError(fmt::format("has no input {}", i));
  return inputs_[i];
}

Value OnnxNode::value(size_t i) const {
  const Operand& operand = this->operand(i);
  if (!operand.known) return operand.value;
  if (setting_.folding) return ocellus::constant(operand.constant);
  expect_free_of_batch(operand);
  // A constant that stays in the graph has memory of its own: a view would keep the whole file.
  return ocellus::constant(operand.dtype() == DType::i64 ? narrowed(operand) : operand.constant.clone());
}

Value OnnxNode::real(size_t i) const {
  const Operand& operand = this->operand(i);
  if (is_floating(operand.dtype())) return value(i);
  return ops::cast(value(i), DType::f64);
}

Value OnnxNode::exact(size_t i) const {
  const DType dtype = this->dtype(i);
  const bool narrow = dtype == DType::u8 || dtype == DType::i8 || dtype == DType::boolean;
  return narrow && !setting_.folding ? ops::cast(value(i), DType::f32) : real(i);
}

Values OnnxNode::reals() const {
  Values all;
  for (size_t i = 0; i < inputs(); ++i) all.push_back(real(i));
  return all;
}

Value OnnxNode::as_input(const Value& v, size_t i) const { return is_floating(dtype(i)) ? v : ops::cast(v, dtype(i)); }

const Tensor& OnnxNode::constant(size_t i, std::string_view what) const {
  const Operand& operand = this->operand(i);
  if (operand.sample) return operand.sample;
  if (!operand.known) throw Unsupported(fmt::format("{} that only a run decides", what));
  return operand.constant;
}

std::vector<int64_t> OnnxNode::list(size_t i, std::string_view what) const {
  const Tensor& t = constant(i, what);
  if (is_floating(t.dtype()) || t.shape().rank() > 1 || t.numel() > 4096)
    throw ShapeError(fmt::format("{} must be a list of integers, got {}", what, onnx_io::to_string(inputs_[i])));
  std::vector<int64_t> list;
  for (int64_t k = 0; k < t.numel(); ++k)
    list.push_back(t.dtype() == DType::i64 ? t.as<int64_t>()[static_cast<size_t>(k)] : static_cast<int64_t>(t.at(k)));
  return list;
}

double OnnxNode::scalar(size_t i, std::string_view what) const {
  const Tensor& t = constant(i, what);
  if (t.numel() != 1)
    throw ShapeError(fmt::format("{} must be one number, got {}", what, onnx_io::to_string(inputs_[i])));
  return t.at(0);
}

Value OnnxNode::parameter(size_t i, const ParameterSpec& spec) const {
  const Operand& operand = this->operand(i);
  if (!operand.known || !is_floating(operand.dtype()) || setting_.folding || !build_) {
    if (!operand.known || !spec.arrange) return value(i);
    return ocellus::constant(spec.arrange(operand.constant));
  }
  expect_free_of_batch(operand);
  const Tensor arranged = spec.arrange ? spec.arrange(operand.constant) : operand.constant;
  const std::string key = fmt::format("{}/{}/{}{}", operand.name, spec.name, type(), arranged.shape().to_string());
  if (const auto it = setting_.shared->find(key); it != setting_.shared->end()) return ocellus::parameter(it->second);
  const Value v = build_->parameter(spec.name, arranged.shape(), spec.role, spec.initialiser);
  const ParameterPtr& p = v.node().as<ParameterOp>()->parameter;
  p->set_value(arranged);
  if (!operand.name.empty()) setting_.shared->emplace(key, p);
  return v;
}

const AttributeProto* OnnxNode::find(std::string_view attribute) const {
  for (const AttributeProto& a : proto_.attribute())
    if (a.name() == attribute) return &a;
  return nullptr;
}

const AttributeProto* OnnxNode::find(std::string_view attribute, int type, std::string_view type_name) const {
  const AttributeProto* a = find(attribute);
  if (!a) return nullptr;
  if (!a->ref_attr_name().empty()) throw Unsupported(fmt::format("attribute {} that a function gives", attribute));
  // The type may be left out by writers of the first versions.
  if (a->type() != type && a->type() != AttributeProto::UNDEFINED)
    throw ShapeError(fmt::format("attribute {} must be {}", attribute, type_name));
  return a;
}

int64_t OnnxNode::integer(std::string_view attribute, int64_t otherwise) const {
  const auto* a = find(attribute, AttributeProto::INT, "an integer");
  return a ? a->i() : otherwise;
}

double OnnxNode::number(std::string_view attribute, double otherwise) const {
  const auto* a = find(attribute, AttributeProto::FLOAT, "a number");
  return a ? a->f() : otherwise;
}

std::string OnnxNode::text(std::string_view attribute, std::string_view otherwise) const {
  const auto* a = find(attribute, AttributeProto::STRING, "a text");
  return a ? a->s() : std::string(otherwise);
}

std::vector<int64_t> OnnxNode::integers(std::string_view attribute, std::vector<int64_t> otherwise) const {
  const auto* a = find(attribute, AttributeProto::INTS, "a list of integers");
  return a ? std::vector<int64_t>(a->ints().begin(), a->ints().end()) : std::move(otherwise);
}

std::vector<double> OnnxNode::numbers(std::string_view attribute) const {
  const auto* a = find(attribute, AttributeProto::FLOATS, "a list of numbers");
  return a ? std::vector<double>(a->floats().begin(), a->floats().end()) : std::vector<double>();
}

std::vector<std::string> OnnxNode::texts(std::string_view attribute) const {
  const auto* a = find(attribute, AttributeProto::STRINGS, "a list of texts");
  return a ? std::vector<std::string>(a->strings().begin(), a->strings().end()) : std::vector<std::string>();
}

Tensor OnnxNode::tensor(std::string_view attribute) const {
  const auto* a = find(attribute, AttributeProto::TENSOR, "a tensor");
  return a ? to_tensor(a->t(), nullptr, nullptr) : Tensor();
}

int64_t OnnxNode::axis(int64_t axis, int64_t rank) const {
  if (axis < -rank || axis >= rank) throw ShapeError(fmt::format("axis {} is none of {} dimensions", axis, rank));
  return axis < 0 ? axis + rank : axis;
}

void OnnxNode::keep_batch(const Value& x, int64_t axis) const {
  if (setting_.free_batch && axis == 0 && x.shape().rank() > 0 && x.shape()[0] == any_dim)
    throw Unsupported("an open batch that is taken apart");
}

}  // namespace ocellus::io::onnx_io

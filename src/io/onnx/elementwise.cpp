// ONNX: arithmetic, comparisons and logic, element by element.

#include <array>
#include <limits>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/ops/cast.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/select.h>
#include <ocellus/ops/shape.h>
#include <ocellus/ops/unary.h>

#include "io/onnx/support/compose.h"
#include "io/onnx/support/node.h"

namespace ocellus::io::onnx_io {
namespace {

/// A constant that is added to what a layer with weights gives is a bias that exporters left outside of it.
Value addend(const OnnxNode& node, size_t i) {
  const size_t other = 1 - i;
  if (!node.known(i) || node.known(other) || !is_floating(node.dtype(i))) return node.real(i);
  Value behind = node.value(other);
  while (behind.node().as<Reshape>()) behind = behind.node().inputs()[0];
  const std::string_view before = behind.node().op().name();
  const bool weighted = before == "conv" || before == "dense" || before == "matmul" || before == "conv_backward_data";
  return weighted ? node.parameter(i, {.name = "bias", .role = ParamRole::bias}) : node.real(i);
}

Operands binary(const OnnxNode& node, BinaryKind kind) {
  return {node.as_input(ops::binary(kind, node.real(0), node.real(1)), 0)};
}

Operands add(OnnxNode& node) {
  node.set_kind("Add");
  const Value a = addend(node, 0), b = addend(node, 1);
  return {node.as_input(ops::add(a, b), 0)};
}
Operands sub(OnnxNode& node) { return binary(node, BinaryKind::sub); }
Operands mul(OnnxNode& node) { return binary(node, BinaryKind::mul); }
Operands div(OnnxNode& node) { return binary(node, BinaryKind::div); }

/// The larger or the smaller of two integers, of whatever width: chosen, not computed.
Value chosen(BinaryKind kind, const Value& a, const Value& b) {
  return ops::where(kind == BinaryKind::max ? ops::greater(a, b) : ops::less(a, b), a, b);
}

/// One result of all inputs, from the left.
Operands of_all(const OnnxNode& node, BinaryKind kind) {
  if (node.inputs() == 0) throw ShapeError("needs at least one input");
  if (!is_floating(node.dtype(0)) && (kind == BinaryKind::max || kind == BinaryKind::min)) {
    Value y = node.value(0);
    for (size_t i = 1; i < node.inputs(); ++i) y = chosen(kind, y, node.value(i));
    return {y};
  }
  const Values all = node.reals();
  Value y = all[0];
  for (size_t i = 1; i < all.size(); ++i) y = ops::binary(kind, y, all[i]);
  return {node.as_input(y, 0)};
}

Operands max(OnnxNode& node) { return of_all(node, BinaryKind::max); }
Operands min(OnnxNode& node) { return of_all(node, BinaryKind::min); }
Operands sum(OnnxNode& node) { return of_all(node, BinaryKind::add); }
Operands mean(OnnxNode& node) {
  const Operands total = of_all(node, BinaryKind::add);
  return {ops::affine(total[0].value, 1.0 / static_cast<double>(node.inputs()))};
}

/// x^y for an exponent of each element: e^(y log |x|), negative for x < 0 and an odd y, and NaN for one that is not whole.
Value powers(const Value& x, const Value& y) {
  const Value zero = number(0), one = number(1);
  const Value size = ops::where(ops::equal(y, zero), one, ops::exp(ops::mul(y, ops::log(ops::abs(x)))));
  const Value odd = ops::sub(y, ops::affine(floor(ops::affine(y, 0.5)), 2));
  const Value whole = ops::where(ops::equal(floor(y), y), one, number(std::numeric_limits<float>::quiet_NaN()));
  return ops::where(ops::less(x, zero), ops::mul(ops::mul(size, ops::affine(odd, -2, 1)), whole), size);
}

Operands pow(OnnxNode& node) {
  const Value x = node.real(0);
  if (!node.known(1) || node.shape(1).numel() != 1) {
    const Value y = powers(ops::cast(x, DType::f32), ops::cast(node.value(1), DType::f32));
    return {node.as_input(is_floating(node.dtype(0)) ? y : round_to_even(y), 0)};
  }
  const double exponent = node.scalar(1, "exponent");
  if (node.rank(1) > node.rank(0)) throw Unsupported("an exponent of more dimensions than the base");
  return {node.as_input(exponent == 2 ? ops::mul(x, x) : exponent == 0.5 ? ops::sqrt(x) : ops::pow(x, exponent), 0)};
}

Operands mod(OnnxNode& node) {
  const Value a = node.real(0), b = node.real(1);
  const Value quotient = ops::div(a, b);
  if (!node.flag("fmod", false)) return {node.as_input(ops::sub(a, ops::mul(floor(quotient), b)), 0)};
  const Value zero = ops::cast(number(0), quotient.dtype());
  const Value cut =
      ops::where(ops::less(quotient, zero), ops::affine(floor(ops::affine(quotient, -1)), -1), floor(quotient));
  return {node.as_input(ops::sub(a, ops::mul(cut, b)), 0)};
}

Operands sqrt(OnnxNode& node) { return {ops::sqrt(node.real(0))}; }
Operands exp(OnnxNode& node) { return {ops::exp(node.real(0))}; }
Operands log(OnnxNode& node) { return {ops::log(node.real(0))}; }
Operands abs(OnnxNode& node) { return {node.as_input(ops::abs(node.real(0)), 0)}; }
Operands neg(OnnxNode& node) { return {node.as_input(ops::affine(node.real(0), -1), 0)}; }
Operands reciprocal(OnnxNode& node) { return {ops::div(number(1), node.real(0))}; }
Operands floor_of(OnnxNode& node) { return {floor(node.real(0))}; }
Operands ceil(OnnxNode& node) { return {ops::affine(floor(ops::affine(node.real(0), -1)), -1)}; }
Operands round(OnnxNode& node) { return {round_to_even(node.real(0))}; }

Operands sign(OnnxNode& node) {
  const Value x = node.real(0), zero = ops::cast(number(0), x.dtype());
  return {node.as_input(ops::sub(ops::cast(ops::greater(x, zero), x.dtype()), ops::cast(ops::less(x, zero), x.dtype())),
                        0)};
}

Operands is_nan(OnnxNode& node) {
  const Value x = node.real(0);
  return {ops::not_equal(x, x)};
}

Operands is_inf(OnnxNode& node) {
  const Value x = node.real(0);
  const bool up = node.flag("detect_positive", true), down = node.flag("detect_negative", true);
  const double largest = std::numeric_limits<float>::max();
  const Value above = ops::greater(x, number(largest)), below = ops::less(x, number(-largest));
  const Value none = ocellus::constant(Tensor(DType::boolean, {}));
  return {ops::where(above, up ? above : ops::less(x, x), ops::where(below, down ? below : ops::less(x, x), none))};
}

/// Both sides in one type: an integer that is known is compared in the other's.
Operands compared(const OnnxNode& node, CompareKind kind) {
  Value a = node.value(0), b = node.value(1);
  if (a.dtype() != b.dtype()) a = node.real(0), b = node.real(1);
  return {ops::compare(kind, a, b)};
}
Operands equal(OnnxNode& node) { return compared(node, CompareKind::equal); }
Operands greater(OnnxNode& node) { return compared(node, CompareKind::greater); }
Operands greater_or_equal(OnnxNode& node) { return compared(node, CompareKind::greater_equal); }
Operands less(OnnxNode& node) { return compared(node, CompareKind::less); }
Operands less_or_equal(OnnxNode& node) { return compared(node, CompareKind::less_equal); }

Value flag(bool value) { return ocellus::constant(Tensor::full(DType::boolean, {}, value ? 1 : 0)); }

Operands logical_not(OnnxNode& node) { return {ops::equal(node.value(0), flag(false))}; }
Operands logical_xor(OnnxNode& node) { return {ops::not_equal(node.value(0), node.value(1))}; }
Operands logical_and(OnnxNode& node) { return {ops::where(node.value(0), node.value(1), flag(false))}; }
Operands logical_or(OnnxNode& node) { return {ops::where(node.value(0), flag(true), node.value(1))}; }

Operands where(OnnxNode& node) { return {ops::where(node.value(0), node.value(1), node.value(2))}; }

constexpr std::array<OperatorEntry, 32> entries = {{
    {"Abs", abs},
    {"Add", add},
    {"And", logical_and},
    {"Ceil", ceil},
    {"Div", div},
    {"Equal", equal},
    {"Exp", exp},
    {"Floor", floor_of},
    {"Greater", greater},
    {"GreaterOrEqual", greater_or_equal},
    {"IsInf", is_inf},
    {"IsNaN", is_nan},
    {"Less", less},
    {"LessOrEqual", less_or_equal},
    {"Log", log},
    {"Max", max},
    {"Mean", mean},
    {"Min", min},
    {"Mod", mod},
    {"Mul", mul},
    {"Neg", neg},
    {"Not", logical_not},
    {"Or", logical_or},
    {"Pow", pow},
    {"Reciprocal", reciprocal},
    {"Round", round},
    {"Sign", sign},
    {"Sqrt", sqrt},
    {"Sub", sub},
    {"Sum", sum},
    {"Where", where},
    {"Xor", logical_xor},
}};

}  // namespace

std::span<const OperatorEntry> operators_in_elementwise() { return entries; }

}  // namespace ocellus::io::onnx_io

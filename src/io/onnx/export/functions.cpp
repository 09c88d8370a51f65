// To ONNX: functions of elements.

#include <array>

#include <ocellus/ops/cast.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/select.h>
#include <ocellus/ops/softmax.h>
#include <ocellus/ops/unary.h>

#include "io/onnx/support/tensor.h"
#include "io/onnx/support/writer.h"

namespace ocellus::io::onnx_io {
namespace {

void activation(OpWriter& w) { w.give(w.activated(w.in(0), w.op<ActivationOp>().activation)); }

void unary(OpWriter& w) {
  const Function& f = w.op<Unary>().function;
  const std::string x = w.in(0);
  switch (f.kind) {
    case UnaryKind::exp: return w.give(w.add("Exp", {x}));
    case UnaryKind::log: return w.give(w.add("Log", {x}));
    case UnaryKind::sqrt: return w.give(w.add("Sqrt", {x}));
    case UnaryKind::abs: return w.give(w.add("Abs", {x}));
    case UnaryKind::pow: return w.give(w.add("Pow", {x, w.number(f.alpha)}));
    case UnaryKind::softplus: return w.give(w.add("Softplus", {x}));
    case UnaryKind::elu: return w.give(w.add("Elu", {x}, {{"alpha", f.alpha}}));
    case UnaryKind::silu: return w.give(w.add("Mul", {x, w.add("Sigmoid", {x})}));
    case UnaryKind::hard_swish: return w.give(w.add("HardSwish", {x}));
    case UnaryKind::hard_sigmoid: return w.give(w.add("HardSigmoid", {x}, {{"alpha", f.alpha}, {"beta", f.beta}}));
    case UnaryKind::mish: return w.give(w.add("Mish", {x}));
    case UnaryKind::gelu: return w.give(w.add("Gelu", {x}));
    case UnaryKind::gelu_tanh: return w.give(w.add("Gelu", {x}, {{"approximate", std::string_view("tanh")}}));
    case UnaryKind::clip: return w.give(w.add("Clip", {x, w.number(f.alpha), w.number(f.beta)}));
  }
}

void binary(OpWriter& w) {
  static constexpr std::array<std::string_view, 6> kinds = {"Add", "Sub", "Mul", "Div", "Max", "Min"};
  const auto& op = w.op<Binary>();
  w.give(w.activated(w.add(kinds[static_cast<size_t>(op.kind)], {w.in(0), w.in(1)}), op.activation));
}

void affine(OpWriter& w) {
  const auto& op = w.op<Affine>();
  std::string y = w.in(0);
  if (op.scale != 1) y = w.add("Mul", {y, w.number(op.scale)});
  if (op.shift != 0) y = w.add("Add", {y, w.number(op.shift)});
  w.give(y);
}

/// Nothing to do in inference.
void same(OpWriter& w) { w.give(w.in(0)); }

void add_n(OpWriter& w) {
  Names inputs;
  for (size_t i = 0; i < w.inputs(); ++i) inputs.push_back(w.in(i));
  w.give(w.add("Sum", inputs));
}

void cast(OpWriter& w) { w.give(w.add("Cast", {w.in(0)}, {{"to", int64_t{onnx_type_of(w.op<Cast>().dtype)}}})); }

void compare(OpWriter& w) {
  static constexpr std::array<std::string_view, 6> kinds = {"Equal",       "Equal",   "Less",
                                                            "LessOrEqual", "Greater", "GreaterOrEqual"};
  const CompareKind kind = w.op<Compare>().kind;
  const std::string y = w.add(kinds[static_cast<size_t>(kind)], {w.in(0), w.in(1)});
  w.give(kind == CompareKind::not_equal ? w.add("Not", {y}) : y);
}

void where(OpWriter& w) { w.give(w.add("Where", {w.in(0), w.in(1), w.in(2)})); }

void softmax(OpWriter& w) {
  w.give(w.add(w.op<Softmax>().log ? "LogSoftmax" : "Softmax", {w.in(0)}, {{"axis", int64_t{1}}}));
}

void prelu(OpWriter& w) {
  w.give(w.add("PRelu", {w.in(0), w.shape(1).rank() == 0 ? w.in(1) : w.by_channel(1, w.rank())}));
}

constexpr std::array<ExportEntry, 12> entries = {{
    {"activation", activation},
    {"add_n", add_n},
    {"affine", affine},
    {"binary", binary},
    {"cast", cast},
    {"compare", compare},
    {"dropout", same},
    {"prelu", prelu},
    {"softmax", softmax},
    {"stop_gradient", same},
    {"unary", unary},
    {"where", where},
}};

}  // namespace

std::span<const ExportEntry> exported_in_functions() { return entries; }

}  // namespace ocellus::io::onnx_io

#include <ocellus/ops/chain.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ocellus/graph/parameter.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/unary.h>

namespace ocellus {

void Chain::attrs(AttrVisitor& v) const {
  std::string text;
  for (const Link& link : links)
    text += fmt::format("{}{}{}({})", text.empty() ? "" : " ", link.op->name(), attributes(*link.op),
                        fmt::join(link.from, ","));
  v("links", text);
}

Types Chain::infer(std::span<const TensorType> inputs) const {
  Types results;
  for (const Link& link : links) {
    Types types;
    for (const int i : link.from)
      types.push_back(i >= 0 ? inputs[static_cast<size_t>(i)] : results[static_cast<size_t>(-1 - i)]);
    results.push_back(link.op->infer(types)[0]);
  }
  if (results.empty()) throw ShapeError("holds no operator");
  return {results.back()};
}

void Chain::eval(EvalCtx& ctx) const {
  std::vector<Tensor> results;
  for (const Link& link : links) {
    std::vector<Tensor> inputs;
    for (const int i : link.from)
      inputs.push_back(i >= 0 ? ctx.in(static_cast<size_t>(i)) : results[static_cast<size_t>(-1 - i)]);
    std::vector<Tensor> outputs = {&link == &links.back() ? ctx.out() : Tensor(ctx.out().dtype(), ctx.out().shape())};
    EvalCtx inner{ctx.node, inputs, outputs};
    link.op->eval(inner);
    results.push_back(outputs[0]);
  }
}

bool chainable(const Op& op) {
  const auto is = [&]<class... T>() { return ((dynamic_cast<const T*>(&op) != nullptr) || ...); };
  if (const auto* unary = dynamic_cast<const Unary*>(&op)) return unary->function.kind != UnaryKind::pow;
  if (const auto* slope = dynamic_cast<const UnaryBackward*>(&op)) return slope->function.kind != UnaryKind::pow;
  return is.operator()<AddN, Affine, Binary, ActivationOp, ActivationBackward, ExtremumBackward>();
}

bool spreads(const Shape& operand, const Shape& result) {
  if (operand.numel() == 1) return true;
  const size_t rank = result.rank(), missing = rank - std::min(operand.rank(), rank);
  if (operand.rank() > rank || rank < 2) return false;
  const auto size = [&](size_t d) { return d < missing ? 1 : operand[d - missing]; };
  for (size_t d = 2; d < rank; ++d)
    if (size(d) != 1) return false;
  return size(1) == result[1] && (size(0) == 1 || size(0) == result[0]);
}

std::span<const OpEntry> ops_in_chain() { return {}; }  // no model holds one: a pass makes them

}  // namespace ocellus

#include <algorithm>

#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/shape.h>

#include "engine/passes/passes.h"

namespace ocellus::passes {
namespace {

/// Whether the operator gives its first input unchanged, as far as values go.
bool changes_nothing(const Node& node, bool differentiated) {
  if (node.as<StopGradient>()) return differentiated;
  if (const auto* a = node.as<Affine>()) return a->scale == 1 && a->shift == 0;
  if (node.inputs().size() != 1 || !(node.types()[0] == node.inputs()[0].type())) return false;
  if (const auto* b = node.as<BroadcastTo>()) return b->scale == 1;
  if (const auto* p = node.as<Transpose>()) return std::is_sorted(p->perm.begin(), p->perm.end());
  if (const auto* s = node.as<Slice>()) return std::ranges::all_of(s->step, [](int64_t step) { return step == 1; });
  return node.as<Reshape>() || node.as<SumTo>() || node.as<Pad>() || node.as<Concat>();
}

}  // namespace

Graph simplify(const Graph& graph, bool differentiated) {
  return rewrite(graph, [=](const std::shared_ptr<const Node>& node, const Values& inputs) -> std::optional<Values> {
    if (changes_nothing(*node, differentiated)) return Values{inputs[0]};
    const auto* outer = node->as<Reshape>();
    if (outer == nullptr || inputs[0].node().as<Reshape>() == nullptr) return std::nullopt;
    // A reshape of a reshape looks through it; both shapes are known by now.
    Reshape joined;
    joined.dims.assign(node->types()[0].shape.begin(), node->types()[0].shape.end());
    return Values{apply(joined, {inputs[0].node().inputs()[0]})};
  });
}

}  // namespace ocellus::passes

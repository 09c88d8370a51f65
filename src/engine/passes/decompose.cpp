#include "engine/passes/passes.h"

namespace ocellus::passes {

Graph decompose(const Graph& graph, Backend& backend, bool training) {
  return rewrite(graph, [&](const std::shared_ptr<const Node>& node, const Values& inputs) -> std::optional<Values> {
    auto simpler = node->op().decompose(inputs);
    if (!simpler) return std::nullopt;
    const std::vector<LayoutPtr> plain(node->inputs().size());
    const KernelRequest request{*node, plain, std::vector<bool>(node->types().size(), true), training};
    if (backend.offer(request).plan) return std::nullopt;
    return simpler;
  });
}

}  // namespace ocellus::passes

// Zeros around an image that the operator after them can put there itself: a convolution, an average that counts its padding,
// and, in inference, a maximum over values that are never below zero. The padded value is then computed only if others use it.

#include <algorithm>

#include <ocellus/ops/conv.h>
#include <ocellus/ops/pool.h>
#include <ocellus/ops/shape.h>
#include <ocellus/ops/unary.h>

#include "engine/passes/passes.h"

namespace ocellus::passes {
namespace {

/// The padding that makes a node's first input, if it is zeros around the spatial dimensions.
const Pad* zeros_around(const Values& inputs) {
  const auto* pad = inputs[0].node().as<Pad>();
  if (pad == nullptr || pad->mode != PadMode::constant || pad->value != 0 || inputs[0].shape().rank() < 3)
    return nullptr;
  const bool spatial_only = pad->before[0] + pad->after[0] + pad->before[1] + pad->after[1] == 0;
  return spatial_only ? pad : nullptr;
}

/// The window on what was padded: its own padding, placed on the padded sizes, and the zeros.
Window with_zeros(const Window& window, const PlacedWindow& placed, const Pad& pad) {
  std::vector<int64_t> begin = placed.pad_begin, end = placed.pad_end;
  for (size_t i = 0; i < begin.size(); ++i) {
    begin[i] += pad.before[i + 2];
    end[i] += pad.after[i + 2];
  }
  Window wider = window;
  wider.padding = Padding(begin, end);
  return wider;
}

bool all_zero(const std::vector<int64_t>& list) {
  return std::ranges::all_of(list, [](int64_t v) { return v == 0; });
}

bool never_negative(const Value& v) {
  if (const auto* a = v.node().as<ActivationOp>())
    return a->activation.kind == ActivationKind::relu || a->activation.kind == ActivationKind::sigmoid;
  const auto* u = v.node().as<Unary>();
  return u != nullptr && u->function.kind == UnaryKind::clip && u->function.alpha >= 0;
}

/// Every window sees an element that is not padding.
bool sees_elements(const Window& window, const std::vector<int64_t>& kernel) {
  for (size_t i = 0; i < kernel.size(); ++i)
    if (window.padding.begin[i] >= kernel[i] || window.padding.end[i] >= kernel[i]) return false;
  return true;
}

class PaddingFold {
 public:
  explicit PaddingFold(const ValueSet& wrt) : wrt_(wrt) {}

  std::optional<Values> operator()(const std::shared_ptr<const Node>& node, const Values& inputs) const {
    if (inputs.empty()) return std::nullopt;
    const Pad* pad = zeros_around(inputs);
    if (pad == nullptr || wrt_.contains(inputs[0])) return std::nullopt;
    const std::vector<int64_t> padded = spatial(inputs[0].shape());
    if (const auto* conv = node->as<Conv>()) {
      Conv op = *conv;
      op.window = with_zeros(op.window, place(op.window, padded, spatial(inputs[1].shape())), *pad);
      return without_padding(op, *node, inputs);
    }
    if (const auto* pool = node->as<AveragePool>(); pool && !pool->ceil_mode) {
      const PlacedWindow placed = place(pool->window, padded, pool->kernel);
      if (!pool->count_include_pad && !(all_zero(placed.pad_begin) && all_zero(placed.pad_end))) return std::nullopt;
      AveragePool op = *pool;
      op.window = with_zeros(op.window, placed, *pad);
      op.count_include_pad = true;
      if (!sees_elements(op.window, op.kernel)) return std::nullopt;
      return without_padding(op, *node, inputs);
    }
    if (const auto* pool = node->as<MaxPool>(); pool && wrt_.empty() && !pool->ceil_mode) {
      MaxPool op = *pool;
      op.window = with_zeros(op.window, place(op.window, padded, op.kernel), *pad);
      if (!never_negative(inputs[0].node().inputs()[0]) || !sees_elements(op.window, op.kernel)) return std::nullopt;
      return without_padding(op, *node, inputs);
    }
    return std::nullopt;
  }

 private:
  template <class T>
  static Values without_padding(const T& op, const Node& node, Values inputs) {
    inputs[0] = inputs[0].node().inputs()[0];
    return emit(std::make_shared<const T>(op), std::move(inputs), node.scope());
  }

  const ValueSet& wrt_;
};

}  // namespace

Graph fold_padding(const Graph& graph, const ValueSet& wrt) {
  const PaddingFold fold(wrt);
  return rewrite(graph, [&](const auto& node, const Values& inputs) { return fold(node, inputs); });
}

}  // namespace ocellus::passes

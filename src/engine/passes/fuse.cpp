// Fusion: what an operator can do on the way while its result is still in registers.
//
// A producer whose output has a single user takes that user's work over: an activation into convolutions, dense layers, batch
// normalisation and sums; a residual sum into the convolution before it; a batch normalisation with fixed statistics into the
// weights before it; other functions into convolutions and dense layers; in training, a max pooling that halves the convolution
// before it. Fusing happens before differentiation, so in training only activations that can be differentiated from their
// output are taken over (ops/activation.h), and gradients see the fused operators.

#include <ocellus/ops/conv_pool.h>
#include <ocellus/ops/dense.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/fold.h>
#include <ocellus/ops/norm.h>
#include <ocellus/ops/unary.h>

#include "engine/passes/passes.h"

namespace ocellus::passes {
namespace {

class Fusion {
 public:
  Fusion(const Graph& graph, const ValueSet& wrt) : wrt_(wrt), inference_(wrt.empty()) {
    const auto uses = count_uses(graph);
    for (const auto& node : graph.order())
      for (const Value& v : node->inputs())
        if (uses.at(v) == 1) only_user_[v] = node;
  }

  std::optional<Values> operator()(const std::shared_ptr<const Node>& node, const Values& inputs) {
    if (absorbed_.contains(node.get())) return Values{inputs[0]};
    if (const auto* norm = node->as<BatchNormInference>()) {
      if (auto folded = fold<Conv>(node, *norm, inputs)) return folded;
      if (auto folded = fold<Dense>(node, *norm, inputs)) return folded;
      return with_activation<BatchNormInference>(node, inputs);
    }
    if (node->as<Binary>()) {
      if (auto sum = residual_sum(node, inputs)) return sum;
      return with_activation<Binary>(node, inputs);
    }
    if (node->as<Conv>()) return with_activation<Conv>(node, inputs);
    if (node->as<Dense>()) return with_activation<Dense>(node, inputs);
    if (const auto* pool = node->as<MaxPool>()) return pooled_conv(node, *pool, inputs);
    if (node->as<BatchNormTrain>()) return with_activation<BatchNormTrain>(node, inputs);
    return std::nullopt;
  }

 private:
  /// The activation that alone uses the node's first output, if it may be taken over by an operator that knows all of
  /// them, or only those that are operators under the name of activation.
  Activation next_activation(const std::shared_ptr<const Node>& node, bool any) const {
    const auto it = only_user_.find(Value(node, 0));
    if (it == only_user_.end()) return linear;
    if (const auto* op = it->second->as<ActivationOp>()) return op->activation;
    const auto* op = any ? it->second->as<Unary>() : nullptr;
    const Activation a = op ? activation_of(op->function).value_or(linear) : linear;
    return inference_ || from_output(a) ? a : linear;
  }

  /// Takes the activation behind `node` over: the node that held it gives its input unchanged from now on.
  Activation absorb_activation(const std::shared_ptr<const Node>& node, bool any) {
    const Activation next = next_activation(node, any);
    if (next) absorbed_.insert(only_user_.at(Value(node, 0)).get());
    return next;
  }

  template <class T>
  std::optional<Values> with_activation(const std::shared_ptr<const Node>& node, const Values& inputs) {
    constexpr bool any = std::is_same_v<T, Conv> || std::is_same_v<T, Dense>;
    T op = *node->as<T>();
    const Activation next = next_activation(node, any);
    if (op.activation || !next) return std::nullopt;
    if (std::is_same_v<T, BatchNormTrain> && next.kind != ActivationKind::relu) return std::nullopt;
    op.activation = absorb_activation(node, any);
    return emit(std::make_shared<const T>(op), inputs, node->scope());
  }

  /// conv or dense, then batch_norm_inference: one operator with other weights. Nothing is folded into what is being learnt.
  template <class T>
  std::optional<Values> fold(const std::shared_ptr<const Node>& node, const BatchNormInference& norm,
                             const Values& inputs) {
    const Node& producer = inputs[0].node();
    const T* op = producer.as<T>();
    if (op == nullptr || op->activation || !only_user_.contains(node->inputs()[0])) return std::nullopt;
    if constexpr (std::is_same_v<T, Conv>)
      if (op->residual) return std::nullopt;
    for (size_t i = 1; i < producer.inputs().size(); ++i)
      if (wrt_.contains(producer.inputs()[i])) return std::nullopt;
    for (size_t i = 1; i < inputs.size(); ++i)
      if (wrt_.contains(inputs[i])) return std::nullopt;
    FoldBatchNorm folding;
    folding.epsilon = norm.epsilon;
    folding.bias = op->bias;
    Values arguments = {producer.inputs()[1], inputs[1], inputs[2], inputs[3], inputs[4]};
    if (op->bias) arguments.push_back(producer.inputs()[2]);
    const Values folded = emit(std::make_shared<const FoldBatchNorm>(folding), arguments, node->scope());
    T fused = *op;
    fused.bias = true;
    fused.activation = norm.activation ? norm.activation : absorb_activation(node, true);
    return emit(std::make_shared<const T>(fused), {producer.inputs()[0], folded[0], folded[1]}, producer.scope());
  }

  /// conv + residual, in inference: the sum happens while the convolution writes its result.
  std::optional<Values> residual_sum(const std::shared_ptr<const Node>& node, const Values& inputs) {
    const auto* sum = node->as<Binary>();
    if (!inference_ || sum->kind != BinaryKind::add || !(inputs[0].type() == inputs[1].type())) return std::nullopt;
    for (const size_t side : {size_t{0}, size_t{1}}) {
      const Conv* op = inputs[side].node().as<Conv>();
      if (op == nullptr || op->activation || op->residual || !only_user_.contains(node->inputs()[side])) continue;
      Conv fused = *op;
      fused.residual = true;
      fused.activation = sum->activation ? sum->activation : absorb_activation(node, true);
      Values arguments = inputs[side].node().inputs();
      arguments.push_back(inputs[1 - side]);
      return emit(std::make_shared<const Conv>(fused), arguments, inputs[side].node().scope());
    }
    return std::nullopt;
  }

  /// conv + max_pool, in training, where the convolution's result would be kept for its gradient.
  std::optional<Values> pooled_conv(const std::shared_ptr<const Node>& node, const MaxPool& pool,
                                    const Values& inputs) {
    const Node& producer = inputs[0].node();
    const Conv* conv = producer.as<Conv>();
    if (wrt_.empty() || conv == nullptr || conv->residual || conv->groups != 1 || !keeps_order(conv->activation) ||
        !only_user_.contains(node->inputs()[0]) || !pools_by_halves(pool, inputs[0].shape()))
      return std::nullopt;
    ConvPool fused;
    fused.window = conv->window;
    fused.bias = conv->bias;
    fused.activation = conv->activation;
    return emit(std::make_shared<const ConvPool>(fused), producer.inputs(), producer.scope());
  }

  const ValueSet& wrt_;
  bool inference_;
  std::unordered_map<Value, std::shared_ptr<const Node>, ValueHash> only_user_;
  std::unordered_set<const Node*> absorbed_;
};

}  // namespace

Graph fuse(const Graph& graph, const ValueSet& wrt) {
  Fusion fusion(graph, wrt);
  return rewrite(graph, [&](const auto& node, const Values& inputs) { return fusion(node, inputs); });
}

}  // namespace ocellus::passes

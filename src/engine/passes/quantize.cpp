// Quantisation: convolutions and dense layers compute with bytes, for inference (Jacob et al. 2018).
//
// A layer takes part if the range of its input is known and nobody asked for it to stay f32. Its weights get a scale for each
// output channel. Between two such layers a value is never a real number: the first one leaves bytes, in the scale in which the
// second one reads them, and a residual sum reads bytes too. Pooling by maxima, concatenation and changes of shape pass bytes
// on, provided that all who follow read bytes; values that they connect share one scale, that of the widest range. Who else
// reads such a value gets a real number from a dequantisation.
//
// A range without negative numbers takes u8, any other i8; with zero points of 0 both, so that padding is 0 as well.

#include <algorithm>
#include <cmath>
#include <numeric>

#include <ocellus/engine/calibration.h>
#include <ocellus/engine/reference.h>
#include <ocellus/ops/conv.h>
#include <ocellus/ops/dense.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/pool.h>
#include <ocellus/ops/quantize.h>
#include <ocellus/ops/shape.h>

#include "engine/passes/passes.h"
#include "engine/passes/value_names.h"

namespace ocellus::passes {
namespace {

using NodePtr = std::shared_ptr<const Node>;

/// Between these, no scale and no product or quotient of scales leaves the numbers that f32 has.
constexpr double least_magnitude = 1e-10, most_magnitude = 1e10;
bool usable(double magnitude) { return magnitude >= least_magnitude && magnitude <= most_magnitude; }

bool passes_bytes(const Node& node) { return node.as<MaxPool>() || node.as<Concat>() || node.as<Reshape>(); }

bool is_product(const Node& node) { return node.as<Conv>() || node.as<Dense>(); }

const Activation& activation_of(const Node& node) {
  return node.as<Conv>() ? node.as<Conv>()->activation : node.as<Dense>()->activation;
}

/// The ranges of values, those that operators connect being one.
class Ranges {
 public:
  Ranges(const std::vector<NodePtr>& order, const Graph& graph, const Calibration& calibration) {
    for (const auto& [value, name] : value_names(graph))
      if (const auto it = calibration.ranges.find(name); it != calibration.ranges.end()) range_[value] = it->second;
    for (const NodePtr& node : order)
      if (passes_bytes(*node))
        for (const Value& v : node->inputs()) connect(v, Value(node, 0));
  }

  bool known(const Value& v) const { return v.dtype() == DType::f32 && usable(magnitude(v)); }
  DType dtype(const Value& v) const { return range_.at(root(v)).low < 0 ? DType::i8 : DType::u8; }
  double scale(const Value& v) const { return magnitude(v) / (dtype(v) == DType::i8 ? 127 : 255); }

 private:
  Value root(Value v) const {
    for (auto it = parent_.find(v); it != parent_.end(); it = parent_.find(v)) v = it->second;
    return v;
  }

  double magnitude(const Value& v) const {
    const auto it = range_.find(root(v));
    return it == range_.end() ? 0 : std::max(-it->second.low, it->second.high);
  }

  void connect(const Value& a, const Value& b) {
    const Value from = root(a), to = root(b);
    if (from == to) return;
    parent_[from] = to;
    const auto it = range_.find(from);
    if (it == range_.end()) return;
    const auto [widest, fresh] = range_.try_emplace(to, it->second);
    widest->second = {std::min(widest->second.low, it->second.low), std::max(widest->second.high, it->second.high)};
  }

  std::unordered_map<Value, Range, ValueHash> range_;
  std::unordered_map<Value, Value, ValueHash> parent_;
};

/// Scales of weights [K,...]: the largest magnitude of each output channel becomes 127. Channels of next to nothing take part in
/// the whole's, so that a bias in their unit stays a number. Empty for weights that bytes can't hold.
std::vector<float> channel_scales(const Tensor& weights) {
  const int64_t channels = weights.shape()[0], each = weights.numel() / std::max<int64_t>(channels, 1);
  const auto w = weights.as<float>();
  std::vector<float> scales;
  for (int64_t k = 0; k < channels; ++k) {
    float largest = 0;
    for (const float v : w.subspan(static_cast<size_t>(k * each), static_cast<size_t>(each)))
      largest = std::isfinite(v) ? std::max(largest, std::abs(v)) : INFINITY;
    scales.push_back(largest);
  }
  const float whole = scales.empty() ? 0 : *std::ranges::max_element(scales);
  if (!usable(whole)) return {};
  for (float& s : scales) s = std::max(s, whole * 1e-6f) / 127;
  return scales;
}

class Quantization {
 public:
  Quantization(const Graph& graph, const Calibration& calibration)
      : order_(graph.order()), ranges_(order_, graph, calibration), wide_(calibration.wide) {
    for (const Value& v : graph.results()) read_as_real_.insert(v);
    find_fixed();
    for (size_t i = order_.size(); i-- > 0;) decide(order_[i]);
  }

  std::optional<Values> operator()(const NodePtr& node, const Values& inputs) const {
    if (const auto it = scales_.find(node.get()); it != scales_.end()) return product(node, inputs, it->second);
    Values read = inputs;
    for (size_t i = 0; i < read.size(); ++i)
      read[i] = in_bytes_.contains(node.get()) ? bytes(node, inputs, i) : real(node, inputs, i);
    if (read == inputs) return std::nullopt;
    return emit(node->op_ptr(), std::move(read), node->scope());
  }

  /// A value of the old graph as it was before, from its replacement.
  Value real(const Value& old, const Value& now) const {
    return now.dtype() == old.dtype() ? now : ops::dequantize(now, ranges_.scale(old));
  }

 private:
  /// What depends on parameters and constants alone.
  void find_fixed() {
    for (const NodePtr& node : order_)
      if (!node->as<InputOp>() && !node->op().traits().host &&
          std::ranges::all_of(node->inputs(), [&](const Value& v) { return fixed_.contains(&v.node()); }))
        fixed_.insert(node.get());
  }

  /// Users come before their producers: who reads a node's output, and how, is known.
  void decide(const NodePtr& node) {
    const Value out(node, 0);
    const bool wanted = read_as_bytes_.contains(out), all = wanted && !read_as_real_.contains(out);
    if (takes_part(*node)) {
      const Conv* conv = node->as<Conv>();
      const bool residual = conv && conv->residual;
      const bool leaves = wanted && ranges_.known(out) && commutes(activation_of(*node)) &&
                          (!residual || ranges_.known(node->inputs().back()));
      if (leaves) in_bytes_.insert(node.get());
      read_as_bytes_.insert(node->inputs()[0]);
      for (size_t i = 1; i < node->inputs().size(); ++i)
        (leaves && residual && i + 1 == node->inputs().size() ? read_as_bytes_ : read_as_real_)
            .insert(node->inputs()[i]);
    } else if (all && passes_bytes(*node) && !fixed_.contains(node.get()) && ranges_.known(out)) {
      in_bytes_.insert(node.get());
      for (const Value& v : node->inputs()) read_as_bytes_.insert(v);
    } else {
      for (const Value& v : node->inputs()) read_as_real_.insert(v);
    }
  }

  /// A scale may be taken before these instead of after them, which a convolution does in one step.
  static bool commutes(const Activation& a) {
    return a.kind <= ActivationKind::leaky_relu || a.kind == ActivationKind::clip;
  }

  bool takes_part(const Node& node) {
    if (!is_product(node) || wide_.contains(node.layer())) return false;
    const Value &x = node.inputs()[0], &w = node.inputs()[1];
    if (!ranges_.known(x) || fixed_.contains(&x.node()) || !fixed_.contains(&w.node())) return false;
    std::vector<float> scales = channel_scales(evaluate(Graph{{}, {w}, {}}, {})[0]);
    if (scales.empty()) return false;
    scales_[&node] = std::move(scales);
    return true;
  }

  Value bytes(const NodePtr& node, const Values& inputs, size_t i) const {
    const Value& old = node->inputs()[i];
    if (inputs[i].dtype() != old.dtype()) return inputs[i];
    return ops::quantize(inputs[i], ranges_.dtype(old), ranges_.scale(old));
  }

  Value real(const NodePtr& node, const Values& inputs, size_t i) const { return real(node->inputs()[i], inputs[i]); }

  Values product(const NodePtr& node, const Values& inputs, const std::vector<float>& weight_scales) const {
    if (const Conv* conv = node->as<Conv>()) {
      QuantizedConv op;
      op.window = conv->window;
      op.groups = conv->groups;
      op.residual = conv->residual;
      return product(std::move(op), *conv, node, inputs, weight_scales);
    }
    return product(QuantizedDense(), *node->as<Dense>(), node, inputs, weight_scales);
  }

  template <class Q, class T>
  Values product(Q op, const T& real_op, const NodePtr& node, const Values& inputs,
                 const std::vector<float>& weight_scales) const {
    op.bias = real_op.bias;
    op.activation = real_op.activation;
    const double scale = ranges_.scale(node->inputs()[0]);
    std::vector<float> multipliers;
    for (const float s : weight_scales) multipliers.push_back(static_cast<float>(s * scale));
    const Shape channels = {static_cast<int64_t>(multipliers.size())};
    const Value m = constant(Tensor::of(channels, multipliers));
    const bool leaves_bytes = in_bytes_.contains(node.get());
    if (leaves_bytes) {
      op.dtype = ranges_.dtype(Value(node, 0));
      op.scale = ranges_.scale(Value(node, 0));
    }
    Values arguments = {bytes(node, inputs, 0),
                        ops::quantize_weights(inputs[1], constant(Tensor::of(channels, weight_scales))), m};
    if (op.bias) arguments.push_back(ops::div(inputs[2], m));
    if (op.residual) {
      const size_t i = inputs.size() - 1;
      arguments.push_back(leaves_bytes ? bytes(node, inputs, i) : real(node, inputs, i));
      if (leaves_bytes) op.residual_scale = ranges_.scale(node->inputs()[i]);
    }
    return emit(std::make_shared<const Q>(std::move(op)), std::move(arguments), node->scope());
  }

  std::vector<NodePtr> order_;
  Ranges ranges_;
  const std::set<std::string, std::less<>>& wide_;
  std::unordered_set<const Node*> fixed_;
  ValueSet read_as_bytes_, read_as_real_;
  std::unordered_set<const Node*> in_bytes_;                    ///< nodes that leave bytes
  std::unordered_map<const Node*, std::vector<float>> scales_;  ///< of the weights of those that take part
};

}  // namespace

Graph quantize(const Graph& graph, const Calibration& calibration) {
  const Quantization quantization(graph, calibration);
  Graph result = rewrite(graph, [&](const NodePtr& node, const Values& inputs) { return quantization(node, inputs); });
  for (size_t i = 0; i < result.outputs.size(); ++i)
    result.outputs[i] = quantization.real(graph.outputs[i], result.outputs[i]);
  return result;
}

}  // namespace ocellus::passes

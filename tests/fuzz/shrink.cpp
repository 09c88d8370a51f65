#include "fuzz/shrink.h"

#include <cmath>
#include <optional>
#include <unordered_map>

#include <ocellus/base/error.h>
#include <ocellus/engine/reference.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>

namespace ocellus::fuzz {
namespace {

using NodePtr = std::shared_ptr<const Node>;

/// A sum of x with fixed weights.
Value loss_over(const Value& x) {
  Tensor weights(DType::f32, x.shape());
  Rng rng(23);
  for (float& w : weights.as<float>()) w = rng.uniform(-1, 1) / std::sqrt(static_cast<float>(weights.numel()));
  return ops::reduce_sum(ops::mul(x, constant(weights)));
}

/// The graph up to one of its values.
RandomGraph ending_at(const RandomGraph& g, const Value& v) {
  RandomGraph result = g;
  result.graph.outputs = {loss_over(v), v};
  drop_unused(result);
  return result;
}

/// The graph with an input of the numbers that a node gives in place of the node.
RandomGraph feeding(const RandomGraph& g, const NodePtr& at, const std::vector<Tensor>& numbers) {
  RandomGraph result = g;
  Values sources;
  for (size_t i = 0; i < numbers.size(); ++i) {
    sources.push_back(input("cut" + std::to_string(g.fed.size() + i), at->types()[i]));
    result.fed.push_back(is_floating(numbers[i].dtype()) ? numbers[i].to(DType::f32) : numbers[i].clone());
  }
  Graph graph = g.graph;
  const size_t outputs = graph.outputs.size();
  graph.outputs.insert(graph.outputs.end(), g.wrt.begin(), g.wrt.end());
  graph = rewrite(graph, [&](const NodePtr& node, const Values&) -> std::optional<Values> {
    return node == at ? std::optional(sources) : std::nullopt;
  });
  result.wrt.assign(graph.outputs.begin() + static_cast<std::ptrdiff_t>(outputs), graph.outputs.end());
  graph.outputs.resize(outputs);
  graph.inputs = g.graph.inputs;
  for (const Value& s : sources) {
    graph.inputs.push_back(s);
    if (s.dtype() == DType::f32) result.wrt.push_back(s);
  }
  result.graph = std::move(graph);
  drop_unused(result);
  return result;
}

class Shrinker {
 public:
  Shrinker(RandomGraph g, const Fails& fails) : g_(std::move(g)), fails_(fails) {}

  RandomGraph shrink() {
    end_early();
    while (left_ > 0 && (feed_instead() || want_less())) {
    }
    return std::move(g_);
  }

 private:
  bool take(const std::function<RandomGraph()>& make) {
    if (left_-- <= 0) return false;
    try {
      RandomGraph smaller = make();
      if (!fails_(smaller)) return false;
      g_ = std::move(smaller);
      return true;
    } catch (const Error&) {  // is no graph
      return false;
    }
  }

  void end_early() {
    for (const NodePtr& node : g_.graph.order())
      if (!node->inputs().empty() && node->types()[0].dtype == DType::f32 &&
          take([&] { return ending_at(g_, Value(node, 0)); }))
        return;
  }

  bool feed_instead() {
    std::vector<std::pair<NodePtr, std::vector<Tensor>>> computed;
    g_.restore();
    std::unordered_map<const Node*, std::vector<Tensor>> numbers;
    evaluate(g_.graph, g_.fed, DType::f64, [&](const Node& node, std::span<const Tensor> outputs) {
      for (const Tensor& t : outputs) numbers[&node].push_back(t.clone());
    });
    auto nodes = g_.graph.order();
    for (auto it = nodes.rbegin(); it != nodes.rend(); ++it)
      if (!(*it)->as<InputOp>() && !(*it)->as<ConstantOp>() &&
          take([&] { return feeding(g_, *it, numbers.at(it->get())); }))
        return true;
    return false;
  }

  bool want_less() {
    for (size_t i = 0; i < g_.wrt.size(); ++i)
      if (take([&] {
            RandomGraph fewer = g_;
            fewer.wrt.erase(fewer.wrt.begin() + static_cast<std::ptrdiff_t>(i));
            return fewer;
          }))
        return true;
    return g_.graph.outputs.size() > 1 && take([&] {
             RandomGraph fewer = g_;
             fewer.graph.outputs.pop_back();
             return fewer;
           });
  }

  RandomGraph g_;
  const Fails& fails_;
  int left_ = 300;  // graphs that may be tried
};

}  // namespace

RandomGraph shrink(RandomGraph graph, const Fails& fails) { return Shrinker(std::move(graph), fails).shrink(); }

}  // namespace ocellus::fuzz

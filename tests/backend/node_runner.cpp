#include "backend/node_runner.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <ocellus/engine/reference.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>

namespace ocellus {
namespace {

/// A value in memory.
struct Stored {
  LayoutPtr layout;
  std::shared_ptr<void> memory;
};

std::shared_ptr<void> poisoned(size_t bytes) {
  auto memory = allocate(std::max<size_t>(bytes, 1));
  std::memset(memory.get(), 0xff, bytes);  // NaN in every floating type
  return memory;
}

size_t stored_bytes(const LayoutPtr& layout, const TensorType& type) {
  return layout ? layout->bytes() : bytes_of(type);
}

class Runner {
 public:
  Runner(Backend& backend, const RunOptions& options) : backend_(backend), options_(options) {}

  void store(const Value& v, const Tensor& plain) {
    Stored s{nullptr, poisoned(plain.bytes())};
    std::memcpy(s.memory.get(), plain.data(), plain.bytes());
    values_[v] = s;
  }

  Tensor plain(const Value& v) {
    const Stored s = in_layout(v, nullptr);
    Tensor t(v.dtype(), v.shape());
    std::memcpy(t.data(), s.memory.get(), t.bytes());
    return t;
  }

  NodeReport step(const std::shared_ptr<const Node>& node, const std::vector<bool>& used) {
    NodeReport report;
    report.op = node->op().name();
    KernelPlan plan = take_offer(*node, used, report);
    std::vector<Stored> inputs, outputs;
    std::vector<void*> in, out;
    for (size_t i = 0; i < node->inputs().size(); ++i) {
      inputs.push_back(in_layout(node->inputs()[i], plan.inputs[i]));
      in.push_back(inputs.back().memory.get());
    }
    for (size_t i = 0; i < node->types().size(); ++i) {
      outputs.push_back({plan.outputs[i], poisoned(stored_bytes(plan.outputs[i], node->types()[i]))});
      out.push_back(used[i] ? outputs.back().memory.get() : nullptr);
    }
    if (options_.in_place)
      for (size_t pair = 0; pair < plan.in_place.size(); ++pair) {
        const auto [o, i] = plan.in_place[pair];
        if (pair > 0 && o == plan.in_place[pair - 1].first) continue;  // an alternative
        const size_t bytes = stored_bytes(plan.outputs[o], node->types()[o]);
        EXPECT_EQ(bytes, stored_bytes(plan.inputs[i], node->inputs()[i].type()));
        std::memcpy(outputs[o].memory.get(), in[i], bytes);
        in[i] = out[o];
      }
    const auto scratch = poisoned(plan.scratch);
    plan.kernel->bind(in, out, scratch.get());
    plan.kernel->run();
    for (size_t i = 0; i < outputs.size(); ++i)
      if (used[i]) values_[Value(node, i)] = outputs[i];
    report.kernel = plan.name;
    report.inputs = plan.inputs;
    report.outputs = plan.outputs;
    return report;
  }

 private:
  KernelPlan take_offer(const Node& node, const std::vector<bool>& used, NodeReport& report) {
    std::vector<LayoutPtr> layouts;
    for (const Value& v : node.inputs()) layouts.push_back(values_.at(v).layout);
    KernelOffer offer = backend_.offer({node, layouts, used, options_.training});
    report.refusals = offer.refusals;
    if (offer.plan) return std::move(*offer.plan);
    if (!options_.allow_refusals && !offer.refusals.empty())
      ADD_FAILURE() << "no kernel for " << node.op().name() << " " << attributes(node.op()) << ": "
                    << offer.refusals.back().reason;
    return reference_kernel(node);
  }

  Stored in_layout(const Value& v, const LayoutPtr& wanted) {
    const Stored& s = values_.at(v);
    if (same_layout(s.layout, wanted)) return s;
    Stored moved{wanted, poisoned(stored_bytes(wanted, v.type()))};
    const auto kernel = backend_.reorder(v.type(), s.layout, wanted);
    void* const from[] = {s.memory.get()};
    void* const to[] = {moved.memory.get()};
    kernel->bind(from, to, nullptr);
    kernel->run();
    return moved;
  }

  Backend& backend_;
  RunOptions options_;
  std::unordered_map<Value, Stored, ValueHash> values_;
};

bool is_source(const Node& node) { return node.as<InputOp>() || node.as<ParameterOp>() || node.as<ConstantOp>(); }

}  // namespace

RunResult run_on(Backend& backend, const Graph& graph, const std::vector<Tensor>& inputs, const RunOptions& options) {
  Runner runner(backend, options);
  const auto uses = count_uses(graph);
  RunResult result;
  for (size_t i = 0; i < inputs.size(); ++i) runner.store(graph.inputs[i], inputs[i]);
  for (const auto& node : graph.order()) {
    if (const auto* c = node->as<ConstantOp>()) runner.store(Value(node, 0), c->tensor);
    if (const auto* p = node->as<ParameterOp>()) runner.store(Value(node, 0), p->parameter->value());
    if (is_source(*node)) continue;
    std::vector<bool> used;
    for (size_t i = 0; i < node->types().size(); ++i) {
      const auto found = uses.find(Value(node, i));
      used.push_back(found != uses.end() && found->second > 0);
    }
    result.nodes.push_back(runner.step(node, used));
  }
  for (const Value& v : graph.outputs) result.outputs.push_back(runner.plain(v));
  return result;
}

Tensor random_tensor(const Shape& shape, uint64_t stream) {
  Tensor t(DType::f32, shape);
  Rng rng(7, stream);
  for (float& v : t.as<float>()) v = rng.uniform(-1, 1);
  return t;
}

void expect_close(const Tensor& actual, const Tensor& expected, double tolerance, const std::string& what) {
  ASSERT_EQ(actual.shape(), expected.shape()) << what;
  double largest = 1;
  for (int64_t i = 0; i < expected.numel(); ++i) largest = std::max(largest, std::abs(expected.at(i)));
  for (int64_t i = 0; i < expected.numel(); ++i)
    ASSERT_LE(std::abs(actual.at(i) - expected.at(i)), tolerance * largest)
        << what << ": element " << i << " is " << actual.at(i) << ", expected " << expected.at(i);
}

RunResult expect_agrees(Backend& backend, const Values& inputs, const Values& outputs, double tolerance) {
  const Value loss = ops::reduce_sum(ops::mul(outputs[0], constant(random_tensor(outputs[0].shape(), 99))));
  Graph graph{.inputs = inputs, .outputs = outputs, .updates = {}};
  for (const Value& g : gradients(loss, inputs))
    if (g) graph.outputs.push_back(g);
  std::vector<Tensor> fed;
  for (size_t i = 0; i < inputs.size(); ++i) fed.push_back(random_tensor(inputs[i].shape(), i));
  const std::vector<Tensor> expected = evaluate(graph, fed);
  RunResult result;
  for (const bool in_place : {false, true}) {
    result = run_on(backend, graph, fed, {.in_place = in_place});
    for (size_t i = 0; i < expected.size(); ++i)
      expect_close(result.outputs[i], expected[i], tolerance,
                   "output " + std::to_string(i) + (in_place ? ", in place" : ""));
  }
  return result;
}

}  // namespace ocellus

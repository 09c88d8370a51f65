// List scheduling for memory: among the steps whose inputs are ready, run the one that leaves the fewest bytes live.
//
// Ties keep the graph's order. In a backward pass this computes a layer's weight gradient as soon as the gradient at its output
// is known, which frees the stored activation, instead of walking all the way to the input first.

#include <algorithm>

#include "engine/passes/passes.h"

namespace ocellus::passes {
namespace {

class Scheduler {
 public:
  explicit Scheduler(const Plan& plan) : plan_(plan), readers_(plan.buffers.size(), 0), waits_(plan.steps.size(), 0) {
    std::vector<int> writer(plan.buffers.size(), none);
    for (size_t s = 0; s < plan.steps.size(); ++s)
      for (int b : plan.steps[s].outputs)
        if (b != none) writer[static_cast<size_t>(b)] = static_cast<int>(s);
    followers_.resize(plan.steps.size());
    for (size_t s = 0; s < plan.steps.size(); ++s)
      for (int root : distinct_roots(plan.steps[s])) {
        ++readers_[static_cast<size_t>(root)];
        if (const int w = writer[static_cast<size_t>(root)]; w != none) {
          followers_[static_cast<size_t>(w)].push_back(s);
          ++waits_[s];
        }
      }
    for (int b : plan.outputs) ++readers_[static_cast<size_t>(plan.root(b))];  // outputs are never freed
    for (const auto& [p, b] : plan.updates) ++readers_[static_cast<size_t>(plan.root(b))];
  }

  std::vector<size_t> order() {
    std::vector<size_t> ready, result;
    for (size_t s = 0; s < waits_.size(); ++s)
      if (waits_[s] == 0) ready.push_back(s);
    while (!ready.empty()) {
      const auto best = std::ranges::min_element(ready, {}, [&](size_t s) { return std::pair(growth(s), s); });
      const size_t s = *best;
      ready.erase(best);
      result.push_back(s);
      for (int root : distinct_roots(plan_.steps[s])) --readers_[static_cast<size_t>(root)];
      for (size_t f : followers_[s])
        if (--waits_[f] == 0) ready.push_back(f);
    }
    return result;
  }

 private:
  std::vector<int> distinct_roots(const Step& step) const {
    std::vector<int> roots;
    for (int b : step.inputs) roots.push_back(plan_.root(b));
    std::ranges::sort(roots);
    roots.erase(std::unique(roots.begin(), roots.end()), roots.end());
    return roots;
  }

  /// Bytes that are live after the step, less those that are live before it.
  int64_t growth(size_t s) const {
    const Step& step = plan_.steps[s];
    if (step.once) return INT64_MIN;
    int64_t bytes = 0;
    for (int b : step.outputs)
      if (b != none) bytes += static_cast<int64_t>(plan_.buffers[static_cast<size_t>(b)].bytes);
    for (int root : distinct_roots(step))
      if (plan_.in_arena(root) && readers_[static_cast<size_t>(root)] == 1)
        bytes -= static_cast<int64_t>(plan_.buffers[static_cast<size_t>(root)].bytes);
    return bytes;
  }

  const Plan& plan_;
  std::vector<int> readers_;
  std::vector<int> waits_;
  std::vector<std::vector<size_t>> followers_;
};

}  // namespace

void schedule(Plan& plan) {
  const auto order = Scheduler(plan).order();
  std::vector<Step> steps;
  steps.reserve(order.size());
  for (size_t s : order) steps.push_back(std::move(plan.steps[s]));
  plan.steps = std::move(steps);
}

}  // namespace ocellus::passes

// Recomputation: values that are cheap to compute are computed again where they are read late, instead of being kept until then
// (Chen et al., "Training deep nets with sublinear memory cost", 2016).
//
// At the step that needs most memory, each value that merely waits for a later reader is a candidate: its step, and those of its
// inputs that are gone by then, can be repeated before that reader. The one that frees most bytes for each byte that repeating
// moves is taken, and memory is planned anew, until it fits. A repeated step is the same kernel on the same numbers, so
// results keep their bits. Only steps without products are repeated: they cost a pass over memory.

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "engine/passes/passes.h"

namespace ocellus::passes {
namespace {

/// What planning memory changes, to be undone.
class Unplanned {
 public:
  explicit Unplanned(Plan& plan) : plan_(plan) {
    for (const Buffer& b : plan.buffers) buffers_.push_back({b.place, b.alias, b.alias_offset});
    for (const Step& s : plan.steps) steps_.emplace_back(s.kernel.name, s.refusals.size());
  }
  ~Unplanned() {
    for (size_t i = 0; i < buffers_.size(); ++i) {
      Buffer& b = plan_.buffers[i];
      b.place = buffers_[i].place;
      b.alias = buffers_[i].alias;
      b.alias_offset = buffers_[i].offset;
    }
    for (size_t i = 0; i < steps_.size(); ++i) {
      plan_.steps[i].kernel.name = steps_[i].first;
      plan_.steps[i].refusals.resize(steps_[i].second);
    }
  }
  Unplanned(const Unplanned&) = delete;
  Unplanned& operator=(const Unplanned&) = delete;

 private:
  struct Memory {
    Buffer::Place place;
    int alias;
    size_t offset;
  };
  Plan& plan_;
  std::vector<Memory> buffers_;
  std::vector<std::pair<std::string, size_t>> steps_;
};

/// The step at which most bytes are live, of a plan whose memory is planned.
int fullest_step(const Plan& plan) {
  std::vector<int> first(plan.buffers.size(), none), last(plan.buffers.size(), none);
  const auto touch = [&](int b, int step) {
    if (b == none || !plan.in_arena(b)) return;
    const auto root = static_cast<size_t>(plan.root(b));
    if (first[root] == none) first[root] = step;
    last[root] = step;
  };
  const int end = static_cast<int>(plan.steps.size());
  for (int s = 0; s < end; ++s) {
    const Step& step = plan.steps[static_cast<size_t>(s)];
    for (int b : step.inputs) touch(b, s);
    for (int b : step.outputs) touch(b, s);
    touch(step.scratch, s);
  }
  for (int b : plan.outputs) touch(b, end);
  for (const auto& [p, b] : plan.updates) touch(b, end);
  std::vector<int64_t> change(static_cast<size_t>(end) + 2, 0);
  for (size_t b = 0; b < first.size(); ++b) {
    if (first[b] == none) continue;
    change[static_cast<size_t>(first[b])] += static_cast<int64_t>(plan.buffers[b].bytes);
    change[static_cast<size_t>(last[b]) + 1] -= static_cast<int64_t>(plan.buffers[b].bytes);
  }
  int fullest = 0;
  int64_t live = 0, most = 0;
  for (int s = 0; s <= end; ++s)
    if ((live += change[static_cast<size_t>(s)]) > most) {
      most = live;
      fullest = s;
    }
  return fullest;
}

class Recomputation {
 public:
  Recomputation(Plan& plan, Backend& backend, bool training) : plan_(plan), backend_(backend), training_(training) {}

  /// Repeats the steps that free most at the fullest step; false if none frees anything.
  bool improve(int fullest) {
    look(fullest);
    for (;;) {
      Choice best;
      for (int root = 0; root < static_cast<int>(touches_.size()); ++root)
        if (Choice c = choice(root); c.score > best.score) best = std::move(c);
      if (best.root == none) return false;
      if (apply(best)) return true;
    }
  }

 private:
  /// A value to compute again before step `until`.
  struct Choice {
    int root = none, until = 0;
    double score = 0;
  };
  struct Estimate {
    double freed = 0, extended = 0, moved = 0;  ///< bytes
    std::vector<int> roots = {};                ///< that are computed again
  };

  Buffer& buffer(int b) { return plan_.buffers[static_cast<size_t>(b)]; }
  std::vector<int>& touches(int root) { return touches_[static_cast<size_t>(root)]; }

  void look(int fullest) {
    fullest_ = fullest;
    touches_.assign(plan_.buffers.size(), {});
    producer_.assign(plan_.buffers.size(), none);
    pinned_.assign(plan_.buffers.size(), false);
    const auto touch = [&](int b, int step) {
      if (b == none) return;
      auto& list = touches(plan_.root(b));
      if (list.empty() || list.back() != step) list.push_back(step);
    };
    const int end = static_cast<int>(plan_.steps.size());
    for (int s = 0; s < end; ++s) {
      const Step& step = plan_.steps[static_cast<size_t>(s)];
      for (int b : step.inputs) touch(b, s);
      for (int b : step.outputs) {
        touch(b, s);
        if (b != none) producer_[static_cast<size_t>(plan_.root(b))] = s;
      }
    }
    const auto pin = [&](int b) {
      touch(b, end);
      pinned_[static_cast<size_t>(plan_.root(b))] = true;
    };
    for (int b : plan_.outputs) pin(b);
    for (const auto& [p, b] : plan_.updates) pin(b);
  }

  bool repeatable(int root) const {
    const int s = producer_[static_cast<size_t>(root)];
    if (s == none) return false;
    const Step& step = plan_.steps[static_cast<size_t>(s)];
    if (step.once || different_.contains(step.node.get())) return false;
    return !step.node ||
           (!step.node->op().traits().host && step.node->op().macs(step.node->input_types(), step.node->types()) == 0);
  }

  /// The first step that touches the value after the fullest one, if it only waits for it there; `none` else.
  int waits_until(int root) {
    const auto& list = touches(root);
    if (list.empty() || pinned_[static_cast<size_t>(root)] || !plan_.in_arena(root)) return none;
    const auto next = std::ranges::upper_bound(list, fullest_);
    const bool waits = next != list.end() && next != list.begin() && *std::prev(next) < fullest_;
    return waits ? *next : none;
  }

  bool at_hand(int root, int until) {
    return !plan_.in_arena(root) || (!touches(root).empty() && touches(root).back() >= until);
  }

  /// Whether an input that is gone is better computed again, too, than kept: small ones are kept.
  bool worth_repeating(int root, int candidate) {
    constexpr size_t small = 8;
    return repeatable(root) && buffer(root).bytes * small > buffer(candidate).bytes;
  }

  void estimate(int root, const Choice& c, Estimate& e) {
    if (std::ranges::find(e.roots, root) != e.roots.end()) return;
    const Step& step = plan_.steps[static_cast<size_t>(producer_[static_cast<size_t>(root)])];
    for (int b : step.outputs)
      if (b != none) {
        const int out = plan_.root(b);
        e.roots.push_back(out);
        e.moved += static_cast<double>(buffer(out).bytes);
        if (const int until = waits_until(out); until != none && until >= c.until)
          e.freed += static_cast<double>(buffer(out).bytes);
      }
    for (int b : step.inputs) {
      const int in = plan_.root(b);
      e.moved += static_cast<double>(buffer(in).bytes);
      if (at_hand(in, c.until)) continue;
      if (worth_repeating(in, c.root))
        estimate(in, c, e);
      else if (touches(in).back() < fullest_)
        e.extended += static_cast<double>(buffer(in).bytes);
    }
  }

  Choice choice(int root) {
    Choice c{root, waits_until(root), 0};
    if (c.until == none || !repeatable(root)) return {};
    Estimate e;
    estimate(root, c, e);
    c.score = (e.freed - e.extended) / std::max(e.moved, 1.0);
    return c.score > 0 ? c : Choice{};
  }

  /// A buffer like `b`, whose root was `from`, within `to`.
  int within(int b, int from, int to) {
    if (b == from) return to;
    const auto known = views_.find({b, to});
    if (known != views_.end()) return known->second;
    const int inner = within(buffer(b).alias, from, to);
    Buffer view = buffer(b);
    view.alias = inner;
    plan_.buffers.push_back(std::move(view));
    return views_[{b, to}] = static_cast<int>(plan_.buffers.size()) - 1;
  }

  int renamed(int b) {
    const int root = plan_.root(b);
    const auto it = again_.find(root);
    return it == again_.end() ? b : within(b, root, it->second);
  }

  /// Makes a step that computes the value again, after those for its inputs; false if the backend has another kernel now.
  bool repeat(int root, const Choice& c) {
    if (again_.contains(root)) return true;
    const auto s = static_cast<size_t>(producer_[static_cast<size_t>(root)]);
    for (int b : plan_.steps[s].inputs) {
      const int in = plan_.root(b);
      if (!at_hand(in, c.until) && worth_repeating(in, c.root) && !repeat(in, c)) return false;
    }
    const Step& first = plan_.steps[s];
    Step step;
    step.node = first.node;
    step.layer = first.layer;
    step.refusals = first.refusals;
    step.again = true;
    std::optional<KernelPlan> kernel = same_kernel(first);
    if (!kernel) {
      different_.insert(first.node.get());
      return false;
    }
    step.kernel = std::move(*kernel);
    for (int b : first.inputs) step.inputs.push_back(renamed(b));
    const std::vector<int> outputs = first.outputs;
    for (int b : outputs) {
      if (b != none) {
        Buffer copy = buffer(b);
        plan_.buffers.push_back(std::move(copy));
        again_[b] = static_cast<int>(plan_.buffers.size()) - 1;
      }
      step.outputs.push_back(b == none ? none : again_.at(b));
    }
    if (step.kernel.scratch > 0) {
      Buffer scratch;
      scratch.bytes = step.kernel.scratch;
      plan_.buffers.push_back(std::move(scratch));
      step.scratch = static_cast<int>(plan_.buffers.size()) - 1;
    }
    fresh_.push_back(std::move(step));
    return true;
  }

  std::optional<KernelPlan> same_kernel(const Step& step) {
    KernelPlan plan;
    if (!step.node) {
      const Buffer& from = buffer(step.inputs[0]);
      plan.name = step.kernel.name;
      plan.inputs = step.kernel.inputs;
      plan.outputs = step.kernel.outputs;
      plan.kernel = backend_.reorder(from.type, plan.inputs[0], plan.outputs[0]);
      return plan;
    }
    std::vector<bool> used;
    for (int b : step.outputs) used.push_back(b != none);
    KernelOffer offer = backend_.offer({*step.node, step.kernel.inputs, used, training_});
    plan = offer.plan ? std::move(*offer.plan) : reference_kernel(*step.node);
    const auto same = [](const auto& a, const auto& b) { return std::ranges::equal(a, b, same_layout); };
    if (plan.name != step.kernel.name || !same(plan.inputs, step.kernel.inputs) ||
        !same(plan.outputs, step.kernel.outputs))
      return std::nullopt;
    return plan;
  }

  /// Later readers take the repeated values, where nobody reads the first ones in between.
  bool apply(const Choice& c) {
    fresh_.clear();
    again_.clear();
    views_.clear();
    if (!repeat(c.root, c)) return false;
    std::erase_if(again_, [&](const auto& pair) {
      const auto& list = touches(pair.first);
      const bool read_between = std::ranges::any_of(list, [&](int t) { return t >= fullest_ && t < c.until; });
      return pinned_[static_cast<size_t>(pair.first)] || read_between;
    });
    for (auto s = static_cast<size_t>(c.until); s < plan_.steps.size(); ++s)
      for (int& b : plan_.steps[s].inputs) b = renamed(b);
    plan_.steps.insert(plan_.steps.begin() + c.until, std::make_move_iterator(fresh_.begin()),
                       std::make_move_iterator(fresh_.end()));
    return true;
  }

  Plan& plan_;
  Backend& backend_;
  bool training_;
  int fullest_ = 0;
  std::vector<std::vector<int>> touches_;      ///< steps, by root
  std::vector<int> producer_;                  ///< by root
  std::vector<bool> pinned_;                   ///< results of the program, by root
  std::unordered_set<const Node*> different_;  ///< nodes for which the backend no longer offers the same kernel
  std::vector<Step> fresh_;                    ///< to be inserted
  std::unordered_map<int, int> again_;         ///< roots, and where their values are once they are computed again
  std::map<std::pair<int, int>, int> views_;   ///< of repeated values
};

}  // namespace

void recompute(Plan& plan, Backend& backend, Mode mode, size_t limit) {
  Recomputation recomputation(plan, backend, mode == Mode::train);
  size_t least = SIZE_MAX;
  for (size_t rounds = 4 * plan.steps.size();; --rounds) {
    int fullest = 0;
    {
      const Unplanned undo(plan);
      plan_memory(plan);
      least = std::min(least, plan.arena_bytes);
      if (plan.arena_bytes <= limit) return;
      fullest = fullest_step(plan);
    }
    if (rounds == 0 || !recomputation.improve(fullest))
      throw UsageError(fmt::format("a memory limit of {} bytes can't be kept: values need at least {}", limit, least));
  }
}

}  // namespace ocellus::passes

// Memory planning: a buffer is an interval of steps with a size; intervals that overlap in time must not overlap in space.
//
// First the parts of a value that is put together of several are computed where they belong, if they lie there in one piece.
// Then outputs take over the memory of inputs that die with the step, where the kernel can work in place. Then intervals are
// placed, largest first, each at the lowest offset that is free for its whole life (the "greedy by size" rule of Pisarchyk & Lee,
// "Efficient memory management for deep neural net inference", 2020) and, as a second try, in order of birth; the smaller arena wins.

#include <algorithm>
#include <numeric>

#include <ocellus/ops/shape.h>

#include "engine/passes/passes.h"

namespace ocellus::passes {
namespace {

struct Interval {
  int buffer = none;
  size_t bytes = 0;
  int first = 0, last = 0;
  size_t offset = 0;
};

constexpr size_t alignment = 64;
size_t aligned(size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

/// First and last step that touch each arena buffer; aliases count for their root.
class Lifetimes {
 public:
  explicit Lifetimes(const Plan& plan) : first_(plan.buffers.size(), none), last_(plan.buffers.size(), none) {
    for (size_t s = 0; s < plan.steps.size(); ++s) {
      for (int b : plan.steps[s].inputs) touch(plan, b, static_cast<int>(s));
      for (int b : plan.steps[s].outputs) touch(plan, b, static_cast<int>(s));
      touch(plan, plan.steps[s].scratch, static_cast<int>(s));
    }
    const int end = static_cast<int>(plan.steps.size());
    for (int b : plan.outputs) touch(plan, b, end);
    for (const auto& [p, b] : plan.updates) touch(plan, b, end);
  }
  int first(int root) const { return first_[static_cast<size_t>(root)]; }
  int last(int root) const { return last_[static_cast<size_t>(root)]; }

 private:
  void touch(const Plan& plan, int b, int step) {
    if (b == none || !plan.in_arena(b)) return;
    const auto root = static_cast<size_t>(plan.root(b));
    if (first_[root] == none) first_[root] = step;
    last_[root] = step;
  }
  std::vector<int> first_, last_;
};

/// Why a part of a value can't be computed where it belongs, or "".
std::string apart(const Plan& plan, const Step& step, size_t i) {
  const int part = plan.root(step.inputs[i]), whole = step.outputs[0];
  const auto users = std::ranges::count_if(step.inputs, [&](int b) { return plan.root(b) == part; });
  if (!plan.in_arena(step.inputs[i])) return "is fed, or made once";
  if (users > 1) return "occurs twice";
  if (part == plan.root(whole) || plan.offset_in_root(step.inputs[i]) > 0 ||
      plan.buffers[static_cast<size_t>(part)].bytes != plan.buffers[static_cast<size_t>(step.inputs[i])].bytes)
    return "is a part of another value";
  constexpr size_t least_alignment = 32;
  return step.kernel.parts[i] % least_alignment != 0 ? "begins at an address that is not aligned" : "";
}

/// Values that are put together of parts: each part becomes memory of the whole's, whose life then begins with the first part's.
void place_parts(Plan& plan) {
  for (Step& step : plan.steps) {
    if (step.node && step.node->as<Concat>() && step.kernel.parts.empty())
      step.refusals.push_back({"in place", "its inputs lie scattered in it"});
    if (step.kernel.parts.empty() || step.outputs[0] == none || !plan.in_arena(step.outputs[0])) continue;
    size_t placed = 0;
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      if (const std::string why = apart(plan, step, i); !why.empty()) {
        step.refusals.push_back({"in place", "input " + std::to_string(i) + " " + why});
        continue;
      }
      Buffer& part = plan.buffers[static_cast<size_t>(plan.root(step.inputs[i]))];
      part.alias = step.outputs[0];
      part.alias_offset = step.kernel.parts[i];
      ++placed;
    }
    if (placed == step.inputs.size())
      step.kernel.name = "in place";
    else if (placed > 0)
      step.kernel.name += ", " + std::to_string(placed) + " in place";
  }
}

void share_in_place(Plan& plan) {
  const Lifetimes lives(plan);
  std::vector<int> last(plan.buffers.size());
  for (size_t b = 0; b < last.size(); ++b) last[b] = lives.last(static_cast<int>(b));
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    Step& step = plan.steps[s];
    for (const auto& [out, in] : step.kernel.in_place) {
      const int target = step.outputs[out];
      if (target == none || plan.buffers[static_cast<size_t>(target)].alias != none || !plan.in_arena(target)) continue;
      const int root = plan.root(step.inputs[in]);
      const auto uses = std::ranges::count_if(step.inputs, [&](int b) { return plan.root(b) == root; });
      if (!plan.in_arena(root) || uses != 1 || last[static_cast<size_t>(root)] != static_cast<int>(s)) continue;
      if (plan.buffers[static_cast<size_t>(root)].bytes != plan.buffers[static_cast<size_t>(target)].bytes) continue;
      plan.buffers[static_cast<size_t>(target)].alias = root;
      last[static_cast<size_t>(root)] = std::max(last[static_cast<size_t>(root)], last[static_cast<size_t>(target)]);
    }
  }
}

/// Offsets for intervals in the given order; returns the size of the arena.
size_t place(std::vector<Interval>& intervals) {
  std::vector<const Interval*> placed;  // sorted by offset
  size_t total = 0;
  for (Interval& now : intervals) {
    size_t offset = 0;
    for (const Interval* other : placed) {
      if (other->last < now.first || other->first > now.last) continue;
      if (offset + now.bytes <= other->offset) break;
      offset = std::max(offset, other->offset + other->bytes);
    }
    now.offset = offset;
    total = std::max(total, offset + now.bytes);
    const auto at = std::ranges::upper_bound(placed, offset, {}, [](const Interval* i) { return i->offset; });
    placed.insert(at, &now);
  }
  return total;
}

size_t most_live(const std::vector<Interval>& intervals, size_t steps) {
  std::vector<size_t> live(steps + 1, 0);
  for (const Interval& i : intervals)
    for (int s = i.first; s <= i.last; ++s) live[static_cast<size_t>(s)] += i.bytes;
  return *std::ranges::max_element(live);
}

/// Offsets for the intervals in the better of two orders; returns the size of the arena.
size_t place_all(Plan& plan, const std::vector<Interval>& intervals) {
  std::vector<Interval> by_size = intervals, by_birth = intervals;
  std::ranges::stable_sort(by_size, std::greater(), &Interval::bytes);
  std::ranges::stable_sort(by_birth, {}, [](const Interval& i) { return std::pair(i.first, ~i.bytes); });
  const size_t size_total = place(by_size), birth_total = place(by_birth);
  for (const Interval& i : size_total <= birth_total ? by_size : by_birth)
    plan.buffers[static_cast<size_t>(i.buffer)].offset = i.offset;
  return std::min(size_total, birth_total);
}

/// Weights on their way to a kernel's order go through other forms (folded, cast) that only steps running once see: these
/// share an arena of their own, instead of being kept beside what was made of them.
void plan_packing(Plan& plan) {
  std::vector<Interval> seen(plan.buffers.size());
  std::vector<bool> read_later(plan.buffers.size(), false);
  const auto touch = [&](int b, size_t s, bool once) {
    if (b == none) return;
    const auto root = static_cast<size_t>(plan.root(b));
    if (plan.buffers[root].place != Buffer::Place::kept) return;
    if (!once) read_later[root] = true;
    Interval& i = seen[root];
    if (i.buffer == none) i = {static_cast<int>(root), aligned(plan.buffers[root].bytes), static_cast<int>(s)};
    i.last = static_cast<int>(s);
  };
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    const Step& step = plan.steps[s];
    for (int b : step.inputs) touch(b, s, step.once);
    for (int b : step.outputs) touch(b, s, step.once);
    touch(step.scratch, s, step.once);
  }
  for (int b : plan.outputs) touch(b, plan.steps.size(), false);
  for (const auto& [p, b] : plan.updates) touch(b, plan.steps.size(), false);
  std::vector<Interval> intervals;
  for (const Interval& i : seen)
    if (i.buffer != none && !read_later[static_cast<size_t>(i.buffer)]) {
      plan.buffers[static_cast<size_t>(i.buffer)].place = Buffer::Place::packing;
      intervals.push_back(i);
    }
  plan.packing_bytes = place_all(plan, intervals);
}

}  // namespace

void plan_memory(Plan& plan) {
  place_parts(plan);
  share_in_place(plan);
  plan_packing(plan);
  const Lifetimes lives(plan);
  std::vector<Interval> intervals;
  for (size_t b = 0; b < plan.buffers.size(); ++b) {
    const int root = static_cast<int>(b);
    if (plan.buffers[b].alias != none || !plan.in_arena(root) || lives.first(root) == none) continue;
    intervals.push_back({root, aligned(plan.buffers[b].bytes), lives.first(root), lives.last(root)});
  }
  plan.live_bytes = most_live(intervals, plan.steps.size());
  plan.arena_bytes = place_all(plan, intervals);
}

}  // namespace ocellus::passes

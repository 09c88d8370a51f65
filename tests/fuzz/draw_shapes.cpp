// Operators that move numbers without changing them.
#include <algorithm>
#include <numeric>

#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/rearrange.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/shape.h>

#include "fuzz/generator.h"

namespace ocellus::fuzz {
namespace {

int64_t any_axis(Generator& g, const Value& x) { return g.between(0, static_cast<int64_t>(x.shape().rank()) - 1); }

/// Along the channels as a rule, with what the graph has or with something new.
Value concat(Generator& g, const Value& x) {
  const int64_t axis = g.chance(0.7) ? 1 : any_axis(g, x);
  const auto at = static_cast<size_t>(axis);
  const auto fits = [&](const Value& v) {
    return v.shape().rank() == x.shape().rank() && v.shape().with(at, 1) == x.shape().with(at, 1);
  };
  Values parts = {x};
  for (int64_t i = g.between(1, 3); i > 0; --i)
    parts.push_back(g.chance(0.7) ? *g.earlier(fits) : g.source(x.shape().with(at, g.between(1, 8)), {-1, 1}));
  std::rotate(parts.begin(), parts.begin() + g.between(0, static_cast<int64_t>(parts.size()) - 1), parts.end());
  return ops::concat(parts, axis);
}

Value slice(Generator& g, const Value& x) {
  std::vector<int64_t> begin, end, step;
  for (const int64_t size : x.shape()) {
    const bool whole = size == 1 || g.chance(0.5);
    begin.push_back(whole ? 0 : g.between(0, size - 2));
    end.push_back(whole ? size : g.between(begin.back() + 1, size));
    step.push_back(whole ? 1 : g.between(1, 2));
  }
  return ops::slice(x, begin, end, step);
}

Value pad(Generator& g, const Value& x) {
  ops::PadConfig config{.mode = g.any_of<PadMode>()};
  if (config.mode == PadMode::constant && g.chance(0.3)) config.value = 0.5;
  for (size_t d = 0; d < x.shape().rank(); ++d) {
    config.before.push_back(d < 2 && g.chance(0.8) ? 0 : g.between(0, 2));
    config.after.push_back(d < 2 && g.chance(0.8) ? 0 : g.between(0, 2));
  }
  return ops::pad(x, config);
}

/// Merges two dimensions that lie side by side, or splits one.
Value reshape(Generator& g, const Value& x) {
  std::vector<int64_t> dims(x.shape().begin(), x.shape().end());
  const int64_t at = any_axis(g, x);
  const auto here = dims.begin() + at;
  if (g.chance(0.6) && here + 1 != dims.end()) {
    *here *= *(here + 1);
    dims.erase(here + 1);
  } else {
    const int64_t factor = g.one_of<int64_t>({1, 2, 2, 3, 4, 8});
    if (*here % factor != 0 || dims.size() == 6) return {};
    *here /= factor;
    dims.insert(here + 1, factor);
  }
  if (dims.size() < 2) dims.insert(dims.begin(), 1);
  return ops::reshape(x, dims);
}

Value transpose(Generator& g, const Value& x) {
  std::vector<int64_t> perm(x.shape().rank());
  std::iota(perm.begin(), perm.end(), 0);
  if (g.chance(0.3)) {
    std::rotate(perm.begin() + 1, perm.begin() + 2, perm.end());  // channels last
    return ops::transpose(x, perm);
  }
  for (size_t i = perm.size() - 1; i > 0; --i)
    std::swap(perm[i], perm[static_cast<size_t>(g.between(0, static_cast<int64_t>(i)))]);
  return ops::transpose(x, perm);
}

Value blocks(Generator& g, const Value& x) {
  const ops::BlockConfig config{.block = 2, .order = g.any_of<BlockOrder>()};
  return g.chance(0.6) ? ops::space_to_depth(x, config) : ops::depth_to_space(x, config);
}

Value reverse(Generator& g, const Value& x) { return ops::reverse(x, {any_axis(g, x)}); }

Value broadcast(Generator& g, const Value& x) {
  const auto at = static_cast<size_t>(any_axis(g, x));
  if (x.shape()[at] != 1) return {};
  const Shape wide = x.shape().with(at, g.between(2, 5));
  return ops::broadcast_to(x, wide, g.one_of({1.0, 0.5}));
}

Value sum_to(Generator& g, const Value& x) {
  const auto at = static_cast<size_t>(any_axis(g, x));
  return ops::affine(ops::sum_to(x, x.shape().with(at, 1)), 1.0 / static_cast<double>(x.shape()[at]));
}

}  // namespace

std::vector<Choice> shapes() {
  return {{6, concat}, {3, slice},   {2, pad},       {3, reshape}, {2, transpose},
          {2, blocks}, {1, reverse}, {1, broadcast}, {1, sum_to}};
}

}  // namespace ocellus::fuzz

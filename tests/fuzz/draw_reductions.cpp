// Sums, maxima and the like, running sums, and operators that pick elements.
#include <ocellus/ops/cast.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/indexing.h>
#include <ocellus/ops/reduce.h>

#include "fuzz/generator.h"

namespace ocellus::fuzz {
namespace {

int64_t any_axis(Generator& g, const Value& x) { return g.between(0, static_cast<int64_t>(x.shape().rank()) - 1); }

Value reduce(Generator& g, const Value& x) {
  const int64_t axis = any_axis(g, x), size = x.shape()[static_cast<size_t>(axis)];
  ops::ReduceConfig config{.axes = {axis}, .keep_dims = g.chance(0.6)};
  if (x.shape().rank() > 3 && g.chance(0.4)) config.axes = {2, 3};
  switch (g.any_of<ReduceKind>()) {
    case ReduceKind::sum: return ops::affine(ops::reduce_sum(x, config), 1.0 / static_cast<double>(size));
    case ReduceKind::max: return ops::reduce_max(x, config);
    case ReduceKind::min: return ops::reduce_min(x, config);
    case ReduceKind::product: return size > 4 || config.axes.size() > 1 ? Value{} : ops::reduce_product(x, config);
    case ReduceKind::l1: return ops::affine(ops::reduce_l1(x, config), 1.0 / static_cast<double>(size));
    case ReduceKind::l2: return ops::reduce_l2(x, config);
    default: return ops::reduce_mean(x, config);
  }
}

Value cumulative_sum(Generator& g, const Value& x) {
  return ops::cumulative_sum(x, {.axis = any_axis(g, x), .exclusive = g.chance(0.5), .reverse = g.chance(0.5)});
}

Value gather(Generator& g, const Value& x) {
  const int64_t axis = any_axis(g, x);
  const Tensor indices = g.below({g.between(1, 6)}, x.shape()[static_cast<size_t>(axis)]);
  return ops::gather(x, g.chance(0.5) ? constant(indices) : g.input(indices), axis);
}

Value gather_along(Generator& g, const Value& x) {
  const int64_t axis = any_axis(g, x);
  const auto at = static_cast<size_t>(axis);
  return ops::gather_along(x, constant(g.below(x.shape().with(at, g.between(1, 4)), x.shape()[at])), axis);
}

Value top_k(Generator& g, const Value& x) {
  const int64_t axis = any_axis(g, x), size = x.shape()[static_cast<size_t>(axis)];
  return ops::top_k(x, {.k = g.between(1, size), .axis = axis, .smallest = g.chance(0.3)})[0];
}

/// The largest along an axis as a mask: 1 where it is.
Value mask_of_largest(Generator& g, const Value& x) {
  const int64_t axis = any_axis(g, x), size = x.shape()[static_cast<size_t>(axis)];
  const Value largest = g.chance(0.5) ? ops::argmax(x, {.axis = axis}) : ops::argmin(x, {.axis = axis});
  return ops::mul(x, ops::one_hot(largest, {.depth = size, .axis = axis, .on = 1, .off = 0.25}));
}

}  // namespace

std::vector<Choice> reductions() {
  return {{5, reduce}, {1, cumulative_sum}, {1, gather}, {1, gather_along}, {1, top_k}, {1, mask_of_largest}};
}

}  // namespace ocellus::fuzz

// What makes one number of a value.
#include <cmath>

#include <ocellus/ops/activation.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/losses.h>
#include <ocellus/ops/reduce.h>

#include "fuzz/generator.h"

namespace ocellus::fuzz {
namespace {

/// A sum with fixed weights: every element counts, and none is like another.
Value weighted_sum(Generator& g, const Value& x) {
  const double bound = 1 / std::sqrt(static_cast<double>(x.shape().numel()));
  return ops::reduce_sum(ops::mul(x, constant(g.uniform(x.shape(), {-bound, bound}))));
}

Shape positions(const Value& x) {
  std::vector<int64_t> dims(x.shape().begin(), x.shape().end());
  dims.erase(dims.begin() + 1);
  return Shape(std::span<const int64_t>(dims));
}

Value classes(Generator& g, const Value& x) {
  if (x.shape()[1] < 2) return {};
  const Value targets = g.input(g.below(positions(x), x.shape()[1]));
  if (g.chance(0.3))
    return ops::softmax_focal(x, targets, {.alpha = g.one_of({-1.0, 0.25}), .gamma = g.one_of({2.0, 1.5})});
  return ops::softmax_cross_entropy(x, targets,
                                    {.smoothing = g.one_of({0.0, 0.1}),
                                     .ignore_index = g.one_of<int64_t>({-100, 0}),
                                     .reduction = g.chance(0.7) ? Reduction::mean : Reduction::sum})[0];
}

Value sigmoid_cross_entropy(Generator& g, const Value& x) {
  return ops::sigmoid_cross_entropy(x, constant(g.uniform(x.shape(), {0, 1})));
}

Value squared_error(Generator& g, const Value& x) { return ops::squared_error(x, g.source(x.shape(), {-1, 1})); }

Value element_loss(Generator& g, const Value& x) {
  using Kind = ElementLossKind;
  const auto kind = g.one_of({Kind::squared_error, Kind::absolute_error, Kind::smooth_l1, Kind::huber,
                              Kind::sigmoid_cross_entropy, Kind::focal, Kind::contrastive});
  Value weights;
  if (g.chance(0.4)) weights = constant(g.uniform(x.shape(), {0.5, 1.5}));
  const Value target = constant(g.uniform(x.shape(), {0, 1}));
  const ElementLossConfig config{.kind = kind, .threshold = g.one_of({1.0, 0.5})};
  return ops::element_loss(x, target, config, weights);
}

Value dice(Generator& g, const Value& x) {
  const Value targets = constant(g.uniform(x.shape(), {0, 1}));
  return ops::dice(ops::activation(x, sigmoid), targets, {.squared = g.chance(0.5), .over_batch = g.chance(0.5)});
}

}  // namespace

std::vector<Choice> losses() {
  return {{8, weighted_sum},  {4, classes},      {1, sigmoid_cross_entropy},
          {2, squared_error}, {2, element_loss}, {1, dice}};
}

}  // namespace ocellus::fuzz

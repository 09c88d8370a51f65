// Functions and arithmetic, element by element.
#include <ocellus/ops/activation.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/prelu.h>
#include <ocellus/ops/select.h>
#include <ocellus/ops/unary.h>

#include "fuzz/generator.h"

namespace ocellus::fuzz {
namespace {

Value activation(Generator& g, const Value& x) {
  return ops::activation(x, g.one_of<Activation>({relu, relu, leaky_relu(0.1), sigmoid, tanh_, scaled_tanh}));
}

Value unary(Generator& g, const Value& x) {
  const Statistics s = g.statistics(x);
  const auto kind = g.any_of<UnaryKind>();
  switch (kind) {
    case UnaryKind::log:
    case UnaryKind::sqrt: return s.low < 0.1 ? unary(g, x) : ops::unary(x, {kind});
    case UnaryKind::exp: return s.high > 3 ? unary(g, x) : ops::exp(x);
    case UnaryKind::pow: return ops::pow(x, s.low < 0.1 ? g.one_of({2.0, 3.0}) : g.one_of({0.5, 1.5, -1.0, 2.0}));
    case UnaryKind::elu: return ops::elu(x, g.one_of({1.0, 0.5}));
    case UnaryKind::hard_sigmoid: return ops::hard_sigmoid(x, g.one_of({1.0 / 6, 0.2}));
    case UnaryKind::clip: return g.chance(0.5) ? ops::relu6(x) : ops::clip(x, -0.7, g.real({0, 1}));
    default: return ops::unary(x, {kind});
  }
}

Value prelu(Generator& g, const Value& x) {
  return ops::prelu(x, g.chance(0.7) ? g.parameter({x.shape()[1]}, {-0.2, 0.4}) : g.parameter(Shape{}, {0.1, 0.4}));
}

/// A shape that is broadcast to x's: some sizes are 1, some in front may be missing.
Shape broadcast_shape(Generator& g, const Shape& x) {
  std::vector<int64_t> dims(x.begin(), x.end());
  if (g.chance(0.5)) {  // a number per channel
    for (size_t d = 0; d < dims.size(); ++d)
      if (d != 1) dims[d] = 1;
  } else {
    for (int64_t& d : dims)
      if (g.chance(0.5)) d = 1;
  }
  if (g.chance(0.3)) dims.erase(dims.begin(), dims.begin() + g.between(0, static_cast<int64_t>(dims.size())));
  return Shape(std::span<const int64_t>(dims));
}

Value with_other(Generator& g, const Value& x, BinaryKind kind, const Value& other) {
  return g.chance(0.5) ? ops::binary(kind, x, other) : ops::binary(kind, other, x);
}

Value binary_with_source(Generator& g, const Value& x) {
  const auto kind = g.any_of<BinaryKind>();
  const Shape shape = broadcast_shape(g, x.shape());
  if (kind == BinaryKind::div) return ops::div(x, g.source(shape, {0.5, 2}));
  return with_other(g, x, kind, g.source(shape, {-1, 1}));
}

/// Residual sums, and gates: both sides come from the graph.
Value binary_with_earlier(Generator& g, const Value& x) {
  const auto other = g.earlier([&](const Value& v) { return v.type() == x.type() && (v != x || g.chance(0.1)); });
  if (!other) return {};
  const auto kind = g.one_of({BinaryKind::add, BinaryKind::add, BinaryKind::add, BinaryKind::mul, BinaryKind::sub,
                              BinaryKind::max, BinaryKind::min});
  const Value z = with_other(g, x, kind, *other);
  return g.chance(0.4) ? ops::activation(z, relu) : z;
}

Value affine(Generator& g, const Value& x) {
  return ops::affine(x, g.real({0.5, 2}), g.chance(0.5) ? g.real({-1, 1}) : 0);
}

Value dropout(Generator& g, const Value& x) { return ops::dropout(x, 0.3, g.between(0, 99)); }

/// A branch through which no gradient flows, beside one through which it does.
Value half_stopped(Generator&, const Value& x) { return ops::add(ops::affine(x, 0.5), ops::stop_gradient(x)); }

Value where(Generator& g, const Value& x) {
  const auto kind = g.one_of({CompareKind::less, CompareKind::greater_equal});
  const Value condition = ops::compare(kind, x, constant(g.uniform({1}, {-0.5, 0.5})));
  return ops::where(condition, ops::affine(x, 0.5, 1), g.source(x.shape(), {-1, 1}));
}

}  // namespace

std::vector<Choice> functions() {
  return {
      {10, activation}, {6, unary},        {2, prelu}, {5, binary_with_source}, {8, binary_with_earlier}, {2, affine},
      {2, dropout},     {1, half_stopped}, {1, where}};
}

}  // namespace ocellus::fuzz

// What makes a random graph, one operator after the other, and the tables of operators that it draws from.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <unordered_map>

#include <ocellus/base/rng.h>
#include <ocellus/ops/window.h>

#include "fuzz/random_graph.h"

namespace ocellus::fuzz {

struct Range {
  double low = -1, high = 1;
};

/// What a value's numbers are like.
struct Statistics {
  double low = 0, high = 0, rms = 0;
};

/// Builds a graph and knows the numbers of every value in it, in double, so that a draw can look before it leaps.
class Generator {
 public:
  explicit Generator(uint64_t seed) : rng_(seed, 0xf022) {}

  RandomGraph make();

  int64_t between(int64_t low, int64_t high);  ///< both included
  bool chance(double p) { return rng_.chance(static_cast<float>(p)); }
  double real(Range range) { return rng_.uniform(static_cast<float>(range.low), static_cast<float>(range.high)); }
  template <class T>
  T one_of(std::initializer_list<T> list) {
    return list.begin()[rng_.below(list.size())];
  }
  /// An enumeration's value, all of them alike.
  template <class E>
  E any_of() {
    return static_cast<E>(rng_.below(enum_names(E{}).size()));
  }

  /// A parameter of the layer that is being made, uniform in a range.
  Value parameter(const Shape& shape, Range range, ParamRole role = ParamRole::kernel);
  Value parameter(Tensor value, ParamRole role);
  /// Weights that give sums of `terms` products with x about the size 1.
  Value weights(const Shape& shape, const Value& x, int64_t terms);
  Value input(Tensor value);
  Tensor uniform(const Shape& shape, Range range);
  /// Integers in [0, n).
  Tensor below(const Shape& shape, int64_t n);
  /// An input, a parameter or a constant of numbers in a range.
  Value source(const Shape& shape, Range range);
  /// A value made before that `fits`, if there is one.
  std::optional<Value> earlier(const std::function<bool(const Value&)>& fits);

  const Tensor& numbers(const Value& v);
  Statistics statistics(const Value& v);
  /// The smallest variance of the numbers over which a normalisation goes: `block(i)` says to which of `blocks` element i
  /// belongs.
  double least_variance(const Value& v, int64_t blocks, const std::function<int64_t(int64_t)>& block);
  /// Mean and variance of each channel.
  std::pair<Tensor, Tensor> channel_moments(const Value& v);

 private:
  Value first_input();
  bool grow();
  bool keeps_size(const Value& v);
  Value loss_of(const Value& v);

  Rng rng_;
  RandomGraph made_;
  Values pool_;    // what may be used further
  Values learnt_;  // parameters
  std::shared_ptr<LayerInfo> layer_;
  std::unordered_map<const Node*, std::vector<Tensor>> numbers_;
  std::vector<std::shared_ptr<const Node>> kept_;  // nodes whose numbers are known
};

/// Applies an operator to x, or gives an empty value or throws an Error if it does not fit.
using Draw = Value (*)(Generator& g, const Value& x);
struct Choice {
  int weight;  ///< how often it is drawn, relative to others
  Draw draw;
};

std::vector<Choice> products();        ///< convolutions, dense, matrix products, distances
std::vector<Choice> normalisations();  ///< and softmax
std::vector<Choice> windows();         ///< pooling, resizing, regions
std::vector<Choice> functions();       ///< element by element
std::vector<Choice> shapes();          ///< concatenation, slices, padding and the like
std::vector<Choice> reductions();      ///< and what picks elements
/// Each gives a scalar.
std::vector<Choice> losses();

/// Sizes of windows and padding for the spatial dimensions of x.
Window any_window(Generator& g, size_t spatial_dimensions, bool dilated);
std::vector<int64_t> several(Generator& g, size_t count, int64_t low, int64_t high);

}  // namespace ocellus::fuzz

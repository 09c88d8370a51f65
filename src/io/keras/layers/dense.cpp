// Dense layers.
#include <algorithm>

#include <ocellus/nn/layers/dense.h>
#include <ocellus/ops/shape.h>

#include "io/emit.h"
#include "io/keras/curve.h"
#include "io/tensors.h"

namespace ocellus::io::keras {
namespace {

/// [in, units] as [units, in]; where the input was flattened in our order of elements, with the same elements in that order.
Tensor weights_for(const Tensor& kernel, const Held& x) {
  if (x.order != Order::flattened) return transposed(kernel, {1, 0});
  std::vector<int64_t> shape(x.before.begin() + 1, x.before.end());  // as Keras flattened it: positions, then channels
  shape.push_back(x.before.front());
  shape.push_back(kernel.shape()[1]);
  std::vector<size_t> order = {shape.size() - 1, shape.size() - 2};
  for (size_t i = 0; i + 2 < shape.size(); ++i) order.push_back(i);
  return transposed(kernel.reshape(shape_of(shape)), order).reshape({kernel.shape()[1], kernel.shape()[0]});
}

/// Rows of positions: a dense layer works on the last dimension of whatever it gets.
Value each_position(const nn::Dense& layer, const Value& x, const std::string& name) {
  const NodeLayer rows("Reshape", name + "/rows", [](nn::Build&, const Values& in) {
    return Values{ops::reshape(in[0], {-1, in[0].shape()[in[0].shape().rank() - 1]})};
  });
  const Value y = layer(rows(x));
  const NodeLayer back("Reshape", name + "/positions", [&x](nn::Build&, const Values& in) {
    std::vector<int64_t> dims(x.shape().begin(), x.shape().end());
    dims.front() = -1;
    dims.back() = in[0].shape()[1];
    return Values{ops::reshape(in[0], dims)};
  });
  return back(y);
}

Call dense(const LayerSpec& spec, const Variables& variables) {
  Curve curve = curve_of(spec);
  const int64_t units = spec.integer("units");
  const bool shared = spec.calls.size() > 1;
  nn::Dense layer(
      {.units = units, .activation = curve.fused(), .use_bias = spec.flag("use_bias", true), .name = spec.name});
  return [=, &spec](const Helds& in) mutable {
    // Calls that share a kernel must agree on the order of its rows.
    const Held& given = only(spec, in);
    const Held x = shared ? Held{.value = plain(given)} : given;
    const auto shape = keras_shape(x);
    if (shape.size() < 2) spec.fail("needs an input of features");
    std::vector<std::pair<std::string, Tensor>> values;
    values.emplace_back("kernel", weights_for(variables.at(0, "kernel", {shape.back(), units}), x));
    if (spec.flag("use_bias", true)) values.emplace_back("bias", variables.at(1, "bias", {units}));
    const Value y = shape.size() == 2 ? layer(x.value) : each_position(layer, plain(x), spec.name);
    fill(layer, spec, values);
    return curve.after({.value = y}, spec.name + "/activation");
  };
}

/// True for [N,C,positions...] of one channel or one position, which has one order of elements.
bool one_order(const Shape& shape) {
  return shape[1] == 1 || std::all_of(shape.begin() + 2, shape.end(), [](int64_t d) { return d == 1; });
}

/// Nothing is transposed: the value is flattened in our order of elements, and says so. A dense layer then takes its kernel in
/// that order; anything else that cares asks for Keras's.
Call flatten(const LayerSpec& spec, const Variables&) {
  const NodeLayer layer("Flatten", spec.name, [](nn::Build&, const Values& in) { return Values{ops::flatten(in[0])}; });
  return [=, &spec](const Helds& in) {
    const Held& x = only(spec, in);
    if (x.value.shape().rank() < 3) return Held{.value = layer(x.value), .order = x.order, .before = x.before};
    // Told that channels come first, Keras moves them to the end before it flattens.
    const bool ours = spec.channels_last() ? x.order == Order::moved : true;
    const Value value = spec.channels_last() ? x.value : plain(x);
    Held y{.value = layer(value)};
    if (ours && !one_order(value.shape())) {
      y.order = Order::flattened;
      y.before.assign(value.shape().begin() + 1, value.shape().end());
    }
    return y;
  };
}

}  // namespace

std::span<const KerasLayer> keras_in_dense() {
  static constexpr KerasLayer layers[] = {{"Dense", dense}, {"Flatten", flatten}};
  return layers;
}

}  // namespace ocellus::io::keras

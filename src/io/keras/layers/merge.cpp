// Layers of several inputs.
#include <algorithm>

#include <fmt/format.h>

#include <ocellus/nn/layers/add.h>
#include <ocellus/nn/layers/concat.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>

#include "io/emit.h"
#include "io/keras/layer.h"

namespace ocellus::io::keras {
namespace {

void at_least_two(const LayerSpec& spec, const Helds& in) {
  if (in.size() < 2) spec.fail(fmt::format("merges two or more inputs, is called with {}", in.size()));
}

/// Element by element, from left to right. Dimensions of one are repeated, as Keras does it.
template <class F>
Call elementwise(const LayerSpec& spec, F f) {
  const NodeLayer layer(spec.class_name, spec.name, [f](nn::Build&, const Values& in) { return Values{f(in)}; });
  return [=, &spec](const Helds& in) {
    at_least_two(spec, in);
    const size_t rank = in[0].value.shape().rank();
    for (const Held& x : in)
      if (x.value.shape().rank() != rank) spec.unsupported("merges values of different numbers of dimensions");
    const Unified all = unified(in);
    return Held{.value = layer(all.values), .order = all.order};
  };
}

template <BinaryKind Kind>
Call binary(const LayerSpec& spec, const Variables&) {
  return elementwise(spec, [](const Values& in) {
    Value y = in[0];
    for (size_t i = 1; i < in.size(); ++i) y = ops::binary(Kind, y, in[i]);
    return y;
  });
}

Call add(const LayerSpec& spec, const Variables& variables) {
  const nn::Add layer({.name = spec.name});
  return [=, &spec, other = binary<BinaryKind::add>(spec, variables)](const Helds& in) {
    at_least_two(spec, in);
    const Unified all = unified(in);
    const Shape& first = all.values.front().shape();
    if (std::ranges::any_of(all.values, [&](const Value& v) { return !(v.shape() == first); })) return other(in);
    return Held{.value = layer(all.values), .order = all.order};
  };
}

Call average(const LayerSpec& spec, const Variables&) {
  return elementwise(spec, [](const Values& in) {
    Value y = in[0];
    for (size_t i = 1; i < in.size(); ++i) y = ops::add(y, in[i]);
    return ops::affine(y, 1 / static_cast<double>(in.size()));
  });
}

Call concatenate(const LayerSpec& spec, const Variables&) {
  return [&spec, layer = std::optional<nn::Concat>()](const Helds& in) mutable {
    at_least_two(spec, in);
    const Unified all = unified(in);
    const auto rank = static_cast<int64_t>(all.values.front().shape().rank());
    int64_t axis = spec.integer("axis", -1);
    if (axis < 0) axis += rank;
    if (axis < 1 || axis >= rank) spec.unsupported("joins along a dimension that is not there");
    if (all.order == Order::moved) axis = axis == rank - 1 ? 1 : axis + 1;
    if (!layer) layer.emplace(nn::ConcatConfig{.axis = axis, .name = spec.name});
    return Held{.value = (*layer)(all.values), .order = all.order};
  };
}

/// Products of rows of features.
Call dot(const LayerSpec& spec, const Variables&) {
  if (spec.flag("normalize", false)) spec.unsupported("normalises its inputs");
  return [=, &spec](const Helds& in) {
    at_least_two(spec, in);
    if (in.size() != 2 || in[0].value.shape().rank() != 2 || in[1].value.shape().rank() != 2)
      spec.unsupported("is a product of something else than two rows of features");
    const NodeLayer layer("Dot", spec.name, [](nn::Build&, const Values& v) {
      return Values{ops::reduce_sum(ops::mul(v[0], v[1]), {.axes = {1}, .keep_dims = true})};
    });
    return Held{.value = layer(unified(in).values)};
  };
}

}  // namespace

std::span<const KerasLayer> keras_in_merge() {
  static constexpr KerasLayer layers[] = {
      {"Add", add},
      {"Subtract", binary<BinaryKind::sub>},
      {"Multiply", binary<BinaryKind::mul>},
      {"Maximum", binary<BinaryKind::max>},
      {"Minimum", binary<BinaryKind::min>},
      {"Average", average},
      {"Concatenate", concatenate},
      {"Dot", dot},
  };
  return layers;
}

}  // namespace ocellus::io::keras

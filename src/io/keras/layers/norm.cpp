// Normalisations. Keras leaves out the scale or the offset where they are not wanted; here they stay one and zero.
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include <ocellus/nn/layers/batch_norm.h>
#include <ocellus/nn/layers/group_norm.h>
#include <ocellus/nn/layers/layer_norm.h>
#include <ocellus/ops/channel_norm.h>
#include <ocellus/ops/elementwise.h>

#include "io/emit.h"
#include "io/keras/layer.h"
#include "io/tensors.h"

namespace ocellus::io::keras {
namespace {

using Arrays = std::vector<std::pair<std::string, Tensor>>;

/// The dimensions that a layer normalises, counted from the front.
std::vector<int64_t> axes_of(const LayerSpec& spec, size_t rank) {
  std::vector<int64_t> axes = spec.integers("axis");
  if (axes.empty()) axes = {-1};
  for (int64_t& axis : axes) {
    if (axis < 0) axis += static_cast<int64_t>(rank);
    if (axis < 1 || axis >= static_cast<int64_t>(rank)) spec.unsupported("normalises a dimension that is not there");
  }
  return axes;
}

/// The value with the only normalised dimension second, and whether that made it channels-first of channels-last.
std::pair<Value, bool> channels_second(const LayerSpec& spec, const Held& x) {
  const size_t rank = x.value.shape().rank();
  const auto axes = axes_of(spec, rank);
  if (axes.size() != 1) spec.unsupported("normalises several dimensions together");
  if (axes[0] == static_cast<int64_t>(rank) - 1) return {moved(x), true};
  if (axes[0] == 1) return {plain(x), false};
  spec.unsupported(fmt::format("normalises dimension {} of {}", axes[0], rank));
}

/// Gamma and beta, as far as the layer has them; gives how many it has.
size_t scale_and_offset(const LayerSpec& spec, const Variables& variables, const std::vector<int64_t>& dims,
                        Arrays& values) {
  size_t at = 0;
  if (spec.flag("scale", true)) values.emplace_back("gamma", variables.at(at++, "gamma", dims));
  if (spec.flag("center", true)) values.emplace_back("beta", variables.at(at++, "beta", dims));
  return at;
}

Call batch_norm(const LayerSpec& spec, const Variables& variables) {
  nn::BatchNorm layer(
      {.epsilon = spec.real("epsilon", 1e-3), .momentum = spec.real("momentum", 0.99), .name = spec.name});
  return [=, &spec](const Helds& in) mutable {
    const auto [x, last] = channels_second(spec, only(spec, in));
    const std::vector<int64_t> channels = {x.shape()[1]};
    Arrays values;
    const size_t at = scale_and_offset(spec, variables, channels, values);
    values.emplace_back("moving_mean", variables.at(at, "moving mean", channels));
    values.emplace_back("moving_variance", variables.at(at + 1, "moving variance", channels));
    const Value y = layer(x);
    fill(layer, spec, values);
    return leave(y, last);
  };
}

/// Over the channels of each position, or over all of a sample.
Call layer_norm(const LayerSpec& spec, const Variables& variables) {
  if (spec.flag("rms_scaling", false)) spec.unsupported("scales by the root of the mean square");
  std::optional<nn::LayerNorm> layer;
  return [=, &spec](const Helds& in) mutable {
    const Held& x = only(spec, in);
    const size_t rank = x.value.shape().rank();
    const auto axes = axes_of(spec, rank);
    const bool last = axes.size() == 1 && axes[0] == static_cast<int64_t>(rank) - 1;
    if (!last && axes.size() != rank - 1) spec.unsupported("normalises some of the dimensions");
    const bool each_position = last && x.order == Order::moved;
    const Value y = last ? (each_position ? x.value : plain(x)) : moved(x);
    const auto shape = keras_shape(x);
    const std::vector<int64_t> dims(last ? shape.end() - 1 : shape.begin() + 1, shape.end());
    Arrays values;
    scale_and_offset(spec, variables, dims, values);
    if (!last && rank > 2)
      for (auto& [name, value] : values) {
        std::vector<size_t> order = {rank - 2};
        for (size_t i = 0; i + 2 < rank; ++i) order.push_back(i);
        value = transposed(value, order);
      }
    if (!layer)
      layer.emplace(nn::LayerNormConfig{.dimensions = each_position ? 0 : static_cast<int64_t>(axes.size()),
                                        .each_position = each_position,
                                        .epsilon = spec.real("epsilon", 1e-3),
                                        .scale = spec.flag("scale", true),
                                        .shift = spec.flag("center", true),
                                        .name = spec.name});
    const Value z = (*layer)(y);
    fill(*layer, spec, values);
    return leave(z, each_position || !last);
  };
}

Call group_norm(const LayerSpec& spec, const Variables& variables) {
  const int64_t groups = spec.integer("groups", 32);
  std::optional<nn::GroupNorm> layer;
  return [=, &spec](const Helds& in) mutable {
    const auto [x, last] = channels_second(spec, only(spec, in));
    const int64_t channels = x.shape()[1];
    Arrays values;
    scale_and_offset(spec, variables, {channels}, values);
    if (!layer)
      layer.emplace(nn::GroupNormConfig{.groups = groups == -1 ? channels : groups,
                                        .epsilon = spec.real("epsilon", 1e-3),
                                        .scale = spec.flag("scale", true),
                                        .shift = spec.flag("center", true),
                                        .name = spec.name});
    const Value y = (*layer)(x);
    fill(*layer, spec, values);
    return leave(y, last);
  };
}

/// Divides each position's channels by their length.
Call unit_norm(const LayerSpec& spec, const Variables&) {
  return [&spec](const Helds& in) {
    const auto [x, last] = channels_second(spec, only(spec, in));
    const NodeLayer layer("UnitNormalization", spec.name, [](nn::Build&, const Values& v) {
      const Value ones = constant(Tensor::full(DType::f32, {v[0].shape()[1]}, 1));
      return Values{ops::l2_normalize(v[0], ones, 1e-12)};
    });
    return leave(layer(x), last);
  };
}

/// Constants [C] as something that can be broadcast along dimension 1 of x.
Value along_channels(const Tensor& t, const Value& x) {
  std::vector<int64_t> dims(x.shape().rank() - 1, 1);
  dims[0] = t.numel();
  return constant(t.reshape(shape_of(dims)));
}

/// Numbers in a setting: one, or a list that may be nested; as a vector.
Tensor numbers(const LayerSpec& spec, const std::string& key) {
  std::vector<float> all;
  const std::function<void(const nlohmann::json&, int)> collect = [&](const nlohmann::json& v, int depth) {
    if (v.is_number()) {
      all.push_back(v.get<float>());
    } else if (v.is_array() && depth < 8) {
      for (const auto& inner : v) collect(inner, depth + 1);
    } else {
      spec.fail("its " + key + " is no list of numbers");
    }
  };
  collect(spec.config.at(key), 0);
  return Tensor::of({static_cast<int64_t>(all.size())}, all);
}

/// x * scale + shift with one number for all, or one for each channel.
Held scaled(const LayerSpec& spec, const Held& held, const Tensor& scale, const Tensor& shift) {
  const Value x = moved(held);
  for (const Tensor& t : {scale, shift})
    if (t.numel() != 1 && t.numel() != x.shape()[1])
      spec.fail(fmt::format("has {} numbers for {} channels", t.numel(), x.shape()[1]));
  const NodeLayer layer(spec.class_name, spec.name, [=](nn::Build&, const Values& v) {
    if (scale.numel() == 1 && shift.numel() == 1)
      return Values{
          ops::affine(v[0], static_cast<double>(scale.as<float>()[0]), static_cast<double>(shift.as<float>()[0]))};
    return Values{ops::add(ops::mul(v[0], along_channels(scale, v[0])), along_channels(shift, v[0]))};
  });
  return leave(layer(x), true);
}

Call rescaling(const LayerSpec& spec, const Variables&) {
  return [&spec](const Helds& in) {
    const Tensor scale = spec.has("scale") ? numbers(spec, "scale") : Tensor::full(DType::f32, {1}, 1);
    const Tensor offset = spec.has("offset") ? numbers(spec, "offset") : Tensor::full(DType::f32, {1}, 0);
    return scaled(spec, only(spec, in), scale, offset);
  };
}

/// (x - mean) / max(sqrt(variance), 1e-7); what was adapted to data is an array, what was given a setting.
Call normalization(const LayerSpec& spec, const Variables& variables) {
  return [=, &spec](const Helds& in) {
    if (spec.flag("invert", false)) spec.unsupported("turns a normalisation back");
    Tensor mean = spec.has("mean") ? numbers(spec, "mean") : variables.at(0, "mean").clone();
    Tensor scale = spec.has("variance") ? numbers(spec, "variance") : variables.at(1, "variance").clone();
    mean = mean.reshape({mean.numel()});
    scale = scale.reshape({scale.numel()});
    if (mean.numel() != scale.numel()) spec.fail("has as many means as variances to have, but does not");
    for (int64_t i = 0; i < mean.numel(); ++i) {
      float& s = scale.as<float>()[static_cast<size_t>(i)];
      float& m = mean.as<float>()[static_cast<size_t>(i)];
      s = 1 / std::max(std::sqrt(s), 1e-7f);
      m = -m * s;
    }
    return scaled(spec, only(spec, in), scale, mean);
  };
}

}  // namespace

std::span<const KerasLayer> keras_in_norm() {
  static constexpr KerasLayer layers[] = {
      {"BatchNormalization", batch_norm}, {"LayerNormalization", layer_norm}, {"GroupNormalization", group_norm},
      {"UnitNormalization", unit_norm},   {"Rescaling", rescaling},           {"Normalization", normalization},
  };
  return layers;
}

}  // namespace ocellus::io::keras

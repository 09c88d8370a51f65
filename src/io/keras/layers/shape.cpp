// Layers that move, add and leave out elements.
#include <fmt/format.h>

#include <ocellus/nn/layers/resize2d.h>
#include <ocellus/nn/layers/space_pad.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/resize.h>
#include <ocellus/ops/shape.h>

#include "io/emit.h"
#include "io/keras/layer.h"
#include "io/tensors.h"

namespace ocellus::io::keras {
namespace {

/// A layer of one input that works on Keras's own order of dimensions.
Call on_plain(const LayerSpec& spec, NodeLayer::Emit emit) {
  const NodeLayer layer(spec.class_name, spec.name, std::move(emit));
  return [=, &spec](const Helds& in) { return Held{.value = layer(plain(only(spec, in)))}; };
}

Call reshape(const LayerSpec& spec, const Variables&) {
  std::vector<int64_t> dims = spec.integers("target_shape");
  for (const int64_t d : dims)
    if (d < 1 && d != -1) spec.fail("reshapes to a size below 1");
  dims.insert(dims.begin(), 0);
  return on_plain(spec, [dims](nn::Build&, const Values& in) { return Values{ops::reshape(in[0], dims)}; });
}

Call permute(const LayerSpec& spec, const Variables&) {
  std::vector<int64_t> perm = spec.integers("dims");
  perm.insert(perm.begin(), 0);
  return on_plain(spec, [perm](nn::Build&, const Values& in) { return Values{ops::transpose(in[0], perm)}; });
}

Call repeat_vector(const LayerSpec& spec, const Variables&) {
  const int64_t n = spec.integer("n");
  if (n < 1) spec.fail("repeats less than once");
  return on_plain(spec, [n](nn::Build&, const Values& in) {
    const int64_t features = in[0].shape()[1];
    return Values{ops::broadcast_to(ops::reshape(in[0], {0, 1, features}), {any_dim, n, features})};
  });
}

template <class E, class Layer>
Call zero_pad(const LayerSpec& spec, const Variables&) {
  std::vector<int64_t> before, after;
  for (const auto& [b, a] : spec.sides("padding", E::rank)) {
    before.push_back(b);
    after.push_back(a);
  }
  const Layer layer({.before = extent_of<E>(before), .after = extent_of<E>(after), .name = spec.name});
  return [=, &spec](const Helds& in) {
    return leave(layer(enter(only(spec, in), spec.channels_last())), spec.channels_last());
  };
}

template <size_t Rank>
Call crop(const LayerSpec& spec, const Variables&) {
  const auto sides = spec.sides("cropping", Rank);
  const NodeLayer layer("Cropping", spec.name, [=](nn::Build&, const Values& in) {
    Value y = in[0];
    for (size_t i = 0; i < Rank; ++i) {
      const auto axis = static_cast<int64_t>(i) + 2;
      const int64_t size = y.shape()[i + 2];
      if (sides[i].first + sides[i].second >= size)
        throw ShapeError(fmt::format("nothing is left of {} elements", size));
      y = ops::slice(y, {.axis = axis, .begin = sides[i].first, .end = size - sides[i].second});
    }
    return Values{y};
  });
  return [=, &spec](const Helds& in) {
    const Value x = enter(only(spec, in), spec.channels_last());
    if (x.shape().rank() != Rank + 2) spec.fail("needs an input of other dimensions than " + x.shape().to_string());
    return leave(layer(x), spec.channels_last());
  };
}

ResizeMode mode_of(const LayerSpec& spec, const std::string& otherwise) {
  const std::string mode = spec.text("interpolation", otherwise);
  if (mode == "nearest") return ResizeMode::nearest;
  if (mode == "bilinear") return ResizeMode::linear;
  spec.unsupported("interpolates by \"" + mode + "\"");
}

Call upsample_2d(const LayerSpec& spec, const Variables&) {
  const nn::Resize2D layer(
      {.factor = extent_of<nn::Extent>(spec, "size", 2), .mode = mode_of(spec, "nearest"), .name = spec.name});
  return [=, &spec](const Helds& in) {
    return leave(layer(enter(only(spec, in), spec.channels_last())), spec.channels_last());
  };
}

template <size_t Rank>
Call upsample(const LayerSpec& spec, const Variables&) {
  const auto factor = spec.extent("size", Rank, 2);
  const NodeLayer layer("UpSampling", spec.name, [factor](nn::Build&, const Values& in) {
    std::vector<int64_t> size = spatial(in[0].shape());
    for (size_t i = 0; i < size.size() && i < factor.size(); ++i) size[i] *= factor[i];
    return Values{ops::resize(in[0], {.size = size})};
  });
  return [=, &spec](const Helds& in) {
    return leave(layer(enter(only(spec, in), spec.channels_last())), spec.channels_last());
  };
}

Call resizing(const LayerSpec& spec, const Variables&) {
  if (spec.flag("crop_to_aspect_ratio", false) || spec.flag("pad_to_aspect_ratio", false))
    spec.unsupported("keeps the sides' ratio");
  if (spec.flag("antialias", false)) spec.unsupported("smooths before it makes smaller");
  const nn::Resize2D layer({.size = nn::Extent(spec.integer("height"), spec.integer("width")),
                            .mode = mode_of(spec, "bilinear"),
                            .name = spec.name});
  return [=, &spec](const Helds& in) {
    return leave(layer(enter(only(spec, in), spec.channels_last())), spec.channels_last());
  };
}

}  // namespace

std::span<const KerasLayer> keras_in_shape() {
  static constexpr KerasLayer layers[] = {
      {"Reshape", reshape},
      {"Permute", permute},
      {"RepeatVector", repeat_vector},
      {"ZeroPadding1D", zero_pad<nn::Extent1D, nn::ZeroPad1D>, true},
      {"ZeroPadding2D", zero_pad<nn::Extent, nn::ZeroPad2D>, true},
      {"ZeroPadding3D", zero_pad<nn::Extent3D, nn::ZeroPad3D>, true},
      {"Cropping1D", crop<1>, true},
      {"Cropping2D", crop<2>, true},
      {"Cropping3D", crop<3>, true},
      {"UpSampling1D", upsample<1>, true},
      {"UpSampling2D", upsample_2d, true},
      {"UpSampling3D", upsample<3>, true},
      {"Resizing", resizing, true},
  };
  return layers;
}

}  // namespace ocellus::io::keras

// Activations as layers.
#include <ocellus/nn/layers/prelu.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/prelu.h>

#include "io/emit.h"
#include "io/keras/curve.h"
#include "io/tensors.h"

namespace ocellus::io::keras {
namespace {

Call applied(const LayerSpec& spec, Curve curve) {
  return [=, &spec](const Helds& in) mutable { return curve.apply(only(spec, in), spec.name); };
}

Call activation(const LayerSpec& spec, const Variables&) { return applied(spec, curve_of(spec)); }

/// max_value, negative_slope and threshold: min(max(x, 0), m), or a slope where x is below the threshold.
Call relu_layer(const LayerSpec& spec, const Variables&) {
  const double slope = spec.real("negative_slope", 0), threshold = spec.real("threshold", 0);
  if (threshold != 0) spec.unsupported("has a threshold");
  if (!spec.has("max_value")) return applied(spec, slope == 0 ? Curve(relu) : Curve(leaky_relu(slope)));
  if (slope != 0) spec.unsupported("has both a slope and a largest value");
  return applied(spec, clip(0, spec.real("max_value", 0)));
}

Call leaky_relu_layer(const LayerSpec& spec, const Variables&) {
  return applied(spec, leaky_relu(spec.real("negative_slope", spec.real("alpha", 0.3))));
}

Call elu_layer(const LayerSpec& spec, const Variables&) { return applied(spec, elu(spec.real("alpha", 1))); }

Call softmax(const LayerSpec& spec, const Variables&) {
  const auto axes = spec.integers("axis");
  if (axes.size() > 1) spec.unsupported("normalises several dimensions");
  return [&spec, curve = Curve(Curve::Special::softmax), axes](const Helds& in) mutable {
    const auto rank = static_cast<int64_t>(only(spec, in).value.shape().rank());
    if (!axes.empty() && axes[0] != -1 && axes[0] != rank - 1)
      spec.unsupported("normalises another dimension than the last");
    return curve.apply(only(spec, in), spec.name);
  };
}

/// Slopes for each channel, or, where they are shared by fewer positions, for each element.
Call prelu(const LayerSpec& spec, const Variables& variables) {
  std::optional<nn::PReLU> layer;
  return [=, &spec](const Helds& in) mutable {
    const Held& x = only(spec, in);
    const auto shape = keras_shape(x);
    const Tensor& slope = variables.at(0, "slopes");
    const int64_t channels = shape.back();
    if (slope.shape().rank() + 1 != shape.size() || slope.numel() != channels ||
        slope.shape()[slope.shape().rank() - 1] != channels)
      spec.unsupported("has slopes " + slope.shape().to_string() + "; one for each channel is supported (shared_axes)");
    const Value y = moved(x);
    if (!layer) layer.emplace(nn::PReLUConfig{.name = spec.name});
    const Value z = (*layer)(y);
    fill(*layer, spec, {{"slope", slope.reshape({channels})}});
    return leave(z, true);
  };
}

}  // namespace

std::span<const KerasLayer> keras_in_activation() {
  static constexpr KerasLayer layers[] = {
      {"Activation", activation}, {"ReLU", relu_layer}, {"LeakyReLU", leaky_relu_layer},
      {"ELU", elu_layer},         {"Softmax", softmax}, {"PReLU", prelu},
  };
  return layers;
}

}  // namespace ocellus::io::keras

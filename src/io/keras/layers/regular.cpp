// Layers that act in training alone.
#include <ocellus/nn/layers/dropout.h>

#include "io/keras/layer.h"

namespace ocellus::io::keras {
namespace {

/// Whole channels or noise that Keras drops become single elements here: answers are the same, training is a little other.
Call dropout(const LayerSpec& spec, const Variables&) {
  const double rate = spec.real("rate", 0.5);
  if (rate < 0 || rate >= 1) spec.fail("drops a share that is not in [0,1)");
  const nn::Dropout layer({.rate = rate, .name = spec.name});
  return [=, &spec](const Helds& in) {
    const Held& x = only(spec, in);
    return Held{.value = layer(x.value), .order = x.order, .before = x.before};
  };
}

/// What changes images and costs while a network learns, and nothing afterwards.
Call identity(const LayerSpec& spec, const Variables&) {
  return [&spec](const Helds& in) { return only(spec, in); };
}

}  // namespace

std::span<const KerasLayer> keras_in_regular() {
  static constexpr KerasLayer layers[] = {
      {"Dropout", dropout},
      {"SpatialDropout1D", dropout},
      {"SpatialDropout2D", dropout},
      {"SpatialDropout3D", dropout},
      {"AlphaDropout", identity},
      {"GaussianDropout", identity},
      {"GaussianNoise", identity},
      {"ActivityRegularization", identity},
      {"Identity", identity},
      {"RandomFlip", identity},
      {"RandomRotation", identity},
      {"RandomZoom", identity},
      {"RandomTranslation", identity},
      {"RandomContrast", identity},
      {"RandomBrightness", identity},
  };
  return layers;
}

}  // namespace ocellus::io::keras

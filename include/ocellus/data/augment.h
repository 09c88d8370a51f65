// Random changes of training samples. An augmentation is a function object; a loader applies a list of them in order,
// with a generator that depends on (seed, epoch, sample) alone.
#pragma once

#include <functional>
#include <vector>

#include <ocellus/base/export.h>
#include <ocellus/data/dataset.h>

namespace ocellus::data {

/// Changes one sample; replaces its tensors, never writes into them.
using Augment = std::function<void(Sample&, Rng&)>;

struct MirrorConfig {
  float probability = 0.5f;
};

/// Mirrors [C,H,W] left to right with the given probability.
OCELLUS_API Augment mirror(MirrorConfig config = {});

/// What lies outside the image.
enum class Border : uint8_t { zero, reflect };

struct PadAndCropConfig {
  int pixels = 4;  ///< added on all four sides
  Border border = Border::zero;
};

/// Pads [C,H,W] and cuts a window of the old size out of it at a random place (He et al. 2015, section 4.2).
OCELLUS_API Augment pad_and_crop(PadAndCropConfig config = {});

struct NormaliseConfig {
  float scale = 1.0f / 255;                ///< for u8 input only
  std::vector<float> mean = {}, std = {};  ///< one for all channels or one each
};

/// Turns u8 or f32 [C,...] to f32: (input * scale - mean) / std. For normalisation that a model should not keep.
OCELLUS_API Augment normalise(NormaliseConfig config);

/// As a function of a whole sample, for `map`.
OCELLUS_API std::function<Sample(Sample, Rng&)> as_map(Augment augment);

}  // namespace ocellus::data

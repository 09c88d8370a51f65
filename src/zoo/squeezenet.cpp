// SqueezeNet 1.1 (Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and < 0.5 MB model size", 2016,
// in the cheaper form that its authors published later): fire modules, which squeeze the channels by 1x1 convolutions and
// expand them by 1x1 and 3x3 ones side by side. The classifier is a convolution and the mean of its maps. Caffe's names.
#include <array>

#include <fmt/format.h>

#include <ocellus/nn/layers/concat.h>
#include <ocellus/nn/layers/dropout.h>
#include <ocellus/nn/layers/global_pool.h>
#include <ocellus/nn/layers/max_pool.h>

#include "zoo/support/blocks.h"

namespace ocellus::zoo {
namespace {

Value fire(const std::string& name, int64_t squeeze, const Value& x) {
  const int64_t expand = 4 * squeeze;
  const Value y = conv({.name = name + "/squeeze1x1", .filters = squeeze, .kernel = 1}, x);
  return nn::Concat({.name = name + "/concat"})({conv({.name = name + "/expand1x1", .filters = expand, .kernel = 1}, y),
                                                 conv({.name = name + "/expand3x3", .filters = expand}, y)});
}

Model squeezenet(const ZooConfig& config) {
  constexpr std::array<int64_t, 8> squeezes = {16, 16, 32, 32, 48, 48, 64, 64};
  const auto pool = [](const char* name) {
    return nn::MaxPool2D({.size = 3, .stride = 2, .ceil_mode = true, .name = name});
  };
  const Value x = nn::input(input_or(config, {3, 224, 224}));
  Value y = nn::Conv2D({.filters = 64,
                        .kernel = 3,
                        .stride = 2,
                        .activation = relu,
                        .kernel_initialiser = nn::he_normal(),
                        .name = "conv1"})(x);
  y = pool("pool1")(y);
  for (int module = 2; module <= 9; ++module) {
    y = fire(fmt::format("fire{}", module), squeezes[static_cast<size_t>(module - 2)], y);
    if (module == 3) y = pool("pool3")(y);
    if (module == 5) y = pool("pool5")(y);
  }
  y = nn::Dropout({.rate = 0.5, .name = "drop9"})(y);
  y = conv({.name = "conv10", .filters = classes_or(config, 1000), .kernel = 1}, y);
  y = nn::GlobalAveragePool2D({.name = "pool10"})(y);
  return Model({x}, {y}, {.name = "squeezenet", .seed = config.seed});
}

/// The authors' rate and decay, for batches of 512, fall linearly; the cosine comes near to that.
Preset usual() {
  Preset preset = imagenet_preset({.lr = 0.02, .weight_decay = 2e-4, .epochs = 68});
  preset.schedule = schedule::Cosine();
  return preset;
}

}  // namespace

std::span<const Entry> zoo_in_squeezenet() {
  static constexpr std::array entries = {
      Entry{"squeezenet", "SqueezeNet 1.1 (Iandola et al. 2016): 1,235,496 parameters", squeezenet, usual},
  };
  return entries;
}

}  // namespace ocellus::zoo

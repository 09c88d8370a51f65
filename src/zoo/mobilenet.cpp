// MobileNet (Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications", 2017, table 1):
// thirteen times a 3x3 convolution of each channel alone and a 1x1 convolution across channels. The number behind the name
// multiplies the filters of every layer. As in the authors' program and in Keras, rectifiers end at 6, and windows with stride 2
// have their odd padding at the end. Keras's names: its kernel conv_dw_3 is conv_dw_3/kernel here, [channels,1,3,3].
#include <array>

#include <fmt/format.h>

#include <ocellus/nn/layers/activation.h>
#include <ocellus/nn/layers/batch_norm.h>
#include <ocellus/nn/layers/dense.h>
#include <ocellus/nn/layers/dropout.h>
#include <ocellus/nn/layers/global_pool.h>

#include "zoo/support/blocks.h"

namespace ocellus::zoo {
namespace {

/// Convolution without bias, batch norm with Keras's constants, ReLU6.
Value unit(nn::Conv2DConfig config, const Value& x) {
  const std::string name = config.name;
  config.padding = same;
  config.use_bias = false;
  config.kernel_initialiser = nn::he_normal();
  const Value y = nn::BatchNorm({.name = name + "_bn"})(nn::Conv2D(std::move(config))(x));
  return nn::Activation(relu6, name + "_relu")(y);
}

struct Block {
  int64_t filters, stride;
};
constexpr std::array<Block, 13> blocks = {{{64, 1},
                                           {128, 2},
                                           {128, 1},
                                           {256, 2},
                                           {256, 1},
                                           {512, 2},
                                           {512, 1},
                                           {512, 1},
                                           {512, 1},
                                           {512, 1},
                                           {512, 1},
                                           {1024, 2},
                                           {1024, 1}}};

/// `quarters`: four times the width multiplier.
Model mobilenet(const char* name, int64_t quarters, const ZooConfig& config) {
  const Value x = nn::input(input_or(config, {3, 224, 224}));
  Value y = unit({.filters = 32 * quarters / 4, .kernel = 3, .stride = 2, .name = "conv1"}, x);
  for (size_t i = 0; i < blocks.size(); ++i) {
    const int64_t channels = y.shape()[1];
    y = unit({.filters = channels,
              .kernel = 3,
              .stride = blocks[i].stride,
              .groups = channels,
              .name = fmt::format("conv_dw_{}", i + 1)},
             y);
    y = unit({.filters = blocks[i].filters * quarters / 4, .kernel = 1, .name = fmt::format("conv_pw_{}", i + 1)}, y);
  }
  y = nn::GlobalAveragePool2D({.name = "global_average_pooling2d"})(y);
  y = nn::Dropout({.rate = 1e-3, .name = "dropout"})(y);
  y = nn::Dense({.units = classes_or(config, 1000), .name = "conv_preds"})(y);
  return Model({x}, {y}, {.name = name, .seed = config.seed});
}

Model full(const ZooConfig& config) { return mobilenet("mobilenet", 4, config); }
Model three_quarters(const ZooConfig& config) { return mobilenet("mobilenet-0.75", 3, config); }
Model half(const ZooConfig& config) { return mobilenet("mobilenet-0.5", 2, config); }
Model quarter(const ZooConfig& config) { return mobilenet("mobilenet-0.25", 1, config); }

/// Inputs are in [-1, 1].
Preset usual() {
  Preset preset = imagenet_preset({.weight_decay = 4e-5});
  preset.schedule = schedule::Cosine();
  preset.preprocess.mean = preset.preprocess.std = {0.5f};
  return preset;
}

}  // namespace

std::span<const Entry> zoo_in_mobilenet() {
  static constexpr std::array entries = {
      Entry{"mobilenet", "MobileNet v1 (Howard et al. 2017): 4,231,976 trainable parameters", full, usual},
      Entry{"mobilenet-0.75", "MobileNet v1 of three quarters of the width", three_quarters, usual},
      Entry{"mobilenet-0.5", "MobileNet v1 of half the width", half, usual},
      Entry{"mobilenet-0.25", "MobileNet v1 of a quarter of the width: 470,072 trainable parameters", quarter, usual},
  };
  return entries;
}

}  // namespace ocellus::zoo

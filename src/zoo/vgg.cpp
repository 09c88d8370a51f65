// VGG (Simonyan & Zisserman, "Very deep convolutional networks for large-scale image recognition", 2014, table 1, columns D
// and E): 3x3 convolutions throughout, five maximum poolings, three dense layers. Named as in Keras, with scopes: its
// block3_conv2 is block3/conv2 here, which is convolution 2 of the third group of torchvision's "features".
#include <array>

#include <fmt/format.h>

#include <ocellus/nn/layers/dense.h>
#include <ocellus/nn/layers/dropout.h>
#include <ocellus/nn/layers/flatten.h>
#include <ocellus/nn/layers/max_pool.h>

#include "zoo/support/blocks.h"

namespace ocellus::zoo {
namespace {

/// The column of the table with this many convolutions in each of the last three blocks.
template <int deep>
Model vgg(const ZooConfig& config) {
  constexpr std::array<int, 5> convolutions = {2, 2, deep, deep, deep};
  constexpr std::array<int64_t, 5> filters = {64, 128, 256, 512, 512};
  const Value x = nn::input(input_or(config, {3, 224, 224}));
  Value y = x;
  for (size_t block = 0; block < 5; ++block) {
    const std::string scope = fmt::format("block{}", block + 1);
    for (int i = 1; i <= convolutions[block]; ++i)
      y = conv({.name = fmt::format("{}/conv{}", scope, i), .filters = filters[block]}, y);
    y = nn::MaxPool2D({.size = 2, .name = scope + "/pool"})(y);
  }
  y = nn::Flatten("flatten")(y);
  for (const std::string name : {"fc1", "fc2"}) {
    y = nn::Dense({.units = 4096, .activation = relu, .kernel_initialiser = nn::he_uniform(), .name = name})(y);
    y = nn::Dropout({.rate = 0.5, .name = name + "_dropout"})(y);
  }
  y = nn::Dense({.units = classes_or(config, 1000), .name = "predictions"})(y);
  return Model({x}, {y}, {.name = fmt::format("vgg{}", 7 + 3 * deep), .seed = config.seed});
}

Preset usual() { return imagenet_preset({.lr = 0.01, .weight_decay = 5e-4, .epochs = 74}); }

}  // namespace

std::span<const Entry> zoo_in_vgg() {
  static constexpr std::array entries = {
      Entry{"vgg16", "VGG of 16 layers (Simonyan & Zisserman 2014): 138,357,544 parameters", vgg<3>, usual},
      Entry{"vgg19", "VGG of 19 layers (Simonyan & Zisserman 2014): 143,667,240 parameters", vgg<4>, usual},
  };
  return entries;
}

}  // namespace ocellus::zoo

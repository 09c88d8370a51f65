// AlexNet (Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks", 2012): as published,
// where two of its groups once lived on two graphics cards; without the groups; and the smaller form for one card
// (Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014), which is torchvision's. The paper
// speaks of 224x224 inputs, but its first layer needs 227 without padding. Caffe's names.
#include <array>

#include <ocellus/nn/layers/dense.h>
#include <ocellus/nn/layers/dropout.h>
#include <ocellus/nn/layers/flatten.h>
#include <ocellus/nn/layers/local_response_norm.h>
#include <ocellus/nn/layers/max_pool.h>

#include "zoo/support/blocks.h"

namespace ocellus::zoo {
namespace {

Value pool(const char* name, const Value& x) { return nn::MaxPool2D({.size = 3, .stride = 2, .name = name})(x); }

/// The paper's start: small kernels, and biases of 1 where a layer's rectifiers should begin awake.
struct Start {
  float deviation, bias;
};

/// Three dense layers.
Value classifier(const Start& start, int64_t classes, const Value& x) {
  Value y = nn::Flatten("flatten")(x);
  for (const std::string number : {"6", "7"}) {
    y = nn::Dense({.units = 4096,
                   .activation = relu,
                   .kernel_initialiser = nn::normal({.deviation = start.deviation}),
                   .bias_initialiser = nn::constant(start.bias),
                   .name = "fc" + number})(y);
    y = nn::Dropout({.rate = 0.5, .name = "drop" + number})(y);
  }
  return nn::Dense({.units = classes, .kernel_initialiser = nn::normal({.deviation = start.deviation}), .name = "fc8"})(
      y);
}

Model published(const char* name, int64_t groups, const ZooConfig& config) {
  const auto conv = [](const char* layer, int64_t filters, int64_t kernel, int64_t parts, float bias) {
    const bool first = kernel == 11;
    return nn::Conv2D({.filters = filters,
                       .kernel = kernel,
                       .stride = first ? 4 : 1,
                       .padding = first ? Padding(valid) : half_padding(kernel),
                       .groups = parts,
                       .activation = relu,
                       .kernel_initialiser = nn::normal({.deviation = 0.01f}),
                       .bias_initialiser = nn::constant(bias),
                       .name = layer});
  };
  const Value x = nn::input(input_or(config, {3, 227, 227}));
  Value y = conv("conv1", 96, 11, 1, 0)(x);
  y = pool("pool1", nn::LocalResponseNorm({.name = "norm1"})(y));
  y = conv("conv2", 256, 5, groups, 1)(y);
  y = pool("pool2", nn::LocalResponseNorm({.name = "norm2"})(y));
  y = conv("conv3", 384, 3, 1, 0)(y);
  y = conv("conv4", 384, 3, groups, 1)(y);
  y = pool("pool5", conv("conv5", 256, 3, groups, 1)(y));
  y = classifier({.deviation = 0.01f, .bias = 1}, classes_or(config, 1000), y);
  return Model({x}, {y}, {.name = name, .seed = config.seed});
}

Model grouped(const ZooConfig& config) { return published("alexnet", 2, config); }
Model ungrouped(const ZooConfig& config) { return published("alexnet-ungrouped", 1, config); }

Model one_card(const ZooConfig& config) {
  const Value x = nn::input(input_or(config, {3, 224, 224}));
  Value y = nn::Conv2D({.filters = 64,
                        .kernel = 11,
                        .stride = 4,
                        .padding = Padding(2),
                        .activation = relu,
                        .kernel_initialiser = nn::he_normal(),
                        .name = "conv1"})(x);
  y = pool("pool1", y);
  y = pool("pool2", conv({.name = "conv2", .filters = 192, .kernel = 5}, y));
  y = conv({.name = "conv3", .filters = 384}, y);
  y = conv({.name = "conv4", .filters = 256}, y);
  y = pool("pool5", conv({.name = "conv5", .filters = 256}, y));
  y = classifier({.deviation = 0.01f, .bias = 0}, classes_or(config, 1000), y);
  return Model({x}, {y}, {.name = "alexnet-one-card", .seed = config.seed});
}

/// The rate falls to a tenth when the validation stops improving (section 5; the authors did it by hand, three times).
Preset usual() {
  Preset preset = imagenet_preset({.lr = 0.02, .weight_decay = 5e-4});  // 0.01 for batches of 128
  preset.schedule = schedule::Plateau({.patience = 5});
  return preset;
}

}  // namespace

std::span<const Entry> zoo_in_alexnet() {
  static constexpr std::array entries = {
      Entry{"alexnet", "AlexNet as published, in two groups (Krizhevsky et al. 2012): 60,965,224 parameters", grouped,
            usual},
      Entry{"alexnet-ungrouped", "AlexNet without groups: 62,378,344 parameters", ungrouped, usual},
      Entry{"alexnet-one-card", "the AlexNet of torchvision (Krizhevsky 2014): 61,100,840 parameters", one_card, usual},
  };
  return entries;
}

}  // namespace ocellus::zoo

#include "zoo/support/blocks.h"

#include <ocellus/nn/layers/batch_norm.h>

namespace ocellus::zoo {

Padding half_padding(const nn::Extent& kernel) {
  const std::vector<int64_t> half = {kernel.height / 2, kernel.width / 2};
  return Padding(half, half);
}

namespace {

nn::Conv2D layer(const Unit& unit, bool bias) {
  return nn::Conv2D({.filters = unit.filters,
                     .kernel = unit.kernel,
                     .stride = unit.stride,
                     .padding = half_padding(unit.kernel),
                     .activation = bias ? unit.activation : linear,
                     .use_bias = bias,
                     .kernel_initialiser = unit.kernel_initialiser,
                     .bias_initialiser = nn::constant(unit.bias),
                     .name = unit.name});
}

}  // namespace

Value conv(const Unit& unit, const Value& x) { return layer(unit, true)(x); }

Value conv_norm(const Unit& unit, const Value& x) {
  return nn::BatchNorm({.epsilon = 1e-5,
                        .momentum = 0.9,
                        .unbiased_variance = true,
                        .activation = unit.activation,
                        .name = unit.name + "_bn"})(layer(unit, false)(x));
}

void cifar_data(Preset& preset) {
  preset.augment = {data::pad_and_crop({.pixels = 4}), data::mirror()};
  preset.augment_text = "pad and crop by 4, mirror";
  preset.preprocess.mean = {0.4914f, 0.4822f, 0.4465f};
  preset.preprocess.std = {0.2470f, 0.2435f, 0.2616f};
}

Preset imagenet_preset(const ImageNetTraining& training) {
  constexpr int64_t batch = 32;
  Preset preset = {.optimizer = optim::SGD(
                       {.lr = training.lr * batch / 256, .momentum = 0.9, .weight_decay = training.weight_decay}),
                   .schedule = schedule::Step({.every = training.every}),
                   .batch = batch,
                   .epochs = training.epochs,
                   .augment = {data::pad_and_crop({.pixels = 16, .border = data::Border::reflect}), data::mirror()},
                   .augment_text = "pad and crop by 16, mirror"};
  preset.preprocess.resize = data::ResizeRule::crop;
  preset.preprocess.mean = {0.485f, 0.456f, 0.406f};
  preset.preprocess.std = {0.229f, 0.224f, 0.225f};
  return preset;
}

}  // namespace ocellus::zoo

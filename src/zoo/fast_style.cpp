// Fast style transfer (Johnson, Alahi, Fei-Fei, "Perceptual losses for real-time style transfer and super-resolution", 2016, with
// the instance normalisation of Ulyanov et al. 2016), in the form of the widespread TensorFlow program: three convolutions down,
// five residual blocks, three up. Images are 0 to 255 on both sides.
#include <array>

#include <fmt/format.h>

#include <ocellus/nn/layers/activation.h>
#include <ocellus/nn/layers/add.h>
#include <ocellus/nn/layers/conv_transpose.h>
#include <ocellus/nn/layers/instance_norm.h>
#include <ocellus/ops/elementwise.h>

#include "zoo/support/blocks.h"

namespace ocellus::zoo {
namespace {

struct Step {
  std::string name;
  int64_t filters = 0, kernel = 3, stride = 1;
  bool rectified = true;
};

Value normalised(const Step& step, const Value& x) {
  const Value y = nn::InstanceNorm({.epsilon = 1e-3, .name = step.name + "_norm"})(x);
  return step.rectified ? nn::Activation(relu, step.name + "_relu")(y) : y;
}

Value down(const Step& step, const Value& x) {
  return normalised(step, nn::Conv2D({.filters = step.filters,
                                      .kernel = step.kernel,
                                      .stride = step.stride,
                                      .padding = same,
                                      .use_bias = false,
                                      .kernel_initialiser = nn::he_normal(),
                                      .name = step.name})(x));
}

Value up(const Step& step, const Value& x) {
  return normalised(step, nn::Conv2DTranspose({.filters = step.filters,
                                               .kernel = step.kernel,
                                               .stride = step.stride,
                                               .padding = same,
                                               .use_bias = false,
                                               .name = step.name})(x));
}

Model fast_style(const ZooConfig& config) {
  const Value x = nn::input(input_or(config, {3, 256, 256}));
  Value y = down({.name = "conv1", .filters = 32, .kernel = 9}, x);
  y = down({.name = "conv2", .filters = 64, .stride = 2}, y);
  y = down({.name = "conv3", .filters = 128, .stride = 2}, y);
  for (int block = 1; block <= 5; ++block) {
    const std::string name = fmt::format("residual{}", block);
    const Value z = down({.name = name + "/conv1", .filters = 128}, y);
    y = nn::Add({.name = name + "/add"})({y, down({.name = name + "/conv2", .filters = 128, .rectified = false}, z)});
  }
  y = up({.name = "up1", .filters = 64, .stride = 2}, y);
  y = up({.name = "up2", .filters = 32, .stride = 2}, y);
  y = down({.name = "output", .filters = 3, .kernel = 9, .rectified = false}, y);
  constexpr Activation wide_tanh{ActivationKind::tanh, 1, 150};
  y = ops::affine(nn::Activation(wide_tanh, "tanh")(y), 1, 127.5);
  return Model({x}, {y}, {.name = "fast-style", .seed = config.seed});
}

/// What the picture is compared with is for the caller to choose.
Preset usual() {
  Preset preset = {.optimizer = optim::Adam({.lr = 1e-3}), .batch = 4, .epochs = 2, .loss = {}};
  preset.preprocess.resize = data::ResizeRule::crop;
  preset.preprocess.scale = 1;
  return preset;
}

}  // namespace

std::span<const Entry> zoo_in_fast_style() {
  static constexpr std::array entries = {
      Entry{"fast-style", "fast style transfer (Johnson et al. 2016): pictures to pictures", fast_style, usual},
  };
  return entries;
}

}  // namespace ocellus::zoo

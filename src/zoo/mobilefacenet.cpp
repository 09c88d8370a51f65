// MobileFaceNet (Chen et al., "MobileFaceNets: efficient CNNs for accurate real-time face verification on mobile devices", 2018,
// table 1): inverted residuals with slopes that are learnt, and at the end a depthwise convolution over all positions instead of a
// mean. Gives an embedding; faces are compared by its direction. Layers are called as in the widespread MXNet form.
#include <array>

#include <fmt/format.h>

#include <ocellus/nn/layers/add.h>
#include <ocellus/nn/layers/batch_norm.h>
#include <ocellus/nn/layers/dense.h>
#include <ocellus/nn/layers/flatten.h>
#include <ocellus/nn/layers/prelu.h>

#include "zoo/support/blocks.h"

namespace ocellus::zoo {
namespace {

struct Step {
  std::string name;
  int64_t filters = 0, kernel = 1, stride = 1, groups = 1;
  bool slope = true;
};

/// Convolution without bias, batch norm, and unless it ends a block a PReLU.
Value unit(const Step& step, const Value& x) {
  Value y = nn::Conv2D({.filters = step.filters,
                        .kernel = step.kernel,
                        .stride = step.stride,
                        .padding = step.kernel == 3 ? Padding(1) : Padding(valid),
                        .groups = step.groups,
                        .use_bias = false,
                        .kernel_initialiser = nn::he_normal(),
                        .name = step.name})(x);
  y = nn::BatchNorm({.momentum = 0.9, .name = step.name + "_bn"})(y);
  return step.slope ? nn::PReLU({.name = step.name + "_relu"})(y) : y;
}

struct Bottleneck {
  std::string name;
  int64_t between, filters, stride;
};

Value bottleneck(const Bottleneck& b, const Value& x) {
  Value y = unit({.name = b.name + "/conv_sep", .filters = b.between}, x);
  y = unit({.name = b.name + "/conv_dw", .filters = b.between, .kernel = 3, .stride = b.stride, .groups = b.between},
           y);
  return unit({.name = b.name + "/conv_proj", .filters = b.filters, .slope = false}, y);
}

Value residuals(const std::string& name, int64_t blocks, int64_t between, const Value& x) {
  Value y = x;
  for (int64_t i = 0; i < blocks; ++i) {
    const std::string block = fmt::format("{}/block{}", name, i);
    y = nn::Add({.name = block + "/add"})({bottleneck({block, between, x.shape()[1], 1}, y), y});
  }
  return y;
}

Model mobilefacenet(const ZooConfig& config) {
  const Value x = nn::input(input_or(config, {3, 112, 112}));
  Value y = unit({.name = "conv_1", .filters = 64, .kernel = 3, .stride = 2}, x);
  y = unit({.name = "conv_2_dw", .filters = 64, .kernel = 3, .groups = 64}, y);
  y = residuals("res_3", 4, 128, bottleneck({"dconv_23", 128, 64, 2}, y));
  y = residuals("res_4", 6, 256, bottleneck({"dconv_34", 256, 128, 2}, y));
  y = residuals("res_5", 2, 256, bottleneck({"dconv_45", 512, 128, 2}, y));
  y = unit({.name = "conv_6sep", .filters = 512}, y);
  const nn::Extent all(y.shape()[2], y.shape()[3]);
  y = nn::Conv2D({.filters = 512, .kernel = all, .groups = 512, .use_bias = false, .name = "conv_6dw"})(y);
  y = nn::BatchNorm({.momentum = 0.9, .name = "conv_6dw_bn"})(y);
  y = nn::Dense({.units = classes_or(config, 128), .name = "fc1"})(nn::Flatten("flatten")(y));
  y = nn::BatchNorm({.epsilon = 2e-5, .momentum = 0.9, .name = "fc1_bn"})(y);
  return Model({x}, {y}, {.name = "mobilefacenet", .seed = config.seed});
}

/// Faces are aligned and in [-1, 1), (x - 127.5) / 128. What pulls embeddings apart is for the caller to choose.
Preset usual() {
  Preset preset = {.optimizer = optim::SGD({.lr = 0.1, .momentum = 0.9, .weight_decay = 4e-5}),
                   .schedule = schedule::Cosine(),
                   .batch = 64,
                   .epochs = 30,
                   .augment = {data::mirror()},
                   .augment_text = "mirror",
                   .loss = {}};
  preset.preprocess.resize = data::ResizeRule::crop;
  preset.preprocess.mean = {0.5f};
  preset.preprocess.std = {128.0f / 255};
  return preset;
}

}  // namespace

std::span<const Entry> zoo_in_mobilefacenet() {
  static constexpr std::array entries = {
      Entry{"mobilefacenet", "MobileFaceNet (Chen et al. 2018): embeddings of aligned faces", mobilefacenet, usual},
  };
  return entries;
}

}  // namespace ocellus::zoo

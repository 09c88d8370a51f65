// YOLOv2 for 608x608 (Redmon & Farhadi, "YOLO9000: better, faster, stronger", 2016): Darknet-19 without its classifier, three
// more convolutions, and a passthrough that brings the finer map of convolution 13 to the coarse one as blocks of 2x2.
// Layers have the names that Keras gave them in the table of a widely used set of course notes, which calls the passthrough
// space_to_depth; the order of elements is darknet's [reorg], for which its weights were trained, and which differs.
#include <array>

#include <fmt/format.h>

#include <ocellus/nn/layers/activation.h>
#include <ocellus/nn/layers/batch_norm.h>
#include <ocellus/nn/layers/concat.h>
#include <ocellus/nn/layers/max_pool.h>
#include <ocellus/nn/layers/space_to_depth.h>

#include "zoo/support/blocks.h"

namespace ocellus::zoo {
namespace {

/// Convolution without bias, batch norm with darknet's constants, LeakyReLU: three rows of the table.
Value unit(int number, int64_t filters, int64_t kernel, const Value& x) {
  Value y = nn::Conv2D({.filters = filters,
                        .kernel = kernel,
                        .padding = half_padding(kernel),
                        .use_bias = false,
                        .kernel_initialiser = nn::he_normal(),
                        .name = fmt::format("conv2d_{}", number)})(x);
  y = nn::BatchNorm({.epsilon = 1e-5,
                     .momentum = 0.99,
                     .unbiased_variance = true,
                     .name = fmt::format("batch_normalization_{}", number)})(y);
  return nn::Activation(leaky_relu(0.1), fmt::format("leaky_re_lu_{}", number))(y);
}

/// Darknet-19's convolutions, those of a stage between two poolings: 3x3 with `filters`, 1x1 with half as many, in turn.
struct Stage {
  int64_t filters;
  int convolutions;
};
constexpr std::array<Stage, 6> darknet19 = {{{32, 1}, {64, 1}, {128, 3}, {256, 3}, {512, 5}, {1024, 5}}};

constexpr int64_t anchors = 5, box_numbers = 5;  // x, y, width, height, objectness

Model yolov2(const ZooConfig& config) {
  const Value x = nn::input(input_or(config, {3, 608, 608}), "input_1");
  Value y = x, fine;
  int number = 1;
  for (size_t stage = 0; stage < darknet19.size(); ++stage) {
    if (stage > 0) {
      fine = y;
      y = nn::MaxPool2D({.size = 2, .name = fmt::format("max_pooling2d_{}", stage)})(y);
    }
    for (int i = 0; i < darknet19[stage].convolutions; ++i, ++number)
      y = unit(number, darknet19[stage].filters / (i % 2 == 0 ? 1 : 2), i % 2 == 0 ? 3 : 1, y);
  }
  y = unit(19, 1024, 3, y);
  y = unit(20, 1024, 3, y);
  fine = unit(21, 64, 1, fine);
  fine = nn::SpaceToDepth({.block = 2, .order = BlockOrder::darknet, .name = "space_to_depth_x2"})(fine);
  y = nn::Concat({.name = "concatenate_1"})({fine, y});
  y = unit(22, 1024, 3, y);
  y = nn::Conv2D({.filters = anchors * (box_numbers + classes_or(config, 80)), .kernel = 1, .name = "conv2d_23"})(y);
  return Model({x}, {y}, {.name = "yolov2", .seed = config.seed});
}

/// The paper's optimiser and schedule. The loss needs boxes, and is the detector's to give.
Preset detection() {
  Preset preset = {.optimizer = optim::SGD({.lr = 1e-3, .momentum = 0.9, .weight_decay = 5e-4}),
                   .schedule = schedule::Warmup({.epochs = 1, .then = schedule::MultiStep({.epochs = {60, 90}})}),
                   .batch = 64,
                   .epochs = 160,
                   .loss = {}};
  preset.preprocess.resize = data::ResizeRule::letterbox;
  preset.preprocess.border = 0.5f;
  return preset;
}

}  // namespace

std::span<const Entry> zoo_in_yolo() {
  static constexpr std::array entries = {
      Entry{"yolov2", "YOLOv2 for 608x608 and 80 classes (Redmon & Farhadi 2016): 50,962,889 trainable parameters",
            yolov2, detection},
  };
  return entries;
}

}  // namespace ocellus::zoo

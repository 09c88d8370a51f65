// Residual networks for 32x32 images (He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2015, section 4.2):
// 6n+2 layers in three stages of n basic blocks with 16, 32 and 64 filters. Shortcuts have no parameters (option A): where a
// stage begins they take every second pixel and add channels of zeros, as many in front as behind.
#include <array>

#include <fmt/format.h>

#include <ocellus/nn/layers/add.h>
#include <ocellus/nn/layers/average_pool.h>
#include <ocellus/nn/layers/dense.h>
#include <ocellus/nn/layers/global_pool.h>
#include <ocellus/nn/layers/pad.h>

#include "zoo/support/blocks.h"

namespace ocellus::zoo {
namespace {

struct Block {
  std::string name;
  int64_t filters, stride;
};

Value residual(const Block& block, const Value& x) {
  Value y = conv_norm({.name = block.name + "/conv1", .filters = block.filters, .stride = block.stride}, x);
  y = conv_norm({.name = block.name + "/conv2", .filters = block.filters, .activation = linear}, y);
  Value shortcut = x;
  if (block.stride != 1)
    shortcut = nn::AveragePool2D({.size = 1, .stride = block.stride, .name = block.name + "/subsample"})(shortcut);
  if (const int64_t missing = block.filters - x.shape()[1]; missing > 0)
    shortcut = nn::Pad({.before = {missing / 2, 0, 0}, .after = {missing - missing / 2, 0, 0}, .name = block.name + "/pad"})(shortcut);
  return nn::Add({.activation = relu, .name = block.name + "/add"})({y, shortcut});
}

template <int depth>
Model resnet(const ZooConfig& config) {
  static_assert(depth % 6 == 2);
  const Value x = nn::input(input_or(config, {3, 32, 32}));
  Value y = conv_norm({.name = "conv1", .filters = 16}, x);
  for (int stage = 1; stage <= 3; ++stage)
    for (int b = 1; b <= (depth - 2) / 6; ++b)
      y = residual({fmt::format("stage{}/block{}", stage, b), int64_t{8} << stage, stage > 1 && b == 1 ? 2 : 1}, y);
  y = nn::GlobalAveragePool2D({.name = "pool"})(y);
  y = nn::Dense({.units = classes_or(config, 10), .name = "dense"})(y);
  return Model({x}, {y}, {.name = fmt::format("resnet{}", depth), .seed = config.seed});
}

/// 64,000 updates of 128 samples are 164 epochs of CIFAR-10's 50,000 (45,000 in the paper, for 182); the rate falls after
/// 32,000 and 48,000.
Preset preset_for(double warmup_epochs) {
  Handle<schedule::Schedule> schedule = schedule::MultiStep({.epochs = {82, 123}});
  if (warmup_epochs > 0) schedule = schedule::Warmup({.epochs = warmup_epochs, .start_factor = 0.1, .then = schedule});
  Preset preset = {.optimizer = optim::SGD({.lr = 0.1, .momentum = 0.9, .weight_decay = 1e-4}),
                   .schedule = schedule,
                   .batch = 128,
                   .epochs = 164};
  cifar_data(preset);
  return preset;
}

Preset usual() { return preset_for(0); }
Preset with_warmup() { return preset_for(1); }

}  // namespace

std::span<const Entry> zoo_in_resnet_cifar() {
  static constexpr std::array entries = {
      Entry{"resnet20", "ResNet of 20 layers for CIFAR (He et al. 2015): 269,722 trainable parameters", resnet<20>, usual},
      Entry{"resnet32", "ResNet of 32 layers for CIFAR (He et al. 2015)", resnet<32>, usual},
      Entry{"resnet44", "ResNet of 44 layers for CIFAR (He et al. 2015)", resnet<44>, usual},
      Entry{"resnet56", "ResNet of 56 layers for CIFAR (He et al. 2015)", resnet<56>, usual},
      Entry{"resnet110", "ResNet of 110 layers for CIFAR (He et al. 2015)", resnet<110>, with_warmup},
  };
  return entries;
}

}  // namespace ocellus::zoo

// Network in network for 32x32 colour images (Lin, Chen, Yan, "Network in network", 2013): three convolutions, each followed by
// two 1x1 convolutions, which are a small dense network at every position; the classifier is the mean of each class's map. The
// widths are those that the authors published for Caffe, where the names come from.
#include <array>

#include <ocellus/nn/layers/average_pool.h>
#include <ocellus/nn/layers/dropout.h>
#include <ocellus/nn/layers/global_pool.h>
#include <ocellus/nn/layers/max_pool.h>

#include "zoo/support/blocks.h"

namespace ocellus::zoo {
namespace {

Model nin(const ZooConfig& config) {
  const auto dense = [](const char* name, int64_t filters, const Value& x) {
    return conv({.name = name, .filters = filters, .kernel = 1}, x);
  };
  const Value x = nn::input(input_or(config, {3, 32, 32}));
  Value y = conv({.name = "conv1", .filters = 192, .kernel = 5}, x);
  y = dense("cccp2", 96, dense("cccp1", 160, y));
  y = nn::MaxPool2D({.size = 3, .stride = 2, .ceil_mode = true, .name = "pool1"})(y);
  y = nn::Dropout({.rate = 0.5, .name = "drop3"})(y);
  y = conv({.name = "conv2", .filters = 192, .kernel = 5}, y);
  y = dense("cccp4", 192, dense("cccp3", 192, y));
  y = nn::AveragePool2D({.size = 3, .stride = 2, .ceil_mode = true, .name = "pool2"})(y);
  y = nn::Dropout({.rate = 0.5, .name = "drop6"})(y);
  y = conv({.name = "conv3", .filters = 192}, y);
  y = dense("cccp6", classes_or(config, 10), dense("cccp5", 192, y));
  y = nn::GlobalAveragePool2D({.name = "pool3"})(y);
  return Model({x}, {y}, {.name = "nin", .seed = config.seed});
}

Preset usual() {
  Preset preset = {.optimizer = optim::SGD({.lr = 0.01, .momentum = 0.9, .weight_decay = 1e-4}),
                   .schedule = schedule::Warmup({.epochs = 1, .then = schedule::Cosine()}),
                   .batch = 128,
                   .epochs = 120};
  cifar_data(preset);
  return preset;
}

}  // namespace

std::span<const Entry> zoo_in_nin() {
  static constexpr std::array entries = {
      Entry{"nin", "network in network for CIFAR (Lin et al. 2013): 966,986 parameters", nin, usual},
  };
  return entries;
}

}  // namespace ocellus::zoo

// GoogLeNet (Szegedy et al., "Going deeper with convolutions", 2014, table 1), without its two auxiliary classifiers, which
// count in training only. An inception module looks at its input through 1x1, 3x3 and 5x5 windows and a maximum, with 1x1
// convolutions that keep the cost down. Names, true 5x5 convolutions, response normalisation and pooling windows that hang
// over the edge are Caffe's; torchvision has 3x3 where 5x5 is called for, and batch norm.
#include <array>

#include <ocellus/nn/layers/concat.h>
#include <ocellus/nn/layers/dense.h>
#include <ocellus/nn/layers/dropout.h>
#include <ocellus/nn/layers/global_pool.h>
#include <ocellus/nn/layers/local_response_norm.h>
#include <ocellus/nn/layers/max_pool.h>

#include "zoo/support/blocks.h"

namespace ocellus::zoo {
namespace {

/// A row of the table: filters of each convolution.
struct Inception {
  const char* name;
  int64_t one, three_reduce, three, five_reduce, five, projection;
};

constexpr std::array<Inception, 9> modules = {{{"3a", 64, 96, 128, 16, 32, 32},
                                               {"3b", 128, 128, 192, 32, 96, 64},
                                               {"4a", 192, 96, 208, 16, 48, 64},
                                               {"4b", 160, 112, 224, 24, 64, 64},
                                               {"4c", 128, 128, 256, 24, 64, 64},
                                               {"4d", 112, 144, 288, 32, 64, 64},
                                               {"4e", 256, 160, 320, 32, 128, 128},
                                               {"5a", 256, 160, 320, 32, 128, 128},
                                               {"5b", 384, 192, 384, 48, 128, 128}}};

/// Without batch norm a network this deep is at its best with Caffe's start: Glorot's kernels, and rectifiers awake.
Value window(std::string name, int64_t filters, const nn::Extent& kernel, const Value& x, int64_t stride = 1) {
  return conv({.name = std::move(name),
               .filters = filters,
               .kernel = kernel,
               .stride = stride,
               .kernel_initialiser = nn::glorot_uniform(),
               .bias = 0.2f},
              x);
}

Value inception(const Inception& m, const Value& x) {
  const std::string scope = std::string("inception_") + m.name + "/";
  const Value pooled = nn::MaxPool2D({.size = 3, .stride = 1, .padding = half_padding(3), .name = scope + "pool"})(x);
  return nn::Concat({.name = scope + "output"})(
      {window(scope + "1x1", m.one, 1, x),
       window(scope + "3x3", m.three, 3, window(scope + "3x3_reduce", m.three_reduce, 1, x)),
       window(scope + "5x5", m.five, 5, window(scope + "5x5_reduce", m.five_reduce, 1, x)),
       window(scope + "pool_proj", m.projection, 1, pooled)});
}

Value halve(const char* name, const Value& x) {
  return nn::MaxPool2D({.size = 3, .stride = 2, .ceil_mode = true, .name = name})(x);
}

Value normalise(const char* name, const Value& x) {
  return nn::LocalResponseNorm({.k = 1, .divide_alpha = true, .name = name})(x);
}

Model googlenet(const ZooConfig& config) {
  const Value x = nn::input(input_or(config, {3, 224, 224}));
  Value y = window("conv1/7x7_s2", 64, 7, x, 2);
  y = normalise("pool1/norm1", halve("pool1/3x3_s2", y));
  y = window("conv2/3x3_reduce", 64, 1, y);
  y = window("conv2/3x3", 192, 3, y);
  y = halve("pool2/3x3_s2", normalise("conv2/norm2", y));
  for (const Inception& m : modules) {
    y = inception(m, y);
    if (m.name == std::string_view("3b")) y = halve("pool3/3x3_s2", y);
    if (m.name == std::string_view("4e")) y = halve("pool4/3x3_s2", y);
  }
  y = nn::GlobalAveragePool2D({.name = "pool5/7x7_s1"})(y);
  y = nn::Dropout({.rate = 0.4, .name = "pool5/drop_7x7_s1"})(y);
  y = nn::Dense({.units = classes_or(config, 1000), .name = "loss3/classifier"})(y);
  return Model({x}, {y}, {.name = "googlenet", .seed = config.seed});
}

/// The rate falls by 4 % every eight epochs (section 6).
Preset usual() {
  Preset preset = imagenet_preset({.lr = 0.08, .weight_decay = 2e-4, .epochs = 250});
  preset.schedule = schedule::Step({.every = 8, .factor = 0.96});
  return preset;
}

}  // namespace

std::span<const Entry> zoo_in_googlenet() {
  static constexpr std::array entries = {
      Entry{"googlenet", "GoogLeNet without auxiliary classifiers (Szegedy et al. 2014): 6,998,552 parameters",
            googlenet, usual},
  };
  return entries;
}

}  // namespace ocellus::zoo

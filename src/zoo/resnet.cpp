// Residual networks for ImageNet (He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2015, table 1), with
// projections where a block changes the shape (option B). In a bottleneck that halves the size the 3x3 convolution does it,
// as in torchvision ("v1.5"); the forms called -v1 do it in the first 1x1 convolution, as the paper and Keras do.
//
// Names, ours / torchvision's / Keras's: stage2/block3/conv1 / layer2.2.conv1 / conv3_block3_1_conv; the projection is
// stage2/block1/shortcut / layer2.0.downsample.0 / conv3_block1_0_conv. Keras's convolutions have biases as well, which
// batch norm makes superfluous: moving_mean - bias is the same network without.
#include <array>

#include <fmt/format.h>

#include <ocellus/nn/layers/add.h>
#include <ocellus/nn/layers/dense.h>
#include <ocellus/nn/layers/global_pool.h>
#include <ocellus/nn/layers/max_pool.h>

#include "zoo/support/blocks.h"

namespace ocellus::zoo {
namespace {

enum class Kind { basic, bottleneck, bottleneck_v1 };

struct Block {
  std::string name;
  Kind kind;
  int64_t filters;  ///< of the 3x3 convolutions
  int64_t stride;

  int64_t output() const { return kind == Kind::basic ? filters : 4 * filters; }
  Unit unit(const char* layer, int64_t count, nn::Extent kernel, int64_t step, Activation activation) const {
    return {fmt::format("{}/{}", name, layer), count, kernel, step, activation};
  }
};

Value basic(const Block& b, const Value& x) {
  const Value y = conv_norm(b.unit("conv1", b.filters, 3, b.stride, relu), x);
  return conv_norm(b.unit("conv2", b.filters, 3, 1, linear), y);
}

Value bottleneck(const Block& b, const Value& x) {
  const int64_t first = b.kind == Kind::bottleneck_v1 ? b.stride : 1;
  Value y = conv_norm(b.unit("conv1", b.filters, 1, first, relu), x);
  y = conv_norm(b.unit("conv2", b.filters, 3, b.stride / first, relu), y);
  return conv_norm(b.unit("conv3", b.output(), 1, 1, linear), y);
}

Value residual(const Block& b, const Value& x) {
  const Value y = b.kind == Kind::basic ? basic(b, x) : bottleneck(b, x);
  const bool same_shape = b.stride == 1 && x.shape()[1] == b.output();
  const Value shortcut = same_shape ? x : conv_norm(b.unit("shortcut", b.output(), 1, b.stride, linear), x);
  return nn::Add({.activation = relu, .name = b.name + "/add"})({y, shortcut});
}

struct Plan {
  const char* name;
  Kind kind;
  std::array<int, 4> blocks;
};

Model build(const Plan& plan, const ZooConfig& config) {
  const Value x = nn::input(input_or(config, {3, 224, 224}));
  Value y = conv_norm({.name = "conv1", .filters = 64, .kernel = 7, .stride = 2}, x);
  y = nn::MaxPool2D({.size = 3, .stride = 2, .padding = half_padding(3), .name = "max_pool"})(y);
  for (int stage = 1; stage <= 4; ++stage)
    for (int b = 1; b <= plan.blocks[static_cast<size_t>(stage - 1)]; ++b)
      y = residual(
          {fmt::format("stage{}/block{}", stage, b), plan.kind, int64_t{32} << stage, stage > 1 && b == 1 ? 2 : 1}, y);
  y = nn::GlobalAveragePool2D({.name = "pool"})(y);
  y = nn::Dense({.units = classes_or(config, 1000), .name = "dense"})(y);
  return Model({x}, {y}, {.name = plan.name, .seed = config.seed});
}

Model resnet18(const ZooConfig& config) { return build({"resnet18", Kind::basic, {2, 2, 2, 2}}, config); }
Model resnet34(const ZooConfig& config) { return build({"resnet34", Kind::basic, {3, 4, 6, 3}}, config); }
Model resnet50(const ZooConfig& config) { return build({"resnet50", Kind::bottleneck, {3, 4, 6, 3}}, config); }
Model resnet101(const ZooConfig& config) { return build({"resnet101", Kind::bottleneck, {3, 4, 23, 3}}, config); }
Model resnet152(const ZooConfig& config) { return build({"resnet152", Kind::bottleneck, {3, 8, 36, 3}}, config); }
Model resnet50_v1(const ZooConfig& config) { return build({"resnet50-v1", Kind::bottleneck_v1, {3, 4, 6, 3}}, config); }
Model resnet101_v1(const ZooConfig& config) {
  return build({"resnet101-v1", Kind::bottleneck_v1, {3, 4, 23, 3}}, config);
}
Model resnet152_v1(const ZooConfig& config) {
  return build({"resnet152-v1", Kind::bottleneck_v1, {3, 8, 36, 3}}, config);
}

Preset usual() { return imagenet_preset(); }

}  // namespace

std::span<const Entry> zoo_in_resnet() {
  static constexpr std::array entries = {
      Entry{"resnet18", "ResNet of 18 layers (He et al. 2015): 11,689,512 trainable parameters", resnet18, usual},
      Entry{"resnet34", "ResNet of 34 layers (He et al. 2015): 21,797,672 trainable parameters", resnet34, usual},
      Entry{"resnet50", "ResNet of 50 layers, v1.5 (He et al. 2015): 25,557,032 trainable parameters", resnet50, usual},
      Entry{"resnet101", "ResNet of 101 layers, v1.5 (He et al. 2015): 44,549,160 trainable parameters", resnet101,
            usual},
      Entry{"resnet152", "ResNet of 152 layers, v1.5 (He et al. 2015): 60,192,808 trainable parameters", resnet152,
            usual},
      Entry{"resnet50-v1", "ResNet of 50 layers with the paper's strides, as in Keras", resnet50_v1, usual},
      Entry{"resnet101-v1", "ResNet of 101 layers with the paper's strides, as in Keras", resnet101_v1, usual},
      Entry{"resnet152-v1", "ResNet of 152 layers with the paper's strides, as in Keras", resnet152_v1, usual},
  };
  return entries;
}

}  // namespace ocellus::zoo

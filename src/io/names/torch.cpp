// Names of PyTorch's modules: torchvision's networks, and the residual networks for CIFAR of akamaster/pytorch_resnet_cifar10.
#include "io/name_table.h"

namespace ocellus::io::naming {
namespace {

constexpr NameSuffix suffixes[] = {{"kernel", ".weight"},
                                   {"bias", ".bias"},
                                   {"gamma", ".weight"},
                                   {"beta", ".bias"},
                                   {"moving_mean", ".running_mean"},
                                   {"moving_variance", ".running_var"}};

constexpr NameRow resnet[] = {{"conv1", "conv1"},
                              {"conv1_bn", "bn1"},
                              {"stage{a}/block{b}/conv{c}", "layer{a}.{b-1}.conv{c}"},
                              {"stage{a}/block{b}/conv{c}_bn", "layer{a}.{b-1}.bn{c}"},
                              {"stage{a}/block{b}/shortcut", "layer{a}.{b-1}.downsample.0"},
                              {"stage{a}/block{b}/shortcut_bn", "layer{a}.{b-1}.downsample.1"},
                              {"dense", "fc"},
                              {"dense", "linear"}};

constexpr NameRow vgg16[] = {{"block1/conv{c}", "features.{2*c-2}"},
                             {"block2/conv{c}", "features.{2*c+3}"},
                             {"block3/conv{c}", "features.{2*c+8}"},
                             {"block4/conv{c}", "features.{2*c+15}"},
                             {"block5/conv{c}", "features.{2*c+22}"},
                             {"fc1", "classifier.0"},
                             {"fc2", "classifier.3"},
                             {"predictions", "classifier.6"}};

constexpr NameRow vgg19[] = {{"block1/conv{c}", "features.{2*c-2}"},
                             {"block2/conv{c}", "features.{2*c+3}"},
                             {"block3/conv{c}", "features.{2*c+8}"},
                             {"block4/conv{c}", "features.{2*c+17}"},
                             {"block5/conv{c}", "features.{2*c+26}"},
                             {"fc1", "classifier.0"},
                             {"fc2", "classifier.3"},
                             {"predictions", "classifier.6"}};

constexpr NameRow alexnet[] = {{"conv1", "features.0"}, {"conv2", "features.3"},  {"conv3", "features.6"},
                               {"conv4", "features.8"}, {"conv5", "features.10"}, {"fc6", "classifier.1"},
                               {"fc7", "classifier.4"}, {"fc8", "classifier.6"}};

constexpr NameRow squeezenet[] = {{"conv1", "features.0"},
                                  {"fire2/squeeze1x1", "features.3.squeeze"},
                                  {"fire3/squeeze1x1", "features.4.squeeze"},
                                  {"fire4/squeeze1x1", "features.6.squeeze"},
                                  {"fire5/squeeze1x1", "features.7.squeeze"},
                                  {"fire{m}/squeeze1x1", "features.{m+3}.squeeze"},
                                  {"fire2/expand{a}x{b}", "features.3.expand{a}x{b}"},
                                  {"fire3/expand{a}x{b}", "features.4.expand{a}x{b}"},
                                  {"fire4/expand{a}x{b}", "features.6.expand{a}x{b}"},
                                  {"fire5/expand{a}x{b}", "features.7.expand{a}x{b}"},
                                  {"fire{m}/expand{a}x{b}", "features.{m+3}.expand{a}x{b}"},
                                  {"conv10", "classifier.1"}};

constexpr std::string_view imagenet_resnets[] = {"resnet18", "resnet34", "resnet50", "resnet101", "resnet152"};
constexpr std::string_view cifar_resnets[] = {"resnet20", "resnet32", "resnet44", "resnet56", "resnet110"};
constexpr std::string_view vgg16_only[] = {"vgg16"};
constexpr std::string_view vgg19_only[] = {"vgg19"};
constexpr std::string_view alexnet_only[] = {"alexnet-one-card"};
constexpr std::string_view squeezenet_only[] = {"squeezenet"};

/// These weights were trained with ImageNet's statistics, not CIFAR's own.
void imagenet_statistics(data::Preprocess& p) {
  p.mean = {0.485f, 0.456f, 0.406f};
  p.std = {0.229f, 0.224f, 0.225f};
}

}  // namespace

std::span<const NameTable> names_in_torch() {
  static constexpr NameTable tables[] = {
      {.name = "torchvision", .networks = imagenet_resnets, .rows = resnet, .suffixes = suffixes},
      {.name = "torchvision", .networks = vgg16_only, .rows = vgg16, .suffixes = suffixes},
      {.name = "torchvision", .networks = vgg19_only, .rows = vgg19, .suffixes = suffixes},
      {.name = "torchvision", .networks = alexnet_only, .rows = alexnet, .suffixes = suffixes},
      {.name = "torchvision", .networks = squeezenet_only, .rows = squeezenet, .suffixes = suffixes},
      {.name = "PyTorch, CIFAR",
       .networks = cifar_resnets,
       .rows = resnet,
       .suffixes = suffixes,
       .preprocess = imagenet_statistics},
  };
  return tables;
}

}  // namespace ocellus::io::naming

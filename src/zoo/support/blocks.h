// What networks of several families are made of, and how networks for ImageNet are trained.
#pragma once

#include <string>

#include <ocellus/nn/layers/conv.h>

#include "zoo/support/choose.h"

namespace ocellus::zoo {

/// A convolution with what follows it. Its layers are `name`, and `name` + "_bn" where it is normalised.
struct Unit {
  std::string name;
  int64_t filters = 0;
  nn::Extent kernel = 3;
  nn::Extent stride = 1;
  Activation activation = relu;
  Initialiser kernel_initialiser = nn::he_normal();
  float bias = 0;  ///< at first
};

/// Half a window on every side, as published networks write it down: pads 1 for 3x3, 3 for 7x7, whatever the stride.
Padding half_padding(const nn::Extent& kernel);

/// Convolution with half padding and bias, then the activation.
Value conv(const Unit& unit, const Value& x);
/// Convolution with half padding and without bias, batch norm with PyTorch's constants, then the activation.
Value conv_norm(const Unit& unit, const Value& x);

/// CIFAR's preprocessing and augmentation (He et al. 2015, section 4.2).
void cifar_data(Preset& preset);

struct ImageNetTraining {
  double lr = 0.1;  ///< for batches of 256
  double weight_decay = 1e-4;
  double every = 30;  ///< epochs after which the rate falls to a tenth
  int64_t epochs = 90;
};

/// Training on ImageNet with SGD, momentum 0.9. Batches have 32 samples, which an ordinary machine's memory holds, and the
/// rate is an eighth of the published one, which is for 256 (the linear rule of Goyal et al., arXiv:1706.02677, section 2.1).
Preset imagenet_preset(const ImageNetTraining& training = {});

}  // namespace ocellus::zoo

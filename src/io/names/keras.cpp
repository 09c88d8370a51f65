// Names of Keras Applications.
#include "io/name_table.h"

namespace ocellus::io::naming {
namespace {

constexpr NameSuffix suffixes[] = {{"kernel", "/kernel"},
                                   {"kernel", "/depthwise_kernel"},
                                   {"bias", "/bias"},
                                   {"gamma", "/gamma"},
                                   {"beta", "/beta"},
                                   {"moving_mean", "/moving_mean"},
                                   {"moving_variance", "/moving_variance"}};

constexpr NameRow mobilenet[] = {{"conv1", "conv1"},
                                 {"conv1_bn", "conv1_bn"},
                                 {"conv_dw_{i}", "conv_dw_{i}"},
                                 {"conv_dw_{i}_bn", "conv_dw_{i}_bn"},
                                 {"conv_pw_{i}", "conv_pw_{i}"},
                                 {"conv_pw_{i}_bn", "conv_pw_{i}_bn"},
                                 {"conv_preds", "conv_preds"}};

constexpr NameRow vgg[] = {
    {"block{a}/conv{b}", "block{a}_conv{b}"}, {"fc{a}", "fc{a}"}, {"predictions", "predictions"}};

constexpr std::string_view mobilenets[] = {"mobilenet", "mobilenet-0.75", "mobilenet-0.5", "mobilenet-0.25"};
constexpr std::string_view vggs[] = {"vgg16", "vgg19"};

/// Keras's VGG was converted from Caffe: blue first, 0 to 255, minus the mean.
void caffe_images(data::Preprocess& p) {
  p.colour = data::ColourOrder::bgr;
  p.scale = 1;
  p.mean = {103.939f, 116.779f, 123.68f};
  p.std = {};
}

}  // namespace

std::span<const NameTable> names_in_keras() {
  static constexpr NameTable tables[] = {
      {.name = "Keras", .networks = mobilenets, .channels_last = true, .rows = mobilenet, .suffixes = suffixes},
      {.name = "Keras",
       .networks = vggs,
       .channels_last = true,
       .rows = vgg,
       .suffixes = suffixes,
       .preprocess = caffe_images},
  };
  return tables;
}

}  // namespace ocellus::io::naming

// Names of MXNet: Gluon's SqueezeNet, which the ONNX model zoo has as well, and MobileFaceNet.
#include "io/name_table.h"

namespace ocellus::io::naming {
namespace {

constexpr NameSuffix suffixes[] = {{"kernel", "_weight"},
                                   {"bias", "_bias"},
                                   {"gamma", "_gamma"},
                                   {"beta", "_beta"},
                                   {"moving_mean", "_moving_mean"},
                                   {"moving_variance", "_moving_var"},
                                   {"slope", "_gamma"}};

constexpr NameRow squeezenet[] = {{"conv1", "squeezenet0_conv0"},
                                  {"fire{m}/squeeze1x1", "squeezenet0_conv{3*m-5}"},
                                  {"fire{m}/expand1x1", "squeezenet0_conv{3*m-4}"},
                                  {"fire{m}/expand3x3", "squeezenet0_conv{3*m-3}"},
                                  {"conv10", "squeezenet0_conv25"}};

constexpr NameRow mobilefacenet[] = {{"conv_1", "conv_1_conv2d"},
                                     {"conv_1_bn", "conv_1_batchnorm"},
                                     {"conv_1_relu", "conv_1_relu"},
                                     {"conv_2_dw", "conv_2_dw_conv2d"},
                                     {"conv_2_dw_bn", "conv_2_dw_batchnorm"},
                                     {"conv_2_dw_relu", "conv_2_dw_relu"},
                                     {"dconv_{s}/conv_sep", "dconv_{s}_conv_sep_conv2d"},
                                     {"dconv_{s}/conv_sep_bn", "dconv_{s}_conv_sep_batchnorm"},
                                     {"dconv_{s}/conv_sep_relu", "dconv_{s}_conv_sep_relu"},
                                     {"dconv_{s}/conv_dw", "dconv_{s}_conv_dw_conv2d"},
                                     {"dconv_{s}/conv_dw_bn", "dconv_{s}_conv_dw_batchnorm"},
                                     {"dconv_{s}/conv_dw_relu", "dconv_{s}_conv_dw_relu"},
                                     {"dconv_{s}/conv_proj", "dconv_{s}_conv_proj_conv2d"},
                                     {"dconv_{s}/conv_proj_bn", "dconv_{s}_conv_proj_batchnorm"},
                                     {"res_{s}/block{b}/conv_sep", "res_{s}_block{b}_conv_sep_conv2d"},
                                     {"res_{s}/block{b}/conv_sep_bn", "res_{s}_block{b}_conv_sep_batchnorm"},
                                     {"res_{s}/block{b}/conv_sep_relu", "res_{s}_block{b}_conv_sep_relu"},
                                     {"res_{s}/block{b}/conv_dw", "res_{s}_block{b}_conv_dw_conv2d"},
                                     {"res_{s}/block{b}/conv_dw_bn", "res_{s}_block{b}_conv_dw_batchnorm"},
                                     {"res_{s}/block{b}/conv_dw_relu", "res_{s}_block{b}_conv_dw_relu"},
                                     {"res_{s}/block{b}/conv_proj", "res_{s}_block{b}_conv_proj_conv2d"},
                                     {"res_{s}/block{b}/conv_proj_bn", "res_{s}_block{b}_conv_proj_batchnorm"},
                                     {"conv_6sep", "conv_6sep_conv2d"},
                                     {"conv_6sep_bn", "conv_6sep_batchnorm"},
                                     {"conv_6sep_relu", "conv_6sep_relu"},
                                     {"conv_6dw", "conv_6dw7_7_conv2d"},
                                     {"conv_6dw_bn", "conv_6dw7_7_batchnorm"},
                                     {"fc1", "fc1"},
                                     {"fc1", "pre_fc1"},
                                     {"fc1_bn", "fc1", "gamma"}};

constexpr std::string_view squeezenet_only[] = {"squeezenet"};
constexpr std::string_view mobilefacenet_only[] = {"mobilefacenet"};

}  // namespace

std::span<const NameTable> names_in_mxnet() {
  static constexpr NameTable tables[] = {
      {.name = "MXNet", .networks = squeezenet_only, .rows = squeezenet, .suffixes = suffixes},
      {.name = "MXNet", .networks = mobilefacenet_only, .rows = mobilefacenet, .suffixes = suffixes},
  };
  return tables;
}

}  // namespace ocellus::io::naming

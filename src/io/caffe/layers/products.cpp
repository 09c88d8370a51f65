// Layers with arrays: convolutions and dense layers, normalisations and slopes.
#include <fmt/format.h>

#include <ocellus/nn/layers/batch_norm.h>
#include <ocellus/nn/layers/conv.h>
#include <ocellus/nn/layers/conv_transpose.h>
#include <ocellus/nn/layers/dense.h>
#include <ocellus/nn/layers/l2_normalize.h>
#include <ocellus/nn/layers/prelu.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/shape.h>

#include "io/caffe/layer.h"
#include "io/emit.h"
#include "io/tensors.h"

namespace ocellus::io::caffe {
namespace {

using Arrays = std::vector<std::pair<std::string, Tensor>>;

/// An input [N,C,H,W]; throws FormatError.
const Value& image(const LayerCall& call) {
  if (call.input().shape().rank() != 4) call.fail("needs an input [N,C,H,W], got " + call.input().shape().to_string());
  return call.input();
}

struct Sliding {
  nn::Extent kernel, stride, pad, dilation;
  int64_t filters, groups;
  bool bias;
};

Sliding sliding(const LayerCall& call) {
  const Message& m = call.parameter("convolution_param");
  Sliding s = {extent_of(call, m, "kernel_size", "kernel", 0),
               extent_of(call, m, "stride", "stride", 1),
               extent_of(call, m, "pad", "pad", 0),
               extent_of(call, m, "dilation", "dilation", 1),
               m.integer("num_output", 0),
               m.integer("group", 1),
               m.flag("bias_term", true)};
  const int64_t channels = image(call).shape()[1];
  if (s.groups < 1 || channels % s.groups != 0 || s.filters < 1 || s.filters % s.groups != 0)
    call.fail(fmt::format("{} channels and {} outputs don't divide into {} groups", channels, s.filters, s.groups));
  return s;
}

Values convolution(const LayerCall& call) {
  const Sliding s = sliding(call);
  const int64_t channels = call.input().shape()[1];
  Arrays values = {
      {"kernel", call.array(0, "weights", {s.filters, channels / s.groups, s.kernel.height, s.kernel.width})}};
  if (s.bias) values.emplace_back("bias", call.array(1, "bias", {s.filters}));
  const nn::Conv2D layer({.filters = s.filters,
                          .kernel = s.kernel,
                          .stride = s.stride,
                          .padding = Padding(s.pad.dims(), s.pad.dims()),
                          .dilation = s.dilation,
                          .groups = s.groups,
                          .use_bias = s.bias,
                          .name = call.name});
  const Value y = layer(call.input());
  fill(layer, values);
  return {y};
}

Values deconvolution(const LayerCall& call) {
  const Sliding s = sliding(call);
  const int64_t channels = call.input().shape()[1];
  Arrays values = {
      {"kernel", call.array(0, "weights", {channels, s.filters / s.groups, s.kernel.height, s.kernel.width})}};
  if (s.bias) values.emplace_back("bias", call.array(1, "bias", {s.filters}));
  const nn::Conv2DTranspose layer({.filters = s.filters,
                                   .kernel = s.kernel,
                                   .stride = s.stride,
                                   .padding = Padding(s.pad.dims(), s.pad.dims()),
                                   .dilation = s.dilation,
                                   .groups = s.groups,
                                   .use_bias = s.bias,
                                   .name = call.name});
  const Value y = layer(call.input());
  fill(layer, values);
  return {y};
}

Values inner_product(const LayerCall& call) {
  const Message& m = call.parameter("inner_product_param");
  const int64_t outputs = m.integer("num_output", 0);
  if (call.axis(m.integer("axis", 1), call.input().shape().rank()) != 1) call.unsupported("keeps further dimensions");
  Value x = call.input();
  if (x.shape().rank() != 2) {
    const NodeLayer flat("Flatten", call.name + "/flatten",
                         [](nn::Build&, const Values& in) { return Values{ops::flatten(in[0])}; });
    x = flat(x);
  }
  const int64_t features = x.shape()[1];
  const bool turned = m.flag("transpose", false), bias = m.flag("bias_term", true);
  Arrays values = {{"kernel", turned ? transposed(call.array(0, "weights", {features, outputs}), {1, 0})
                                     : call.array(0, "weights", {outputs, features})}};
  if (bias) values.emplace_back("bias", call.array(1, "bias", {outputs}));
  const nn::Dense layer({.units = outputs, .use_bias = bias, .name = call.name});
  const Value y = layer(x);
  fill(layer, values);
  return {y};
}

/// Sums of means and variances with the weight that they were summed with; a Scale that follows gives gamma and beta.
Values batch_norm(const LayerCall& call) {
  const Message& m = call.parameter("batch_norm_param");
  const Value& x = call.input();
  if (x.shape().rank() < 2) call.fail("needs channels, got " + x.shape().to_string());
  const std::vector<int64_t> channels = {x.shape()[1]};
  Tensor mean = call.array(0, "mean", channels).clone(), variance = call.array(1, "variance", channels).clone();
  const float weight = call.array(2, "weight", {1}).as<float>()[0];
  for (Tensor* t : {&mean, &variance})
    for (float& v : t->as<float>()) v = weight == 0 ? 0 : v / weight;
  Arrays values = {{"moving_mean", mean}, {"moving_variance", variance}};
  LayerCall scale = call;
  scale.arrays = call.scale_arrays;
  if (!scale.arrays.empty()) values.emplace_back("gamma", scale.array(0, "scale", channels));
  if (scale.arrays.size() > 1) values.emplace_back("beta", scale.array(1, "offset", channels));
  const nn::BatchNorm layer({.epsilon = m.real("eps", 1e-5),
                             .momentum = m.real("moving_average_fraction", 0.999),
                             .unbiased_variance = true,
                             .name = call.name});
  const Value y = layer(x);
  fill(layer, values);
  return {y};
}

/// Numbers for each channel that are learnt, or two values' product.
Values scale(const LayerCall& call) {
  const Message& m = call.parameter("scale_param");
  if (call.inputs.size() == 2) {
    const NodeLayer product("Scale", call.name, [](nn::Build&, const Values& in) {
      std::vector<int64_t> dims(in[1].shape().begin(), in[1].shape().end());
      dims[0] = 0;
      dims.resize(in[0].shape().rank(), 1);
      return Values{ops::mul(in[0], ops::reshape(in[1], dims))};
    });
    return {product(call.inputs)};
  }
  const Value& x = call.input();
  if (x.shape().rank() < 2 || m.integer("axis", 1) != 1 || m.integer("num_axes", 1) != 1)
    call.unsupported("scales other things than channels");
  std::vector<int64_t> dims(x.shape().rank() - 1, 1);
  dims[0] = x.shape()[1];
  const bool bias = m.flag("bias_term", false);
  Arrays values = {{"scale", call.array(0, "scale", dims)}};
  if (bias) values.emplace_back("offset", call.array(1, "offset", dims));
  const NodeLayer layer("Scale", call.name, [=](nn::Build& build, const Values& in) {
    const Value y = ops::mul(in[0], build.parameter("scale", shape_of(dims), ParamRole::norm_scale, nn::constant(1)));
    return Values{bias ? ops::add(y, build.parameter("offset", shape_of(dims), ParamRole::norm_offset, nn::constant(0)))
                       : y};
  });
  const Value y = layer(x);
  fill(layer, values);
  return {y};
}

Values prelu(const LayerCall& call) {
  const Value& x = call.input();
  const bool shared = call.parameter("prelu_param").flag("channel_shared", false);
  if (x.shape().rank() < 2) call.fail("needs channels, got " + x.shape().to_string());
  const Tensor slope = shared ? call.array(0, "slope", {}) : call.array(0, "slopes", {x.shape()[1]});
  const nn::PReLU layer({.shared = shared, .name = call.name});
  const Value y = layer(x);
  fill(layer, {{"slope", slope}});
  return {y};
}

/// SSD's: channels of each position to the length one, then a number for each channel.
Values normalize(const LayerCall& call) {
  const Message& m = call.parameter("norm_param");
  if (m.flag("across_spatial", true)) call.unsupported("normalises over positions");
  const int64_t channels = image(call).shape()[1];
  const bool shared = m.flag("channel_shared", true);
  const Tensor given = call.array(0, "scale", {shared ? 1 : channels});
  const nn::L2Normalize layer({.epsilon = m.real("eps", 1e-10), .name = call.name});
  const Value y = layer(call.input());
  fill(layer, {{"scale", shared ? Tensor::full(DType::f32, {channels}, given.at(0)) : given}});
  return {y};
}

}  // namespace

std::span<const CaffeLayer> caffe_in_products() {
  static constexpr CaffeLayer layers[] = {{"Convolution", convolution, "CONVOLUTION"},
                                          {"DepthwiseConvolution", convolution},
                                          {"ConvolutionDepthwise", convolution},
                                          {"Deconvolution", deconvolution, "DECONVOLUTION"},
                                          {"InnerProduct", inner_product, "INNER_PRODUCT"},
                                          {"BatchNorm", batch_norm},
                                          {"Scale", scale},
                                          {"PReLU", prelu},
                                          {"Normalize", normalize}};
  return layers;
}

}  // namespace ocellus::io::caffe

// Layers without arrays that compute: functions, sums, pooling, softmax.
#include <numeric>

#include <fmt/format.h>

#include <ocellus/nn/layers/activation.h>
#include <ocellus/nn/layers/average_pool.h>
#include <ocellus/nn/layers/dropout.h>
#include <ocellus/nn/layers/global_pool.h>
#include <ocellus/nn/layers/local_response_norm.h>
#include <ocellus/nn/layers/max_pool.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/shape.h>
#include <ocellus/ops/softmax.h>

#include "io/caffe/layer.h"
#include "io/emit.h"

namespace ocellus::io::caffe {
namespace {

template <class F>
Values with(const LayerCall& call, F f) {
  return {nn::Activation(f, call.name)(call.input())};
}

Values node(const LayerCall& call, NodeLayer::Emit emit) {
  return NodeLayer(call.type, call.name, std::move(emit)).outputs(call.inputs);
}

Values relu_layer(const LayerCall& call) {
  const double slope = call.parameter("relu_param").real("negative_slope", 0);
  return with(call, slope == 0 ? relu : leaky_relu(slope));
}
Values relu6_layer(const LayerCall& call) { return with(call, relu6); }
Values sigmoid_layer(const LayerCall& call) { return with(call, sigmoid); }
Values tanh_layer(const LayerCall& call) { return with(call, tanh_); }
Values softplus_layer(const LayerCall& call) { return with(call, softplus); }
Values abs_layer(const LayerCall& call) { return with(call, Function{UnaryKind::abs}); }
Values elu_layer(const LayerCall& call) { return with(call, elu(call.parameter("elu_param").real("alpha", 1))); }

/// (shift + scale x)^power.
Values power(const LayerCall& call) {
  const Message& m = call.parameter("power_param");
  const double exponent = m.real("power", 1), scale = m.real("scale", 1), shift = m.real("shift", 0);
  return node(call, [=](nn::Build&, const Values& in) {
    const Value y = ops::affine(in[0], scale, shift);
    return Values{exponent == 1 ? y : ops::pow(y, exponent)};
  });
}

Values eltwise(const LayerCall& call) {
  const Message& m = call.parameter("eltwise_param");
  const std::string operation = m.text("operation", "SUM");
  const auto coefficients = m.reals("coeff");
  if (call.inputs.size() < 2) call.fail("needs two or more inputs");
  if (!coefficients.empty() && (operation != "SUM" || coefficients.size() != call.inputs.size()))
    call.fail("has coefficients that don't belong to its inputs");
  BinaryKind kind = BinaryKind::add;
  if (operation == "PROD" || operation == "0")
    kind = BinaryKind::mul;
  else if (operation == "MAX" || operation == "2")
    kind = BinaryKind::max;
  else if (operation != "SUM" && operation != "1")
    call.unsupported("combines by " + operation);
  return node(call, [=](nn::Build&, const Values& in) {
    const auto term = [&](size_t i) {
      return coefficients.empty() || coefficients[i] == 1 ? in[i] : ops::affine(in[i], coefficients[i]);
    };
    Value y = term(0);
    for (size_t i = 1; i < in.size(); ++i) y = ops::binary(kind, y, term(i));
    return Values{y};
  });
}

/// A last window may hang over the end unless the file says otherwise; means count the padding, not what hangs over.
Values pooling(const LayerCall& call) {
  const Message& m = call.parameter("pooling_param");
  const std::string method = m.text("pool", "MAX");
  const bool max = method == "MAX" || method == "0";
  if (!max && method != "AVE" && method != "1") call.unsupported("pools by " + method);
  if (m.flag("global_pooling", false)) {
    const nn::GlobalPoolConfig config = {.keep_dims = true, .name = call.name};
    return {max ? nn::GlobalMaxPool2D(config)(call.input()) : nn::GlobalAveragePool2D(config)(call.input())};
  }
  const nn::Extent size = extent_of(call, m, "kernel_size", "kernel", 0),
                   stride = extent_of(call, m, "stride", "stride", 1);
  const auto pad = extent_of(call, m, "pad", "pad", 0).dims();
  const std::string rounding = m.text("round_mode", "CEIL");
  const bool ceil = m.flag("ceil_mode", rounding == "CEIL" || rounding == "0");
  if (max)
    return {nn::MaxPool2D(
        {.size = size, .stride = stride, .padding = Padding(pad, pad), .ceil_mode = ceil, .name = call.name})(
        call.input())};
  return {nn::AveragePool2D({.size = size,
                             .stride = stride,
                             .padding = Padding(pad, pad),
                             .ceil_mode = ceil,
                             .count_include_pad = true,
                             .name = call.name})(call.input())};
}

Values local_response(const LayerCall& call) {
  const Message& m = call.parameter("lrn_param");
  const std::string region = m.text("norm_region", "ACROSS_CHANNELS");
  if (region != "ACROSS_CHANNELS" && region != "0") call.unsupported("normalises over positions");
  return {nn::LocalResponseNorm({.size = m.integer("local_size", 5),
                                 .alpha = m.real("alpha", 1),
                                 .beta = m.real("beta", 0.75),
                                 .k = m.real("k", 1),
                                 .divide_alpha = true,
                                 .name = call.name})(call.input())};
}

/// Along any dimension: ours is the second one, so others are brought there and back.
Values softmax(const LayerCall& call) {
  const size_t rank = call.input().shape().rank();
  const int64_t axis = call.axis(call.parameter("softmax_param").integer("axis", 1), rank);
  if (axis == 0) call.unsupported("normalises over the samples");
  return node(call, [=](nn::Build&, const Values& in) {
    if (axis == 1) return Values{ops::softmax(in[0])};
    std::vector<int64_t> perm(rank);
    std::iota(perm.begin(), perm.end(), 0);
    std::swap(perm[1], perm[static_cast<size_t>(axis)]);
    return Values{ops::transpose(ops::softmax(ops::transpose(in[0], perm)), perm)};
  });
}

Values dropout(const LayerCall& call) {
  const double rate = call.parameter("dropout_param").real("dropout_ratio", 0.5);
  if (rate < 0 || rate >= 1) call.fail("drops a share that is not in [0,1)");
  return {nn::Dropout({.rate = rate, .name = call.name})(call.input())};
}

}  // namespace

std::span<const CaffeLayer> caffe_in_functions() {
  static constexpr CaffeLayer layers[] = {{"ReLU", relu_layer, "RELU"},
                                          {"ReLU6", relu6_layer},
                                          {"Sigmoid", sigmoid_layer, "SIGMOID"},
                                          {"TanH", tanh_layer, "TANH"},
                                          {"BNLL", softplus_layer, "BNLL"},
                                          {"AbsVal", abs_layer, "ABSVAL"},
                                          {"ELU", elu_layer},
                                          {"Power", power, "POWER"},
                                          {"Eltwise", eltwise, "ELTWISE"},
                                          {"Pooling", pooling, "POOLING"},
                                          {"LRN", local_response, "LRN"},
                                          {"Softmax", softmax, "SOFTMAX"},
                                          {"Dropout", dropout, "DROPOUT"}};
  return layers;
}

}  // namespace ocellus::io::caffe

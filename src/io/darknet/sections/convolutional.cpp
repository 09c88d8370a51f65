// [convolutional], and what convolves differently: [local], with weights of its own for every place, and [connected].
#include <array>

#include <fmt/format.h>

#include <ocellus/nn/initialiser.h>
#include <ocellus/ops/conv.h>
#include <ocellus/ops/dense.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/matmul.h>
#include <ocellus/ops/norm.h>
#include <ocellus/ops/shape.h>

#include "io/darknet/network.h"

namespace ocellus::io::darknet {
namespace {

constexpr int64_t most_filters = 1 << 20, most_kernel = 1 << 10, most_stride = 1 << 10;

/// Of AlexeyAB's darknet and of both CUDA versions: what the networks were trained with. The CPU code of pjreddie's divides by
/// sqrt(variance) + 1e-6.
constexpr double epsilon = 1e-5, momentum = 0.99;

Value normalised(nn::Build& build, const Value& x, int64_t channels) {
  return ops::batch_norm(x,
                         {build.parameter("scale", {channels}, ParamRole::norm_scale, nn::ones()),
                          build.parameter("bias", {channels}, ParamRole::norm_offset, nn::zeros()),
                          build.parameter("mean", {channels}, ParamRole::statistic, nn::zeros()),
                          build.parameter("variance", {channels}, ParamRole::statistic, nn::ones())},
                         {.epsilon = epsilon, .momentum = momentum});
}

/// Numbers a channel takes beside its weights: a bias, or with batch normalisation four.
int64_t numbers_a_channel(bool normalise) { return normalise ? 4 : 1; }

void refuse(const Section& s, std::initializer_list<std::string_view> options) {
  for (const std::string_view option : options)
    if (s.flag(option))
      throw Unsupported(fmt::format("line {}: [{}] {} has no counterpart", s.line(), s.name(), option));
}

struct Convolution {
  int64_t filters, size, stride_x, stride_y, dilation, padding, groups;
  bool normalise, flipped;
};

Convolution read_convolution(const Section& s) {
  refuse(s, {"binary", "xnor", "antialiasing", "share_index", "deform", "stream", "sway", "rotate", "stretch",
             "stretch_sway"});
  Convolution c{};
  c.filters = s.integer("filters", {.otherwise = 1, .least = 1, .most = most_filters});
  c.size = s.integer("size", {.otherwise = 1, .least = 1, .most = most_kernel});
  const int64_t stride = s.integer("stride", {.otherwise = 1, .least = 1, .most = most_stride});
  c.stride_x = s.integer("stride_x", {.otherwise = stride, .least = 1, .most = most_stride});
  c.stride_y = s.integer("stride_y", {.otherwise = stride, .least = 1, .most = most_stride});
  c.dilation = c.size == 1 ? 1 : s.integer("dilation", {.otherwise = 1, .least = 1, .most = most_stride});
  c.padding = s.flag("pad") ? c.size / 2 : s.integer("padding", {.otherwise = 0, .least = 0, .most = most_kernel});
  c.groups = s.integer("groups", {.otherwise = 1, .least = 1, .most = most_filters});
  c.normalise = s.flag("batch_normalize");
  c.flipped = s.flag("flipped");
  return c;
}

const Value& picture(const Network& net, const Section& s) {
  if (net.input().shape().rank() != 4)
    s.fail(fmt::format("needs a picture, the section before gives {}", net.input().shape().to_string()));
  return net.input();
}

Value convolutional(Network& net, const Section& s) {
  const Convolution c = read_convolution(s);
  const int64_t channels = picture(net, s).shape()[1];
  if (channels % c.groups != 0 || c.filters % c.groups != 0)
    s.fail(fmt::format("{} channels and {} filters don't divide into {} groups", channels, c.filters, c.groups));
  net.need(s, {c.filters, channels / c.groups * c.size * c.size + numbers_a_channel(c.normalise)});
  const Shape shape = {c.filters, channels / c.groups, c.size, c.size};
  const int64_t pad = c.padding * c.dilation;
  const ops::ConvConfig config = {
      .window = {{c.stride_y, c.stride_x}, {c.dilation}, Padding(std::vector<int64_t>{pad}, std::vector<int64_t>{pad})},
      .groups = c.groups};
  const auto emit = [&](nn::Build& build, const Values& in) {
    const Value kernel = build.parameter("kernel", shape, ParamRole::kernel, nn::he_normal());
    if (c.normalise) {
      const Value y = normalised(build, ops::conv(in[0], kernel, {}, config), c.filters);
      return Values{activated(s, y, "logistic")};
    }
    const Value bias = build.parameter("bias", {c.filters}, ParamRole::bias, nn::zeros());
    return Values{activated(s, ops::conv(in[0], kernel, bias, config), "logistic")};
  };
  const StoredName kernel = {"kernel", c.flipped};
  if (c.normalise) return net.layer(s, {net.input()}, emit, {{"bias"}, {"scale"}, {"mean"}, {"variance"}, kernel});
  return net.layer(s, {net.input()}, emit, {{"bias"}, kernel});
}

Value connected(Network& net, const Section& s) {
  const int64_t outputs = s.integer("output", {.otherwise = 1, .least = 1, .most = most_filters});
  const bool normalise = s.flag("batch_normalize");
  const Value x = net.input();
  int64_t inputs = 1;
  for (size_t i = 1; i < x.shape().rank(); ++i) inputs *= x.shape()[i];
  net.need(s, {outputs, inputs + numbers_a_channel(normalise)});
  const auto emit = [&](nn::Build& build, const Values& in) {
    const Value flat = in[0].shape().rank() == 2 ? in[0] : ops::flatten(in[0]);
    const Value kernel = build.parameter("kernel", {outputs, inputs}, ParamRole::kernel, nn::he_normal());
    if (normalise) return Values{activated(s, normalised(build, ops::dense(flat, kernel, {}), outputs), "logistic")};
    const Value bias = build.parameter("bias", {outputs}, ParamRole::bias, nn::zeros());
    return Values{activated(s, ops::dense(flat, kernel, bias), "logistic")};
  };
  const StoredName kernel = {"kernel", net.transposed_file()};
  if (normalise) return net.layer(s, {x}, emit, {{"bias"}, kernel, {"scale"}, {"mean"}, {"variance"}});
  return net.layer(s, {x}, emit, {{"bias"}, kernel});
}

/// Columns [N,L,C*size*size] of the windows at all L places, as darknet orders them: channel, then place in the window.
Value columns_of(const Value& x, int64_t size, int64_t stride, const std::array<int64_t, 2>& out) {
  const int64_t channels = x.shape()[1], places = out[0] * out[1];
  Values taps;
  for (int64_t dy = 0; dy < size; ++dy)
    for (int64_t dx = 0; dx < size; ++dx) {
      const Value tap = ops::slice(x, {0, 0, dy, dx},
                                   {any_dim, any_dim, dy + (out[0] - 1) * stride + 1, dx + (out[1] - 1) * stride + 1},
                                   {1, 1, stride, stride});
      taps.push_back(ops::reshape(tap, {0, channels, 1, places}));
    }
  const Value columns = ops::reshape(ops::concat(taps, 2), {0, channels * size * size, places});
  return ops::transpose(columns, {0, 2, 1});
}

/// One product of matrices a place: [N,L,1,K] by [L,K,F].
Value local(Network& net, const Section& s) {
  const int64_t filters = s.integer("filters", {.otherwise = 1, .least = 1, .most = most_filters});
  const int64_t size = s.integer("size", {.otherwise = 1, .least = 1, .most = 64});
  const int64_t stride = s.integer("stride", {.otherwise = 1, .least = 1, .most = most_stride});
  const int64_t pad = s.flag("pad") ? 1 : 0;
  const Shape& in = picture(net, s).shape();
  const auto extent = [&](int64_t n) { return (n - (pad == 1 ? 1 : size)) / stride + 1; };
  if (in[2] < size || in[3] < size)
    s.fail(fmt::format("a window of {} is larger than its input {}", size, in.to_string()));
  const std::array<int64_t, 2> out = {extent(in[2]), extent(in[3])};
  if ((out[0] - 1) * stride + size > in[2] + 2 * pad || (out[1] - 1) * stride + size > in[3] + 2 * pad)
    s.fail(fmt::format("windows of {} reach beyond one element of padding", size));
  const int64_t places = out[0] * out[1], taps = in[1] * size * size;
  net.need(s, {places, filters, taps + 1});
  net.spend(s, size * size);
  const auto emit = [&](nn::Build& build, const Values& inputs) {
    const Value weights = build.parameter("kernel", {places, filters, taps}, ParamRole::kernel, nn::he_normal());
    const Value bias = build.parameter("bias", {filters, out[0], out[1]}, ParamRole::bias, nn::zeros());
    const Value x = pad == 0 ? inputs[0] : ops::pad(inputs[0], {.before = {0, 0, 1, 1}, .after = {0, 0, 1, 1}});
    const Value columns = ops::reshape(columns_of(x, size, stride, out), {0, places, 1, taps});
    const Value rows = ops::reshape(ops::matmul(columns, weights, {.transpose_b = true}), {0, places, filters});
    const Value y = ops::reshape(ops::transpose(rows, {0, 2, 1}), {0, filters, out[0], out[1]});
    return Values{activated(s, ops::add(y, bias), "logistic")};
  };
  return net.layer(s, {net.input()}, emit, {{"bias"}, {"kernel"}});
}

constexpr std::array kinds = {SectionKind{"convolutional", convolutional}, SectionKind{"connected", connected},
                              SectionKind{"local", local}};

}  // namespace

std::span<const SectionKind> darknet_sections_in_convolutional() { return kinds; }

}  // namespace ocellus::io::darknet

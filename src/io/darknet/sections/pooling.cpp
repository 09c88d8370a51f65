// [maxpool], [local_avgpool], [avgpool], [upsample], [reorg], [reorg3d], [crop]: sections that move or merge places.
#include <array>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/pool.h>
#include <ocellus/ops/rearrange.h>
#include <ocellus/ops/resize.h>
#include <ocellus/ops/shape.h>

#include "io/darknet/network.h"

namespace ocellus::io::darknet {
namespace {

constexpr int64_t most = 1 << 10;

const Shape& picture(const Network& net, const Section& s) {
  if (net.input().shape().rank() != 4)
    s.fail(fmt::format("needs a picture, the section before gives {}", net.input().shape().to_string()));
  return net.input().shape();
}

/// Darknet pads by size - 1 in all unless told otherwise, the smaller half in front, and has (n + padding - size) / stride + 1
/// windows; what of them lies outside counts for nothing. What the last window leaves out is padding below 0 at the end.
struct Windows {
  int64_t size, begin, end_y, end_x, stride_y, stride_x, rows, columns;
};

Windows read_windows(Network& net, const Section& s) {
  const Shape& x = picture(net, s);
  Windows w{};
  const int64_t stride = s.integer("stride", {.otherwise = 1, .least = 1, .most = most});
  w.stride_x = s.integer("stride_x", {.otherwise = stride, .least = 1, .most = most});
  w.stride_y = s.integer("stride_y", {.otherwise = stride, .least = 1, .most = most});
  w.size = s.integer("size", {.otherwise = stride, .least = 1, .most = most});
  const int64_t padding = s.integer("padding", {.otherwise = w.size - 1, .least = 0, .most = 2 * (w.size - 1)});
  if (x[2] + padding < w.size || x[3] + padding < w.size)
    s.fail(fmt::format("windows of {} don't fit into {}", w.size, x.to_string()));
  w.begin = padding / 2;
  w.rows = (x[2] + padding - w.size) / w.stride_y + 1;
  w.columns = (x[3] + padding - w.size) / w.stride_x + 1;
  w.end_y = (w.rows - 1) * w.stride_y + w.size - w.begin - x[2];
  w.end_x = (w.columns - 1) * w.stride_x + w.size - w.begin - x[3];
  return w;
}

/// The elements that windows see: all, unless the last window ends before the last element.
Value seen(const Value& x, const Windows& w) {
  if (w.end_y >= 0 && w.end_x >= 0) return x;
  const Shape& shape = x.shape();
  return ops::slice(
      x, {0, 0, 0, 0},
      {any_dim, any_dim, shape[2] + std::min<int64_t>(w.end_y, 0), shape[3] + std::min<int64_t>(w.end_x, 0)},
      {1, 1, 1, 1});
}

ops::PoolConfig pool_of(const Windows& w) {
  return {.kernel = {w.size, w.size},
          .window = {{w.stride_y, w.stride_x},
                     {1},
                     Padding({w.begin, w.begin}, {std::max<int64_t>(w.end_y, 0), std::max<int64_t>(w.end_x, 0)})}};
}

Value maxpool(Network& net, const Section& s) {
  for (const std::string_view option : {"maxpool_depth", "antialiasing"})
    if (s.flag(option)) throw Unsupported(fmt::format("line {}: [maxpool] {} has no counterpart", s.line(), option));
  const Windows w = read_windows(net, s);
  return net.layer(s, {net.input()}, [&](const Values& in) { return ops::max_pool(seen(in[0], w), pool_of(w)); });
}

Value local_avgpool(Network& net, const Section& s) {
  const Windows w = read_windows(net, s);
  return net.layer(s, {net.input()}, [&](const Values& in) { return ops::average_pool(seen(in[0], w), pool_of(w)); });
}

Value avgpool(Network& net, const Section& s) {
  picture(net, s);
  return net.layer(s, {net.input()}, [](const Values& in) { return ops::global_average_pool(in[0]); });
}

/// Repeats every element, or, with a stride below 0, sums blocks.
Value upsample(Network& net, const Section& s) {
  const Shape& x = picture(net, s);
  const int64_t stride = s.integer("stride", {.otherwise = 2, .least = -most, .most = most});
  const double scale = s.real("scale", 1);
  if (stride == 0) s.fail("a stride of 0");
  const auto emit = [&](const Values& in) {
    const Value y = stride > 0 ? ops::resize(in[0], {.size = {x[2] * stride, x[3] * stride},
                                                     .coordinates = ResizeCoordinates::asymmetric,
                                                     .rounding = ResizeRounding::floor})
                               : ops::average_pool(in[0], {.kernel = {-stride, -stride}, .window = {{-stride}}});
    const double factor = stride > 0 ? scale : scale * static_cast<double>(stride * stride);
    return factor == 1 ? y : ops::affine(y, factor);
  };
  return net.layer(s, {net.input()}, emit);
}

Value rearranged(Network& net, const Section& s, BlockOrder order) {
  picture(net, s);
  const int64_t stride = s.integer("stride", {.otherwise = 1, .least = 1, .most = most});
  for (const std::string_view option : {"flatten", "extra"})
    if (s.flag(option))
      throw Unsupported(fmt::format("line {}: [{}] {} has no counterpart", s.line(), s.name(), option));
  const bool reverse = s.flag("reverse");
  return net.layer(s, {net.input()}, [&](const Values& in) {
    return reverse ? ops::depth_to_space(in[0], {.block = stride, .order = BlockOrder::dcr})
                   : ops::space_to_depth(in[0], {.block = stride, .order = order});
  });
}

Value reorg(Network& net, const Section& s) { return rearranged(net, s, BlockOrder::darknet); }
Value reorg3d(Network& net, const Section& s) { return rearranged(net, s, BlockOrder::dcr); }

/// The middle of the picture, as in prediction, and, unless `noadjust`, brought from 0..1 to -1..1.
Value crop(Network& net, const Section& s) {
  const Shape& x = picture(net, s);
  const int64_t height = s.integer("crop_height", {.otherwise = 1, .least = 1, .most = x[2]});
  const int64_t width = s.integer("crop_width", {.otherwise = 1, .least = 1, .most = x[3]});
  const int64_t top = (x[2] - height) / 2, left = (x[3] - width) / 2;
  const bool adjust = !s.flag("noadjust");
  return net.layer(s, {net.input()}, [&](const Values& in) {
    const Value part =
        ops::slice(in[0], {0, 0, top, left}, {any_dim, any_dim, top + height, left + width}, {1, 1, 1, 1});
    return adjust ? ops::affine(part, 2, -1) : part;
  });
}

constexpr std::array kinds = {SectionKind{"maxpool", maxpool}, SectionKind{"local_avgpool", local_avgpool},
                              SectionKind{"avgpool", avgpool}, SectionKind{"upsample", upsample},
                              SectionKind{"reorg", reorg},     SectionKind{"reorg3d", reorg3d},
                              SectionKind{"crop", crop}};

}  // namespace

std::span<const SectionKind> darknet_sections_in_pooling() { return kinds; }

}  // namespace ocellus::io::darknet

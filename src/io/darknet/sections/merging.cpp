// [route], [shortcut], [scale_channels], [sam]: sections that bring in others before them.
#include <array>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/shape.h>

#include "io/darknet/network.h"

namespace ocellus::io::darknet {
namespace {

/// Joins channels; of each input only group `group_id` of `groups` equal ones.
Value route(Network& net, const Section& s) {
  const auto layers = s.integers("layers");
  if (layers.empty()) s.fail("needs layers=");
  net.spend(s, static_cast<int64_t>(layers.size()));
  const int64_t groups = s.integer("groups", {.otherwise = 1, .least = 1});
  const int64_t group = s.integer("group_id", {.otherwise = 0, .least = 0, .most = groups - 1});
  Values inputs;
  for (const int64_t reference : layers) inputs.push_back(net.output(s, reference));
  for (const Value& v : inputs)
    if (v.shape().rank() < 2 || v.shape()[1] % groups != 0)
      s.fail(fmt::format("{} has no {} equal groups of channels", v.shape().to_string(), groups));
  if (inputs.size() == 1 && groups == 1) return inputs[0];
  return net.layer(s, inputs, [&](const Values& in) {
    Values parts;
    for (const Value& v : in) {
      const int64_t part = v.shape()[1] / groups;
      parts.push_back(groups == 1 ? v : ops::slice(v, {.axis = 1, .begin = part * group, .end = part * (group + 1)}));
    }
    return parts.size() == 1 ? parts[0] : ops::concat(parts, 1);
  });
}

/// What an addition takes of `x` to fit `target` [N,C,H,W]: with fewer channels, zeros behind; with more, the first ones; a
/// larger picture every so many elements, a smaller one with zeros between.
Value fitted(const Section& s, const Value& x, const Shape& target) {
  const Shape& from = x.shape();
  if (from.rank() != 4 || target.rank() != 4)
    s.fail(fmt::format("can't add {} to {}", from.to_string(), target.to_string()));
  const int64_t stride = std::max<int64_t>(from[3] / target[3], 1), sample = std::max<int64_t>(target[3] / from[3], 1);
  const auto fits = [&](size_t axis) { return from[axis] * sample == target[axis] * stride; };
  if (!fits(2) || !fits(3)) s.fail(fmt::format("can't add {} to {}", from.to_string(), target.to_string()));
  if (sample > 1)
    throw Unsupported(fmt::format("line {}: [shortcut] from a smaller picture has no counterpart", s.line()));
  const int64_t channels = std::min(from[1], target[1]);
  Value y = ops::slice(x, {0, 0, 0, 0}, {any_dim, channels, from[2], from[3]}, {1, 1, stride, stride});
  if (channels < target[1]) y = ops::pad(y, {.before = {0, 0, 0, 0}, .after = {0, target[1] - channels, 0, 0}});
  return y;
}

Value shortcut(Network& net, const Section& s) {
  if (s.text("weights_type", "none") != "none")
    throw Unsupported(fmt::format("line {}: [shortcut] weights_type has no counterpart", s.line()));
  const auto from = s.integers("from");
  if (from.empty()) s.fail("needs from=");
  net.spend(s, 3 * static_cast<int64_t>(from.size()));
  const double alpha = s.real("alpha", 1), beta = s.real("beta", 1);
  Values inputs = {net.input()};
  for (const int64_t reference : from) inputs.push_back(net.output(s, reference));
  for (const Value& v : inputs)
    if (alpha != 1 && !(v.shape() == inputs[0].shape()))
      throw Unsupported(fmt::format("line {}: [shortcut] alpha between different shapes has no counterpart", s.line()));
  return net.layer(s, inputs, [&](const Values& in) {
    const auto scaled = [](const Value& v, double factor) { return factor == 1 ? v : ops::affine(v, factor); };
    Value sum = scaled(in[0], alpha);
    for (size_t i = 1; i < in.size(); ++i) {
      const bool same = in[i].shape() == in[0].shape();
      sum = ops::add(sum, scaled(same ? in[i] : fitted(s, in[i], in[0].shape()), beta));
    }
    return activated(s, sum, "linear");
  });
}

/// The section before is one factor a channel, or with scale_wh one a place, of the section that `from` names.
Value scale_channels(Network& net, const Section& s) {
  const auto from = s.integers("from");
  if (from.size() != 1) s.fail("needs from= and one number");
  const Value scaled = net.output(s, from[0]), factors = net.input();
  const Shape &x = scaled.shape(), &f = factors.shape();
  const bool places = s.flag("scale_wh");
  const bool fit = x.rank() == 4 && f.rank() == 4 &&
                   (places ? f[1] == 1 && f[2] == x[2] && f[3] == x[3] : f[1] == x[1] && f[2] == 1 && f[3] == 1);
  if (!fit) s.fail(fmt::format("factors {} don't fit {}", f.to_string(), x.to_string()));
  return net.layer(s, {scaled, factors},
                   [&](const Values& in) { return activated(s, ops::mul(in[0], in[1]), "linear"); });
}

/// Spatial attention (Woo et al. 2018, without its pooling): the product with another section, element by element.
Value sam(Network& net, const Section& s) {
  const auto from = s.integers("from");
  if (from.size() != 1) s.fail("needs from= and one number");
  const Value other = net.output(s, from[0]);
  if (!(other.shape() == net.input().shape()))
    s.fail(fmt::format("{} and {} must be of one shape", other.shape().to_string(), net.input().shape().to_string()));
  return net.layer(s, {other, net.input()},
                   [&](const Values& in) { return activated(s, ops::mul(in[0], in[1]), "linear"); });
}

constexpr std::array kinds = {SectionKind{"route", route}, SectionKind{"shortcut", shortcut},
                              SectionKind{"scale_channels", scale_channels}, SectionKind{"sam", sam}};

}  // namespace

std::span<const SectionKind> darknet_sections_in_merging() { return kinds; }

}  // namespace ocellus::io::darknet

// [softmax], [dropout], [activation], [logistic], [cost].
#include <array>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/ops/activation.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/shape.h>
#include <ocellus/ops/softmax.h>

#include "io/darknet/network.h"

namespace ocellus::io::darknet {
namespace {

/// Over all numbers of a sample, or over each of `groups` equal parts of them, or with `spatial` over the channels of a place.
Value softmax(Network& net, const Section& s) {
  if (s.has("tree")) throw Unsupported(fmt::format("line {}: [softmax] tree has no counterpart", s.line()));
  const int64_t groups = s.integer("groups", {.otherwise = 1, .least = 1});
  const double temperature = s.real("temperature", 1);
  if (!(temperature > 0)) s.fail("temperature must be above 0");
  const bool spatial = s.flag("spatial") && net.input().shape().rank() == 4;
  return net.layer(s, {net.input()}, [&](const Values& in) {
    Value x = spatial || in[0].shape().rank() == 2 ? in[0] : ops::flatten(in[0]);
    if (temperature != 1) x = ops::affine(x, 1 / temperature);
    if (groups == 1) return ops::softmax(x);
    const int64_t numbers = x.shape()[1];
    if (spatial || numbers % groups != 0)
      s.fail(fmt::format("{} has no {} equal groups", x.shape().to_string(), groups));
    // Softmax goes along dimension 1.
    const Value parts = ops::transpose(ops::reshape(x, {0, groups, numbers / groups}), {0, 2, 1});
    return ops::reshape(ops::transpose(ops::softmax(parts), {0, 2, 1}), {0, numbers});
  });
}

Value dropout(Network& net, const Section& s) {
  const double rate = s.real("probability", 0.5);
  if (!(rate >= 0 && rate < 1)) s.fail("probability must be at least 0 and below 1");
  if (rate == 0) return net.input();
  return net.layer(s, {net.input()}, [&](const Values& in) { return ops::dropout(in[0], rate, net.index()); });
}

Value activation(Network& net, const Section& s) {
  return net.layer(s, {net.input()}, [&](const Values& in) { return activated(s, in[0], "linear"); });
}

Value logistic(Network& net, const Section& s) {
  return net.layer(s, {net.input()}, [](const Values& in) { return ops::activation(in[0], sigmoid); });
}

constexpr std::array kinds = {SectionKind{"softmax", softmax}, SectionKind{"dropout", dropout},
                              SectionKind{"activation", activation}, SectionKind{"logistic", logistic},
                              SectionKind{"cost", nullptr}};

}  // namespace

std::span<const SectionKind> darknet_sections_in_simple() { return kinds; }

}  // namespace ocellus::io::darknet

// [yolo], [region], [detection]: how a detector's raw numbers become boxes. The numbers themselves are the model's outputs;
// what is said here goes into the model's metadata ("detector"), from where vision::Detector reads it:
//   {"heads": [{"output": 0, "kind": "cells", "classes": 80, "priors": [[w, h], ...], "softmax": false, "scale_xy": 1.05,
//               "squared": false}]}
// Priors are fractions of the picture. "squared": YOLOv4-CSP's coordinates, which the network has through a sigmoid already.
// A head of kind "grid" is YOLOv1's: {"side": 7, "boxes": 2, "sqrt": true, "softmax": false}.
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ocellus/base/error.h>

#include "io/darknet/network.h"

namespace ocellus::io::darknet {
namespace {

using nlohmann::json;

constexpr int64_t most_classes = 1 << 20, most_priors = 1 << 10, box_numbers = 5;

const Shape& cells(const Network& net, const Section& s, int64_t priors, int64_t classes) {
  const Shape& x = net.input().shape();
  if (x.rank() != 4 || x[1] != priors * (box_numbers + classes))
    s.fail(fmt::format("{} priors of {} classes need {} channels, the section before gives {}", priors, classes,
                       priors * (box_numbers + classes), x.to_string()));
  return x;
}

/// Priors of these numbers, of a list of widths and heights in units of `width` and `height`.
json priors_of(const Section& s, const std::vector<int64_t>& which, double width, double height) {
  const auto anchors = s.reals("anchors");
  json priors = json::array();
  for (const int64_t i : which) {
    if (i < 0 || 2 * i + 1 >= static_cast<int64_t>(anchors.size()))
      s.fail(fmt::format("prior {} is none of {} in anchors=", i, anchors.size() / 2));
    const auto at = static_cast<size_t>(2 * i);
    if (!(anchors[at] > 0 && anchors[at + 1] > 0)) s.fail(fmt::format("prior {} has no size", i));
    priors.push_back({anchors[at] / width, anchors[at + 1] / height});
  }
  return priors;
}

std::vector<int64_t> first(int64_t count) {
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < count; ++i) numbers.push_back(i);
  return numbers;
}

Value yolo(Network& net, const Section& s) {
  const int64_t classes = s.integer("classes", {.otherwise = 20, .least = 1, .most = most_classes});
  const int64_t total = s.integer("num", {.otherwise = 1, .least = 1, .most = most_priors});
  const auto mask = s.has("mask") ? s.integers("mask") : first(total);
  if (mask.size() > most_priors) s.fail("too many priors");
  cells(net, s, static_cast<int64_t>(mask.size()), classes);
  net.head(s, {{"kind", "cells"},
               {"classes", classes},
               {"priors", priors_of(s, mask, static_cast<double>(net.width()), static_cast<double>(net.height()))},
               {"softmax", false},
               {"scale_xy", s.real("scale_x_y", 1)},
               {"squared", s.flag("new_coords")}});
  return net.input();
}

Value region(Network& net, const Section& s) {
  if (s.has("tree")) throw Unsupported(fmt::format("line {}: [region] tree has no counterpart", s.line()));
  const int64_t classes = s.integer("classes", {.otherwise = 20, .least = 1, .most = most_classes});
  const int64_t total = s.integer("num", {.otherwise = 1, .least = 1, .most = most_priors});
  if (s.integer("coords", {.otherwise = 4}) != 4) s.fail("coords must be 4");
  const Shape& x = cells(net, s, total, classes);
  net.head(s, {{"kind", "cells"},
               {"classes", classes},
               {"priors", priors_of(s, first(total), static_cast<double>(x[3]), static_cast<double>(x[2]))},
               {"softmax", s.flag("softmax")},
               {"scale_xy", 1.0},
               {"squared", false}});
  return net.input();
}

Value detection(Network& net, const Section& s) {
  const int64_t classes = s.integer("classes", {.otherwise = 1, .least = 1, .most = most_classes});
  const int64_t side = s.integer("side", {.otherwise = 7, .least = 1, .most = 1 << 10});
  const int64_t boxes = s.integer("num", {.otherwise = 1, .least = 1, .most = most_priors});
  if (s.integer("coords", {.otherwise = 4}) != 4) s.fail("coords must be 4");
  const Shape& x = net.input().shape();
  const int64_t numbers = side * side * (classes + boxes * box_numbers);
  if (x.rank() != 2 || x[1] != numbers)
    s.fail(fmt::format("{0} x {0} cells of {1} boxes and {2} classes need {3} numbers, the section before gives {4}",
                       side, boxes, classes, numbers, x.to_string()));
  net.head(s, {{"kind", "grid"},
               {"classes", classes},
               {"side", side},
               {"boxes", boxes},
               {"sqrt", s.flag("sqrt")},
               {"softmax", s.flag("softmax")}});
  return net.input();
}

constexpr std::array kinds = {SectionKind{"yolo", yolo}, SectionKind{"region", region},
                              SectionKind{"detection", detection}};

}  // namespace

std::span<const SectionKind> darknet_sections_in_heads() { return kinds; }

}  // namespace ocellus::io::darknet

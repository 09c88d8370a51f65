#include "io/onnx/support/window.h"

#include <algorithm>

#include <fmt/format.h>

#include <ocellus/base/error.h>

namespace ocellus::io::onnx_io {

size_t spatial_rank(const OnnxNode& node) {
  const size_t rank = node.shape(0).rank();
  if (rank < 3) throw ShapeError(fmt::format("needs an input [N,C,spatial...], got {}", node.shape(0).to_string()));
  if (rank > 5) throw Unsupported(fmt::format("{} spatial dimensions", rank - 2));
  return rank - 2;
}

std::vector<int64_t> per_dimension(const OnnxNode& node, std::string_view attribute, size_t rank, int64_t otherwise) {
  auto list = node.integers(attribute, std::vector<int64_t>(rank, otherwise));
  if (list.size() != rank)
    throw ShapeError(
        fmt::format("attribute {} has {} numbers for {} spatial dimensions", attribute, list.size(), rank));
  return list;
}

Window window_of(const OnnxNode& node, size_t rank) {
  Window window{.stride = per_dimension(node, "strides", rank, 1),
                .dilation = per_dimension(node, "dilations", rank, 1)};
  const std::string rule = node.text("auto_pad", "NOTSET");
  if (rule == "SAME_UPPER") {
    window.padding = same;
  } else if (rule == "SAME_LOWER") {
    window.padding = same_lower;
  } else if (rule == "NOTSET") {
    const auto pads = node.integers("pads", std::vector<int64_t>(2 * rank, 0));
    if (pads.size() != 2 * rank)
      throw ShapeError(fmt::format("attribute pads has {} numbers for {} spatial dimensions", pads.size(), rank));
    if (std::ranges::any_of(pads, [](int64_t p) { return p < 0; })) throw Unsupported("negative padding");
    const auto middle = pads.begin() + static_cast<int64_t>(rank);
    window.padding = Padding({pads.begin(), middle}, {middle, pads.end()});
  } else if (rule != "VALID") {
    throw ShapeError(fmt::format("attribute auto_pad can't be \"{}\"", rule));
  }
  return window;
}

}  // namespace ocellus::io::onnx_io

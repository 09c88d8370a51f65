#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include <ocellus/ops/window.h>

namespace ocellus {
namespace {

std::string list(std::span<const int64_t> values) { return fmt::format("[{}]", fmt::join(values, ",")); }

/// One element per spatial dimension: of an empty list all are `fallback`, of a one-element list all are that element.
std::vector<int64_t> spread(const std::vector<int64_t>& values, size_t rank, int64_t fallback, std::string_view name) {
  if (values.size() == rank) return values;
  if (values.size() > 1)
    throw ShapeError(
        fmt::format("{} {} has {} elements for {} spatial dimensions", name, list(values), values.size(), rank));
  return std::vector<int64_t>(rank, values.empty() ? fallback : values[0]);
}

void expect_at_least(const std::vector<int64_t>& values, int64_t least, std::string_view name) {
  if (std::ranges::any_of(values, [&](int64_t v) { return v < least; }))
    throw ShapeError(fmt::format("{} {} must be at least {}", name, list(values), least));
}

/// Elements that the window covers in dimension i, gaps of dilation included.
int64_t extent(const PlacedWindow& p, size_t i) { return (p.kernel[i] - 1) * p.dilation[i] + 1; }

/// Padding of "same": ceil(n / stride) outputs, the odd element at the end or at the beginning.
void pad_same(PlacedWindow& p, size_t i, bool lower) {
  const int64_t outputs = (p.input[i] + p.stride[i] - 1) / p.stride[i];
  const int64_t total = std::max<int64_t>((outputs - 1) * p.stride[i] + extent(p, i) - p.input[i], 0);
  p.pad_begin[i] = lower ? total - total / 2 : total / 2;
  p.pad_end[i] = total - p.pad_begin[i];
}

bool is_same(const Window& w) { return w.padding.rule == PadRule::same || w.padding.rule == PadRule::same_lower; }

/// The window's own sizes for `input.size()` dimensions, checked; padding of "same" and outputs are still missing.
PlacedWindow spread_window(const Window& w, std::span<const int64_t> input, std::span<const int64_t> kernel) {
  const size_t rank = input.size();
  PlacedWindow p;
  p.input.assign(input.begin(), input.end());
  p.kernel.assign(kernel.begin(), kernel.end());
  if (kernel.size() != rank)
    throw ShapeError(
        fmt::format("kernel {} has {} elements for {} spatial dimensions", list(kernel), kernel.size(), rank));
  p.stride = spread(w.stride, rank, 1, "stride");
  p.dilation = spread(w.dilation, rank, 1, "dilation");
  const bool given = w.padding.rule == PadRule::explicit_;
  p.pad_begin = spread(given ? w.padding.begin : std::vector<int64_t>{}, rank, 0, "padding at the beginning");
  p.pad_end = spread(given ? w.padding.end : std::vector<int64_t>{}, rank, 0, "padding at the end");
  expect_at_least(p.kernel, 1, "kernel");
  expect_at_least(p.stride, 1, "stride");
  expect_at_least(p.dilation, 1, "dilation");
  expect_at_least(p.pad_begin, 0, "padding at the beginning");
  expect_at_least(p.pad_end, 0, "padding at the end");
  p.output.resize(rank);
  return p;
}

void count_outputs(PlacedWindow& p, size_t i, bool ceil_mode) {
  const int64_t room = p.input[i] + p.pad_begin[i] + p.pad_end[i] - extent(p, i);
  if (ceil_mode && room > -p.stride[i] && room % p.stride[i] != 0) {
    int64_t steps = room < 0 ? 0 : room / p.stride[i] + 1;
    if (steps * p.stride[i] >= p.input[i] + p.pad_begin[i]) --steps;
    p.output[i] = steps + 1;
    p.pad_end[i] = std::max(p.pad_end[i], steps * p.stride[i] + extent(p, i) - p.input[i] - p.pad_begin[i]);
  } else {
    p.output[i] = room < 0 ? 0 : room / p.stride[i] + 1;
  }
}

}  // namespace

std::span<const std::string_view> enum_names(PadRule) {
  static constexpr std::array<std::string_view, 4> names = {"valid", "same", "same_lower", "explicit"};
  return names;
}

void visit_window(AttrVisitor& v, const Window& w) {
  v("stride", w.stride);
  v("dilation", w.dilation);
  v("padding", w.padding.rule);
  v("pad_begin", w.padding.begin);
  v("pad_end", w.padding.end);
}

PlacedWindow place(const Window& w, std::span<const int64_t> input, std::span<const int64_t> kernel, bool ceil_mode) {
  const size_t rank = input.size();
  PlacedWindow p = spread_window(w, input, kernel);
  for (size_t i = 0; i < rank; ++i)
    if (is_same(w)) pad_same(p, i, w.padding.rule == PadRule::same_lower);
  p.asked_end = p.pad_end;
  for (size_t i = 0; i < rank; ++i) {
    count_outputs(p, i, ceil_mode);
    if (p.output[i] < 1)
      throw ShapeError(fmt::format("kernel {} with dilation {} does not fit into input {} with padding {} and {}",
                                   list(p.kernel), list(p.dilation), list(p.input), list(p.pad_begin),
                                   list(p.asked_end)));
  }
  return p;
}

std::vector<int64_t> place_transposed(const Window& w, std::span<const int64_t> input, std::span<const int64_t> kernel,
                                      const std::vector<int64_t>& output_padding) {
  const PlacedWindow p = spread_window(w, input, kernel);
  const std::vector<int64_t> more = spread(output_padding, input.size(), 0, "output padding");
  const bool by_rule = output_padding.empty();
  std::vector<int64_t> sizes;
  for (size_t i = 0; i < input.size(); ++i) {
    const int64_t reached = (input[i] - 1) * p.stride[i], covered = extent(p, i);
    if (is_same(w))
      sizes.push_back(by_rule ? input[i] * p.stride[i] : reached + covered % 2 + more[i]);
    else if (w.padding.rule == PadRule::valid && by_rule)
      sizes.push_back(reached + std::max(covered, p.stride[i]));
    else
      sizes.push_back(reached + covered - p.pad_begin[i] - p.pad_end[i] + more[i]);
  }
  if (std::ranges::any_of(sizes, [](int64_t size) { return size < 1; }))
    throw ShapeError(fmt::format("nothing is left of input {} between padding {} and {}", list(input),
                                 list(p.pad_begin), list(p.pad_end)));
  expect_at_least(more, 0, "output padding");
  if (const std::vector<int64_t> back = place(w, sizes, kernel).output; !std::ranges::equal(back, input))
    throw ShapeError(fmt::format("output padding {} does not fit stride {}: a convolution of {} gives {}, not {}",
                                 list(more), list(p.stride), list(sizes), list(back), list(input)));
  return sizes;
}

std::vector<int64_t> spatial(const Shape& shape) {
  if (shape.rank() < 2) return {};
  return {shape.begin() + 2, shape.end()};
}

}  // namespace ocellus

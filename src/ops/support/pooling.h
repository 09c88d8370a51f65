// What the pooling operators share.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include <ocellus/base/threads.h>
#include <ocellus/ops/pool.h>

#include "ops/support/checks.h"

namespace ocellus::detail {

inline void expect_pool_input(const TensorType& t, std::string_view what) {
  expect_floating(t, what);
  if (t.shape.rank() < 3 || t.shape.rank() > 5)
    throw ShapeError(fmt::format("{} must be [N,C] and 1 to 3 spatial dimensions, got {}", what, t.shape.to_string()));
}

/// Places a pooling window; throws ShapeError when one of its positions would hold padding alone.
inline PlacedWindow place_pool(const Window& window, const std::vector<int64_t>& kernel, std::span<const int64_t> input,
                               bool ceil_mode) {
  std::vector<int64_t> sizes = kernel;
  if (sizes.size() == 1) sizes.resize(input.size(), kernel[0]);
  PlacedWindow p = place(window, input, sizes, ceil_mode);
  for (size_t i = 0; i < input.size(); ++i)
    for (int64_t out = 0; out < p.output[i]; ++out) {
      bool meets = false;
      for (int64_t tap = 0; tap < p.kernel[i] && !meets; ++tap) {
        const int64_t at = out * p.stride[i] + tap * p.dilation[i] - p.pad_begin[i];
        meets = at >= 0 && at < p.input[i];
      }
      if (!meets)
        throw ShapeError(fmt::format("kernel [{}] would see nothing but padding [{}] and [{}] around input [{}]",
                                     fmt::join(p.kernel, ","), fmt::join(p.pad_begin, ","), fmt::join(p.asked_end, ","),
                                     fmt::join(p.input, ",")));
    }
  return p;
}

/// [N, C] of `t` followed by `sizes`.
inline Shape with_spatial(const Shape& shape, const std::vector<int64_t>& sizes) {
  std::vector<int64_t> dims = {shape[0], shape[1]};
  dims.insert(dims.end(), sizes.begin(), sizes.end());
  return Shape(std::span<const int64_t>(dims));
}

/// The attributes that a pooling operator with a window has, in one order.
template <class O>
void visit_pool(AttrVisitor& v, const O& op) {
  visit_window(v, op.window);
  v("kernel", op.kernel);
  if constexpr (requires { op.input; }) v("input", op.input);
  v("ceil_mode", op.ceil_mode);
  if constexpr (requires { op.count_include_pad; }) v("count_include_pad", op.count_include_pad);
}

/// The backward operator, of type B, of a pooling operator with a window.
template <class B, class O>
B backward_pool(const O& op, const Shape& x) {
  B backward;
  backward.window = op.window;
  backward.kernel = op.kernel;
  backward.input = spatial(x);
  backward.ceil_mode = op.ceil_mode;
  if constexpr (requires { op.count_include_pad; }) backward.count_include_pad = op.count_include_pad;
  return backward;
}

/// Calls f(input element, output element) with the first ones of each plane, in parallel. `shape` has batch and channels in
/// front, and the planes have these many elements.
template <class F>
void for_each_plane(const Shape& shape, int64_t in_size, int64_t out_size, F&& f) {
  parallel_for(shape[0] * shape[1], 16, [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) f(plane * in_size, plane * out_size);
  });
}

/// Gradients to where the maxima came from, in one plane.
template <class T>
void scatter(const T* dy, const int32_t* at, int64_t outputs, T* dx, int64_t inputs) {
  std::fill_n(dx, inputs, T(0));
  for (int64_t i = 0; i < outputs; ++i) dx[at[i]] += dy[i];
}

/// Whether `value` replaces `largest`: NaN counts as larger than all, and the first of equals stays.
template <class T>
bool exceeds(T value, T largest) {
  return value > largest || (std::isnan(value) && !std::isnan(largest));
}

/// A pooling operator of type O from the builders' arguments, every list with one element per spatial dimension.
template <class O>
O pooling(const Value& x, const ops::PoolConfig& config) {
  const size_t rank = x.shape().rank() < 2 ? 0 : x.shape().rank() - 2;
  O op;
  op.kernel = config.kernel.size() == 1 ? std::vector<int64_t>(rank, config.kernel[0]) : config.kernel;
  op.window = config.window;
  if (op.window.stride.empty()) op.window.stride = op.kernel;
  op.ceil_mode = config.ceil_mode;
  return op;
}

}  // namespace ocellus::detail

// Regions of interest, and pooling of them that is a weighted sum of elements for each bin.
//
// A bin's weights are the same for all channels, so evaluations take a few channels together, and go bin by bin, element
// by element, and through these channels innermost. Forward regions are shared among threads; backward, where regions
// overlap, the channels are.
#pragma once

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <ocellus/base/threads.h>

#include "ops/support/bins.h"
#include "ops/support/checks.h"

namespace ocellus::detail {

/// Throws unless `x` is features [N,C,H,W] and `regions` [R,5].
inline void expect_regions(const TensorType& x, const TensorType& regions) {
  expect_floating(x, "input");
  expect_floating(regions, "regions");
  if (x.shape.rank() != 4 || x.shape[2] == 0 || x.shape[3] == 0)
    throw ShapeError("input must be [N,C,H,W] with rows and columns, got " + x.shape.to_string());
  if (regions.shape.rank() != 2 || regions.shape[1] != 5)
    throw ShapeError("regions must be [R,5], got " + regions.shape.to_string());
}

/// Throws unless `output` is two sizes of at least 1.
inline void expect_bins(const std::vector<int64_t>& output) {
  if (output.size() != 2 || std::ranges::min(output) < 1)
    throw ShapeError(fmt::format("size [{}] must be two numbers of at least 1", fmt::join(output, ",")));
}

/// Throws unless dy is [R, channels, bins...] for these regions.
inline void expect_pooled(const TensorType& dy, const TensorType& regions, int64_t channels) {
  expect_floating(dy, "dy");
  if (dy.shape.rank() != 4 || !agree(dy.shape[0], regions.shape[0]) || dy.shape[1] != channels)
    throw ShapeError(fmt::format("dy must be [{},{}] and rows and columns of bins, got {}", dim_text(regions.shape[0]),
                                 channels, dy.shape.to_string()));
}

/// A region in the coordinates of the features.
struct Region {
  int64_t image = 0;
  double x1 = 0, y1 = 0, x2 = 0, y2 = 0;
};

/// Row r of the regions. Throws UsageError, in the name of `op`, for an image that the batch does not have, and for
/// corners that are not finite or so far away that elements can't be counted.
template <class T>
Region region_at(const Tensor& regions, int64_t r, double scale, int64_t batch, std::string_view op) {
  constexpr double far = 1 << 24;
  const auto row = regions.as<T>().subspan(static_cast<size_t>(r) * 5, 5);
  const auto image = static_cast<double>(row[0]);
  if (!(image >= 0 && image < static_cast<double>(batch)))
    throw UsageError(fmt::format("[{}] region {} names image {} of a batch of {}", op, r, image, batch));
  for (size_t i = 1; i < 5; ++i)
    if (!(std::abs(static_cast<double>(row[i]) * scale) < far))
      throw UsageError(fmt::format("[{}] region {} has a corner at {}", op, r, static_cast<double>(row[i])));
  return {static_cast<int64_t>(image), row[1] * scale, row[2] * scale, row[3] * scale, row[4] * scale};
}

template <class T>
void expect_all_regions(const Tensor& regions, double scale, int64_t batch, std::string_view op) {
  for (int64_t r = 0; r < regions.shape()[0]; ++r) region_at<T>(regions, r, scale, batch, op);
}

/// Whole elements of one dimension of a region.
struct Elements {
  int64_t begin, size;

  /// Bin i of `bins`, cut to elements [0, limit).
  Bin bin(int64_t i, int64_t bins, int64_t limit) const {
    const Bin whole = bin_of(i, size, bins);
    return {std::clamp<int64_t>(begin + whole.begin, 0, limit), std::clamp<int64_t>(begin + whole.end, 0, limit)};
  }
};

/// A region's elements from one rounded corner to the other, both included and one at least.
inline Elements whole_elements(double first, double last) {
  const int64_t begin = std::llround(first);
  return {begin, std::max<int64_t>(std::llround(last) - begin + 1, 1)};
}

/// Channels whose planes are near enough in cache to be walked together.
inline constexpr int64_t channels_together = 8;

/// y = sums over each bin's elements. make(region) describes the pooling of one region: `each(bin, f)` calls f(element of
/// a plane, weight), and `channel(c, bin)` is the channel of x from which channel c of the output takes a bin.
template <class T, class Make>
void pool_regions(const Tensor& x, const Tensor& regions, double scale, std::string_view op, const Make& make,
                  Tensor& out) {
  const Shape &in = x.shape(), &pooled = out.shape();
  const int64_t channels = pooled[1], bins = pooled[2] * pooled[3], plane = in[2] * in[3];
  const int64_t blocks = (channels + channels_together - 1) / channels_together;
  expect_all_regions<T>(regions, scale, in[0], op);
  std::ranges::fill(out.as<T>(), T(0));
  parallel_for(pooled[0] * blocks, 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t r = i / blocks, first = i % blocks * channels_together;
      const Region region = region_at<T>(regions, r, scale, in[0], op);
      const auto pooling = make(region);
      const T* from = x.as<T>().data() + region.image * in[1] * plane;
      T* to = out.as<T>().data() + r * channels * bins;
      for (int64_t bin = 0; bin < bins; ++bin)
        pooling.each(bin, [&](int64_t element, double weight) {
          for (int64_t c = first; c < std::min(first + channels_together, channels); ++c)
            to[c * bins + bin] += static_cast<T>(weight) * from[pooling.channel(c, bin) * plane + element];
        });
    }
  });
}

/// The gradient of that with respect to x.
template <class T, class Make>
void scatter_regions(const Tensor& dy, const Tensor& regions, double scale, std::string_view op, const Make& make,
                     Tensor& out) {
  const Shape &in = out.shape(), &pooled = dy.shape();
  const int64_t channels = pooled[1], bins = pooled[2] * pooled[3], plane = in[2] * in[3];
  const int64_t blocks = (channels + channels_together - 1) / channels_together;
  expect_all_regions<T>(regions, scale, in[0], op);
  std::ranges::fill(out.as<T>(), T(0));
  parallel_for(pooled[0] == 0 ? 0 : blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * pooled[0]; i < end * pooled[0]; ++i) {
      const int64_t r = i % pooled[0], first = i / pooled[0] * channels_together;
      const Region region = region_at<T>(regions, r, scale, in[0], op);
      const auto pooling = make(region);
      const T* from = dy.as<T>().data() + r * channels * bins;
      T* to = out.as<T>().data() + region.image * in[1] * plane;
      for (int64_t bin = 0; bin < bins; ++bin)
        pooling.each(bin, [&](int64_t element, double weight) {
          for (int64_t c = first; c < std::min(first + channels_together, channels); ++c)
            to[pooling.channel(c, bin) * plane + element] += static_cast<T>(weight) * from[c * bins + bin];
        });
    }
  });
}

}  // namespace ocellus::detail

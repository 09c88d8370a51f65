// How RoI align samples a region: for its evaluation and for kernels.
#pragma once

#include <array>

#include "ops/support/regions.h"

namespace ocellus::detail {

/// The two elements of a dimension between which a sample lies, and the weight of each; none outside the features.
struct Between {
  std::array<int64_t, 2> at{};
  std::array<double, 2> weight{};
};

/// Up to one element outside, a sample is the outermost element (torchvision).
inline Between between(double place, int64_t n) {
  if (!(place >= -1 && place <= static_cast<double>(n))) return {};
  const double inside = std::clamp(place, 0.0, static_cast<double>(n - 1));
  const auto low = static_cast<int64_t>(inside);
  const double next = inside - static_cast<double>(low);
  return {{low, std::min(low + 1, n - 1)}, {1 - next, next}};
}

/// How one dimension of a region is sampled.
struct Samples {
  double start, step;  ///< of the first sample, and from one to the next
  int64_t of_bin;

  template <class O>
  Samples(const O& op, double from, double to, int64_t bins) {
    const double shift = op.aligned ? 0.5 : 0;
    const double size = op.aligned ? to - from : std::max(to - from, 1.0);
    const double bin = size / static_cast<double>(bins);
    of_bin = op.sampling_ratio > 0 ? op.sampling_ratio : std::max<int64_t>(static_cast<int64_t>(std::ceil(bin)), 0);
    step = of_bin > 0 ? bin / static_cast<double>(of_bin) : 0;
    start = from - shift + step / 2;
  }

  double at(int64_t i) const { return start + static_cast<double>(i) * step; }
};

/// Where one region's bins take their elements from.
struct Aligned {
  Samples ys, xs;
  int64_t height, width, columns;

  static int64_t channel(int64_t c, int64_t) { return c; }

  template <class F>
  void each(int64_t bin, F&& f) const {
    const double share = 1 / static_cast<double>(std::max<int64_t>(ys.of_bin * xs.of_bin, 1));
    for (int64_t i = 0; i < ys.of_bin; ++i) {
      const Between y = between(ys.at(bin / columns * ys.of_bin + i), height);
      for (int64_t j = 0; j < xs.of_bin; ++j) {
        const Between x = between(xs.at(bin % columns * xs.of_bin + j), width);
        for (size_t a = 0; a < 2; ++a)
          for (size_t b = 0; b < 2; ++b)
            if (const double weight = y.weight[a] * x.weight[b]; weight != 0)
              f(y.at[a] * width + x.at[b], weight * share);
      }
    }
  }
};

/// Makes the pooling of a region, for features and bins of these shapes.
template <class O>
auto aligned_maker(const O& op, const Shape& features, const Shape& pooled) {
  return [&op, height = features[2], width = features[3], rows = pooled[2], columns = pooled[3]](const Region& r) {
    return Aligned{Samples(op, r.y1, r.y2, rows), Samples(op, r.x1, r.x2, columns), height, width, columns};
  };
}

}  // namespace ocellus::detail

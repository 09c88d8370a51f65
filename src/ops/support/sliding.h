// How a window slides over one plane, for reference evaluations of convolution and pooling.
//
// One and two spatial dimensions are three with ones in front. A window's element (a tap) meets the input in rows: as the
// output's last index runs, so does the input's, in steps of the stride. `for_each_row` gives these rows tap by tap, cut to
// where they lie inside the input, so that no inner loop asks about padding.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include <ocellus/ops/window.h>

namespace ocellus::detail {

/// Outputs at out, out+1, ... (count of them) meet inputs at in, in+step, ... under the window's element `tap`.
struct SlidingRow {
  int64_t tap, out, in, count, step;
};

class Sliding {
 public:
  explicit Sliding(const PlacedWindow& p) {
    const size_t rank = p.input.size(), skip = 3 - rank;
    for (size_t i = 0; i < rank; ++i)
      dims_[skip + i] = {p.input[i], p.kernel[i], p.stride[i], p.dilation[i], p.pad_begin[i], p.output[i]};
  }

  int64_t input_size() const { return product(&Dim::input); }
  int64_t output_size() const { return product(&Dim::output); }
  int64_t taps() const { return product(&Dim::kernel); }

  template <class F>
  void for_each_row(F&& f) const {
    const auto& [depth, height, width] = dims_;
    for (int64_t a = 0; a < depth.kernel; ++a)
      for (int64_t b = 0; b < height.kernel; ++b)
        for (int64_t c = 0; c < width.kernel; ++c) {
          const Range zs = depth.reach(a), ys = height.reach(b), xs = width.reach(c);
          if (xs.begin >= xs.end) continue;
          const int64_t tap = (a * height.kernel + b) * width.kernel + c;
          for (int64_t z = zs.begin; z < zs.end; ++z)
            for (int64_t y = ys.begin; y < ys.end; ++y)
              f(SlidingRow{tap, (z * height.output + y) * width.output + xs.begin,
                           (depth.at(z, a) * height.input + height.at(y, b)) * width.input + width.at(xs.begin, c),
                           xs.end - xs.begin, width.stride});
        }
  }

 private:
  struct Range {
    int64_t begin, end;
  };
  struct Dim {
    int64_t input = 1, kernel = 1, stride = 1, dilation = 1, pad = 0, output = 1;

    int64_t at(int64_t out, int64_t tap) const { return out * stride + tap * dilation - pad; }
    /// The outputs whose element `tap` lies inside the input.
    Range reach(int64_t tap) const {
      const int64_t offset = tap * dilation - pad;
      if (offset >= input) return {0, 0};
      const int64_t first = offset < 0 ? (-offset + stride - 1) / stride : 0;
      return {first, std::min(output, (input - 1 - offset) / stride + 1)};
    }
  };

  int64_t product(int64_t Dim::*size) const { return dims_[0].*size * dims_[1].*size * dims_[2].*size; }

  std::array<Dim, 3> dims_;
};

}  // namespace ocellus::detail

// Bins of adaptive pooling: they cover a plane, and neighbours may overlap by one element.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace ocellus::detail {

/// Elements [begin, end) of a dimension.
struct Bin {
  int64_t begin, end;
};

/// Bin i of `bins` over n elements: floor(i * n / bins) to ceil((i + 1) * n / bins).
inline Bin bin_of(int64_t i, int64_t n, int64_t bins) { return {i * n / bins, ((i + 1) * n + bins - 1) / bins}; }

/// The bins of a plane; one and two spatial dimensions are three with ones in front.
class Bins {
 public:
  Bins(std::span<const int64_t> input, std::span<const int64_t> output) {
    const size_t skip = 3 - input.size();
    for (size_t i = 0; i < input.size(); ++i) {
      in_[skip + i] = input[i];
      out_[skip + i] = output[i];
    }
  }

  int64_t input_size() const { return in_[0] * in_[1] * in_[2]; }
  int64_t output_size() const { return out_[0] * out_[1] * out_[2]; }

  /// Calls f(output element, input element, elements of its bin) for all, bin by bin, elements in their order.
  template <class F>
  void each(F&& f) const {
    for (int64_t to = 0; to < output_size(); ++to) {
      const Bin zs = bin_of(to / (out_[2] * out_[1]), in_[0], out_[0]);
      const Bin ys = bin_of(to / out_[2] % out_[1], in_[1], out_[1]);
      const Bin xs = bin_of(to % out_[2], in_[2], out_[2]);
      const int64_t count = (zs.end - zs.begin) * (ys.end - ys.begin) * (xs.end - xs.begin);
      for (int64_t z = zs.begin; z < zs.end; ++z)
        for (int64_t y = ys.begin; y < ys.end; ++y)
          for (int64_t x = xs.begin; x < xs.end; ++x) f(to, (z * in_[1] + y) * in_[2] + x, count);
    }
  }

 private:
  std::array<int64_t, 3> in_ = {1, 1, 1}, out_ = {1, 1, 1};
};

}  // namespace ocellus::detail

// Direct convolution on flat planes.
//
// With stride 1 and rows stored with their padding, output position p meets input p + ky*row + kx for every tap: a convolution is
// a sum of shifted copies of flat arrays, each times a weight. A register tile holds some output channels times some vectors of
// positions; for each tap it loads the vectors once and multiplies them with every channel's weight. The gradient of the input
// runs the other way: a tile sums over the output channels what several taps get, and adds it to the shifted places. The
// gradient of the weights is, for each tap, the dot product of dy with a shifted plane, kept as a vector per weight until the
// end. Nothing is padded to blocks of channels, which is what makes
// networks with 6 or 16 channels slow elsewhere.
#include "backend/simd/loops/small_conv.h"

#include <algorithm>
#include <array>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/simd/loops/small_conv.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h, once per target.
#include "backend/simd/loops/cover-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ocellus::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
// The tiles' loops have constant bounds and must become straight code, or the sums would live in memory.
#define OCELLUS_UNROLL _Pragma("GCC unroll 8")
using Tag = hn::ScalableTag<float>;
using Vec = hn::Vec<Tag>;

/// 32 vector registers instead of 16.
constexpr bool many_registers = HWY_TARGET <= HWY_AVX3 && HWY_TARGET != HWY_SCALAR;

/// Output channels of a register tile, and vectors of positions beside them.
constexpr std::array<int, 5> tile_channels = many_registers ? std::array{8, 6, 4, 2, 1} : std::array{6, 4, 3, 2, 1};
constexpr int tile_vectors(int channels) {
  if (many_registers) return channels == 8 ? 3 : 4;
  return channels == 6 ? 2 : channels == 4 ? 3 : 4;
}

/// Channels of the next tile when `left` remain.
int64_t next_tile(int64_t left) {
  for (const int channels : tile_channels)
    if (channels <= left) return channels;
  return 1;
}

/// One tile: K channels, V vectors. `x` points at the first position, weights at [input channel, tap][K].
template <int K, int V>
HWY_INLINE void tile(const SmallConv& s, const float* HWY_RESTRICT x, const float* HWY_RESTRICT w,
                     const float* HWY_RESTRICT bias, float* HWY_RESTRICT out, int64_t out_plane) {
  const Tag d;
  const size_t lanes = hn::Lanes(d);
  Vec sum[K][V];
  OCELLUS_UNROLL
  for (int k = 0; k < K; ++k) OCELLUS_UNROLL
  for (int v = 0; v < V; ++v) sum[k][v] = hn::Set(d, bias ? bias[k] : 0.0f);
  const int64_t row = s.row(), plane = s.plane(), column = s.column();
  for (int64_t c = 0; c < s.in_channels; ++c)
    for (int64_t ky = 0; ky < s.kernel_h; ++ky) {
      const float* at = x + c * plane + ky * row;
      for (int64_t kx = 0; kx < s.kernel_w; ++kx, w += K, at += column) {
        Vec in[V];
        OCELLUS_UNROLL
        for (int v = 0; v < V; ++v) in[v] = hn::LoadU(d, at + static_cast<size_t>(v) * lanes);
        OCELLUS_UNROLL
        for (int k = 0; k < K; ++k) {
          const Vec weight = hn::Set(d, w[k]);
          OCELLUS_UNROLL
          for (int v = 0; v < V; ++v) sum[k][v] = hn::MulAdd(in[v], weight, sum[k][v]);
        }
      }
    }
  OCELLUS_UNROLL
  for (int k = 0; k < K; ++k) OCELLUS_UNROLL
  for (int v = 0; v < V; ++v) hn::StoreU(sum[k][v], d, out + k * out_plane + static_cast<int64_t>(v * lanes));
}

/// All positions of K channels, V vectors at a time, then fewer.
template <int K, int V>
HWY_INLINE void all_positions(const SmallConv& s, const float* planes, const float* w, const float* bias, float* out,
                              int64_t first) {
  if constexpr (V > 0) {
    const auto step = static_cast<int64_t>(V * hn::Lanes(Tag()));
    const int64_t wanted = s.positions();
    // A tile of all V vectors while it is filled; the rest goes to a smaller one.
    for (; wanted - first > step - static_cast<int64_t>(hn::Lanes(Tag())); first += step)
      tile<K, V>(s, planes + first, w, bias, out + first, s.output_plane());
    if (first < wanted) all_positions<K, V - 1>(s, planes, w, bias, out, first);
  }
}

template <int K>
HWY_NOINLINE void channels(const SmallConv& s, const float* planes, const float* w, const float* bias, float* out) {
  all_positions<K, tile_vectors(K)>(s, planes, w, bias, out, 0);
}

void multiply(const SmallConv& s, const float* planes, const float* packed, const float* bias, float* positions) {
  for (int64_t k = 0; k < s.out_channels;) {
    const auto count = next_tile(s.out_channels - k);
    const float* b = bias ? bias + k : nullptr;
    float* out = positions + k * s.output_plane();
    switch (count) {
      case 8: channels<8>(s, planes, packed, b, out); break;
      case 6: channels<6>(s, planes, packed, b, out); break;
      case 4: channels<4>(s, planes, packed, b, out); break;
      case 3: channels<3>(s, planes, packed, b, out); break;
      case 2: channels<2>(s, planes, packed, b, out); break;
      default: channels<1>(s, planes, packed, b, out); break;
    }
    packed += count * s.in_channels * s.taps();
    k += count;
  }
}

void pack(const SmallConv& s, const float* weights, float* packed) {
  const int64_t rows = s.in_channels * s.taps();
  for (int64_t k = 0; k < s.out_channels;) {
    const auto count = next_tile(s.out_channels - k);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t i = 0; i < count; ++i) *packed++ = weights[(k + i) * rows + r];
    k += count;
  }
}

/// Taps of input channels that a tile sums for: where each one's plane begins, and its weight for the first output channel.
struct Taps {
  int64_t shift[8], weight[8];
};

/// R taps, V vectors of positions.
template <int R, int V>
HWY_INLINE void scatter_tile(const SmallConv& s, const float* HWY_RESTRICT dy, const float* HWY_RESTRICT w,
                             const Taps& taps, float* HWY_RESTRICT planes) {
  const Tag d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t rows = s.in_channels * s.taps(), out_plane = s.output_plane();
  Vec sum[R][V];
  OCELLUS_UNROLL
  for (int r = 0; r < R; ++r) OCELLUS_UNROLL
  for (int v = 0; v < V; ++v) sum[r][v] = hn::Zero(d);
  for (int64_t k = 0; k < s.out_channels; ++k, dy += out_plane, w += rows) {
    Vec g[V];
    OCELLUS_UNROLL
    for (int v = 0; v < V; ++v) g[v] = hn::LoadU(d, dy + v * lanes);
    OCELLUS_UNROLL
    for (int r = 0; r < R; ++r) {
      const Vec weight = hn::Set(d, w[taps.weight[r]]);
      OCELLUS_UNROLL
      for (int v = 0; v < V; ++v) sum[r][v] = hn::MulAdd(g[v], weight, sum[r][v]);
    }
  }
  OCELLUS_UNROLL
  for (int r = 0; r < R; ++r) {
    float* to = planes + taps.shift[r];
    OCELLUS_UNROLL
    for (int v = 0; v < V; ++v) hn::StoreU(hn::Add(hn::LoadU(d, to + v * lanes), sum[r][v]), d, to + v * lanes);
  }
}

template <int R, int V>
HWY_INLINE void scatter_positions(const SmallConv& s, const float* dy, const float* w, const Taps& taps, float* planes,
                                  int64_t first) {
  if constexpr (V > 0) {
    const auto lanes = static_cast<int64_t>(hn::Lanes(Tag()));
    for (; s.positions() - first > (V - 1) * lanes; first += V * lanes)
      scatter_tile<R, V>(s, dy + first, w, taps, planes + first);
    if (first < s.positions()) scatter_positions<R, V - 1>(s, dy, w, taps, planes, first);
  }
}

template <int R>
HWY_NOINLINE void scatter_rows(const SmallConv& s, const float* dy, const float* w, const Taps& taps, float* planes) {
  scatter_positions<R, tile_vectors(R)>(s, dy, w, taps, planes, 0);
}

/// Channel by channel for each tap: neighbouring taps would write to overlapping places one right after the other.
void scatter(const SmallConv& s, const float* dy, const float* weights, float* planes) {
  const int64_t rows = s.in_channels * s.taps();
  for (int64_t r = 0; r < rows;) {
    const auto count = next_tile(std::min(rows - r, s.in_channels - r % s.in_channels));
    Taps taps;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t c = (r + i) % s.in_channels, tap = (r + i) / s.in_channels;
      taps.shift[i] = c * s.plane() + tap / s.kernel_w * s.row() + tap % s.kernel_w;
      taps.weight[i] = c * s.taps() + tap;
    }
    switch (count) {
      case 8: scatter_rows<8>(s, dy, weights, taps, planes); break;
      case 6: scatter_rows<6>(s, dy, weights, taps, planes); break;
      case 4: scatter_rows<4>(s, dy, weights, taps, planes); break;
      case 3: scatter_rows<3>(s, dy, weights, taps, planes); break;
      case 2: scatter_rows<2>(s, dy, weights, taps, planes); break;
      default: scatter_rows<1>(s, dy, weights, taps, planes); break;
    }
    r += count;
  }
}

/// Copies the positions that mean something to y, through the activation. Rows without gaps are one long row.
void finish(const SmallConv& s, const float* positions, float below, float* y) {
  const int64_t rows = s.row() == s.out_w ? 1 : s.out_h, width = s.out_h * s.out_w / rows;
  for (int64_t k = 0; k < s.out_channels; ++k)
    for (int64_t oy = 0; oy < rows; ++oy) {
      const float* from = positions + k * s.output_plane() + oy * s.row();
      float* to = y + (k * rows + oy) * width;
      cover(width, [&](auto d, int64_t x) HWY_ATTR {
        const auto v = hn::LoadU(d, from + x);
        hn::StoreU(hn::IfThenElse(hn::Lt(v, hn::Zero(d)), hn::Mul(v, hn::Set(d, below)), v), d, to + x);
      });
    }
}

/// Rows of `width` floats between two arrays with their own distances from row to row.
void copy_rows(const float* from, int64_t from_row, float* to, int64_t to_row, int64_t width, int64_t rows) {
  if (from_row == width && to_row == width) width *= std::exchange(rows, 1);
  for (int64_t y = 0; y < rows; ++y, from += from_row, to += to_row)
    cover(width, [&](auto d, int64_t x) HWY_ATTR { hn::StoreU(hn::LoadU(d, from + x), d, to + x); });
}

/// Columns of the image that a shifted copy holds, and where they begin in the copy's rows.
struct Columns {
  int64_t image, copy, width;
};
Columns columns(const SmallConv& s, int64_t kx) {
  const int64_t from = kx - s.pad_left, first = std::max<int64_t>(from, 0);
  return {first, first - from, std::max<int64_t>(0, std::min(s.in_w, from + s.out_w) - first)};
}

void fill(const SmallConv& s, const float* x, float* planes) {
  for (int64_t c = 0; c < s.in_channels; ++c, x += s.in_h * s.in_w) {
    float* plane = planes + c * s.plane() + s.pad_top * s.row();
    if (!s.shifted) copy_rows(x, s.in_w, plane + s.pad_left, s.row(), s.in_w, s.in_h);
    for (int64_t kx = 0; s.shifted && kx < s.kernel_w; ++kx) {
      const Columns at = columns(s, kx);
      copy_rows(x + at.image, s.in_w, plane + kx * s.column() + at.copy, s.row(), at.width, s.in_h);
    }
  }
}

void read(const SmallConv& s, const float* planes, float* x) {
  for (int64_t c = 0; c < s.in_channels; ++c)
    copy_rows(planes + c * s.plane() + s.pad_top * s.row() + s.pad_left, s.row(), x + c * s.in_h * s.in_w, s.in_w,
              s.in_w, s.in_h);
}

/// Adds to the sums of K output channels, one input channel, one row of the kernel.
template <int K, int W>
HWY_INLINE void weight_tile(const SmallConv& s, const float* HWY_RESTRICT x, const float* HWY_RESTRICT dy,
                            int64_t samples, float* HWY_RESTRICT sums) {
  const Tag d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t per_channel = s.in_channels * s.taps() * SmallConv::max_lanes, column = s.column();
  Vec sum[K][W];
  OCELLUS_UNROLL
  for (int k = 0; k < K; ++k) OCELLUS_UNROLL
  for (int t = 0; t < W; ++t) sum[k][t] = hn::LoadU(d, sums + k * per_channel + t * SmallConv::max_lanes);
  for (int64_t n = 0; n < samples; ++n) {
    const float* xs = x + n * s.in_channels * s.plane();
    const float* ds = dy + n * s.out_channels * s.output_plane();
    for (int64_t p = 0; p < s.positions(); p += lanes) {
      Vec g[K];
      OCELLUS_UNROLL
      for (int k = 0; k < K; ++k) g[k] = hn::LoadU(d, ds + k * s.output_plane() + p);
      OCELLUS_UNROLL
      for (int t = 0; t < W; ++t) {
        const Vec in = hn::LoadU(d, xs + p + t * column);
        OCELLUS_UNROLL
        for (int k = 0; k < K; ++k) sum[k][t] = hn::MulAdd(in, g[k], sum[k][t]);
      }
    }
  }
  OCELLUS_UNROLL
  for (int k = 0; k < K; ++k) OCELLUS_UNROLL
  for (int t = 0; t < W; ++t) hn::StoreU(sum[k][t], d, sums + k * per_channel + t * SmallConv::max_lanes);
}

/// Output channels of a tile of weight gradients, so that sums, gradients and one input fit the registers.
constexpr int weight_channels(int width) {
  if (many_registers) return width == 7 ? 3 : width == 5 ? 4 : 6;
  return width == 7 ? 1 : width == 5 ? 2 : 3;
}

template <int W>
HWY_NOINLINE void weights_of_width(const SmallConv& s, const float* planes, const float* positions, int64_t samples,
                                   float* sums) {
  constexpr int K = weight_channels(W);
  const int64_t per_channel = s.in_channels * s.taps() * SmallConv::max_lanes;
  for (int64_t k = 0; k < s.out_channels;) {
    const bool whole = s.out_channels - k >= K;
    for (int64_t c = 0; c < s.in_channels; ++c)
      for (int64_t ky = 0; ky < s.kernel_h; ++ky) {
        const float* x = planes + c * s.plane() + ky * s.row();
        const float* dy = positions + k * s.output_plane();
        float* to = sums + k * per_channel + (c * s.taps() + ky * W) * SmallConv::max_lanes;
        if (whole)
          weight_tile<K, W>(s, x, dy, samples, to);
        else
          weight_tile<1, W>(s, x, dy, samples, to);
      }
    k += whole ? K : 1;
  }
}

void weights(const SmallConv& s, const float* planes, const float* positions, int64_t samples, float* sums) {
  switch (s.kernel_w) {
    case 1: return weights_of_width<1>(s, planes, positions, samples, sums);
    case 3: return weights_of_width<3>(s, planes, positions, samples, sums);
    case 5: return weights_of_width<5>(s, planes, positions, samples, sums);
    case 7: return weights_of_width<7>(s, planes, positions, samples, sums);
  }
}

#undef OCELLUS_UNROLL

/// Sums of max_lanes numbers that lie side by side.
void reduce(int64_t count, const float* HWY_RESTRICT lanes, float* HWY_RESTRICT sums) {
  const hn::CappedTag<float, SmallConv::max_lanes> d;
  const auto width = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = 0; i < count; ++i, lanes += SmallConv::max_lanes) {
    auto sum = hn::LoadU(d, lanes);
    for (int64_t lane = width; lane < SmallConv::max_lanes; lane += width)
      sum = hn::Add(sum, hn::LoadU(d, lanes + lane));
    sums[i] = hn::GetLane(hn::SumOfLanes(d, sum));
  }
}

}  // namespace ocellus::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ocellus::simd {

HWY_EXPORT(multiply);
HWY_EXPORT(pack);
HWY_EXPORT(scatter);
HWY_EXPORT(finish);
HWY_EXPORT(next_tile);
HWY_EXPORT(copy_rows);
HWY_EXPORT(fill);
HWY_EXPORT(read);
HWY_EXPORT(weights);
HWY_EXPORT(reduce);

int64_t packed_small_conv(const SmallConv& s) { return s.out_channels * s.in_channels * s.taps(); }

void pack_small_conv(const SmallConv& s, const float* weights, float* packed) {
  HWY_DYNAMIC_DISPATCH(pack)(s, weights, packed);
}

int64_t small_conv_tile(int64_t left) { return HWY_DYNAMIC_DISPATCH(next_tile)(left); }

void fill_planes(const SmallConv& s, const float* x, float* planes) { HWY_DYNAMIC_DISPATCH(fill)(s, x, planes); }

void small_conv(const SmallConv& s, const float* planes, const float* packed, const float* bias, float below,
                float* positions, float* y) {
  HWY_DYNAMIC_DISPATCH(multiply)(s, planes, packed, bias, positions);
  HWY_DYNAMIC_DISPATCH(finish)(s, positions, below, y);
}

void fill_positions(const SmallConv& s, const float* dy, float* positions) {
  for (int64_t k = 0; k < s.out_channels; ++k) HWY_DYNAMIC_DISPATCH(copy_rows)
  (dy + k * s.out_h * s.out_w, s.out_w, positions + k * s.output_plane(), s.row(), s.out_w, s.out_h);
}

void small_conv_data(const SmallConv& s, const float* positions, const float* weights, float* planes) {
  HWY_DYNAMIC_DISPATCH(scatter)(s, positions, weights, planes);
}

void read_planes(const SmallConv& s, const float* planes, float* x) { HWY_DYNAMIC_DISPATCH(read)(s, planes, x); }

int64_t small_conv_sums(const SmallConv& s) { return packed_small_conv(s) * SmallConv::max_lanes; }

void small_conv_weights(const SmallConv& s, const float* planes, const float* positions, int64_t samples, float* sums) {
  HWY_DYNAMIC_DISPATCH(weights)(s, planes, positions, samples, sums);
}

void reduce_small_conv(const SmallConv& s, const float* sums, float* dw) {
  HWY_DYNAMIC_DISPATCH(reduce)(packed_small_conv(s), sums, dw);
}

}  // namespace ocellus::simd
#endif

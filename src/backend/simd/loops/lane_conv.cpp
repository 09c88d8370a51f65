// Convolution with one sample a lane.
//
// Where channels and images are small, neither fills vectors without waste: blocks of 16 channels multiply zeros, and rows of 10
// leave 6 lanes of 16 idle. A batch has no such remainder. Sixteen samples are transposed so that a vector holds the same pixel of
// each; then every multiplication is one that the definition asks for, loads are aligned, and a weight meets sixteen samples at
// once. A register tile is a few output channels times a few neighbouring pixels (forward), a row of the kernel times a few
// channels (gradient of the weights), or a few input channels times the pixels that a few outputs reach (gradient of the input).
#include "backend/simd/loops/lane_conv.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/simd/loops/lane_conv.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ocellus::simd::HWY_NAMESPACE {

#if HWY_TARGET <= HWY_AVX3 && HWY_TARGET != HWY_SCALAR

namespace hn = hwy::HWY_NAMESPACE;
// The tiles' loops have constant bounds and must become straight code, or the sums would live in memory.
#define OCELLUS_UNROLL _Pragma("GCC unroll 16")
using Tag = hn::CappedTag<float, 16>;
using Half = hn::Half<Tag>;
using Quarter = hn::Half<Half>;
using Vec = hn::Vec<Tag>;
constexpr int64_t L = SmallConv::max_lanes;

int64_t samples() { return L; }

/// Four pixels of sixteen samples: transposes the 4x4 of each quarter, so that sample 4b + i is lane i of quarter b.
HWY_INLINE void transpose(Vec v[4]) {
  const Tag d;
  const hn::Repartition<double, Tag> wide;
  const auto a = hn::InterleaveLower(d, v[0], v[1]), b = hn::InterleaveUpper(d, v[0], v[1]);
  const auto c = hn::InterleaveLower(d, v[2], v[3]), e = hn::InterleaveUpper(d, v[2], v[3]);
  const auto pairs = [&](auto lower, auto upper, Vec& even, Vec& odd) HWY_ATTR {
    even = hn::BitCast(d, hn::InterleaveLower(wide, hn::BitCast(wide, lower), hn::BitCast(wide, upper)));
    odd = hn::BitCast(d, hn::InterleaveUpper(wide, hn::BitCast(wide, lower), hn::BitCast(wide, upper)));
  };
  pairs(a, c, v[0], v[1]);
  pairs(b, e, v[2], v[3]);
}

/// `count` neighbouring pixels from sixteen samples to vectors.
void gather(const float* x, int64_t distance, int64_t count, float* lanes) {
  const Tag d;
  const Half half;
  const Quarter quarter;
  const auto four = [&](const float* at) HWY_ATTR {
    const auto low = hn::Combine(half, hn::LoadU(quarter, at + 4 * distance), hn::LoadU(quarter, at));
    const auto high = hn::Combine(half, hn::LoadU(quarter, at + 12 * distance), hn::LoadU(quarter, at + 8 * distance));
    return hn::Combine(d, high, low);
  };
  int64_t p = 0;
  for (; p + 4 <= count; p += 4, x += 4, lanes += 4 * L) {
    Vec v[4] = {four(x), four(x + distance), four(x + 2 * distance), four(x + 3 * distance)};
    transpose(v);
    OCELLUS_UNROLL
    for (int i = 0; i < 4; ++i) hn::Store(v[i], d, lanes + i * L);
  }
  for (; p < count; ++p, ++x)
    for (int64_t n = 0; n < L; ++n) *lanes++ = x[n * distance];
}

/// The other way.
void scatter(const float* lanes, int64_t distance, int64_t count, float* x) {
  const Tag d;
  const Half half;
  const Quarter quarter;
  const auto four = [&](Vec v, float* at) HWY_ATTR {
    const auto low = hn::LowerHalf(half, v), high = hn::UpperHalf(half, v);
    hn::StoreU(hn::LowerHalf(quarter, low), quarter, at);
    hn::StoreU(hn::UpperHalf(quarter, low), quarter, at + 4 * distance);
    hn::StoreU(hn::LowerHalf(quarter, high), quarter, at + 8 * distance);
    hn::StoreU(hn::UpperHalf(quarter, high), quarter, at + 12 * distance);
  };
  int64_t p = 0;
  for (; p + 4 <= count; p += 4, x += 4, lanes += 4 * L) {
    Vec v[4];
    OCELLUS_UNROLL
    for (int i = 0; i < 4; ++i) v[i] = hn::Load(d, lanes + i * L);
    transpose(v);
    OCELLUS_UNROLL
    for (int i = 0; i < 4; ++i) four(v[i], x + i * distance);
  }
  for (; p < count; ++p, ++x)
    for (int64_t n = 0; n < L; ++n) x[n * distance] = *lanes++;
}

void fill(const SmallConv& s, const float* x, int64_t distance, float* lanes) {
  const LanePlane plane = lane_plane(s);
  for (int64_t c = 0; c < s.in_channels; ++c) {
    const float* from = x + c * s.in_h * s.in_w;
    float* to = lanes + c * plane.floats() + (s.pad_top * plane.columns + s.pad_left) * L;
    if (plane.columns == s.in_w) {
      gather(from, distance, s.in_h * s.in_w, to);
      continue;
    }
    for (int64_t y = 0; y < s.in_h; ++y) gather(from + y * s.in_w, distance, s.in_w, to + y * plane.columns * L);
  }
}

void fill_output(const SmallConv& s, const float* dy, int64_t distance, float* lanes) {
  gather(dy, distance, s.out_channels * s.out_h * s.out_w, lanes);
}

void read(const SmallConv& s, const float* lanes, int64_t distance, float* x) {
  const LanePlane plane = lane_plane(s);
  for (int64_t c = 0; c < s.in_channels; ++c) {
    float* to = x + c * s.in_h * s.in_w;
    const float* from = lanes + c * plane.floats() + (s.pad_top * plane.columns + s.pad_left) * L;
    if (plane.columns == s.in_w) {
      scatter(from, distance, s.in_h * s.in_w, to);
      continue;
    }
    for (int64_t y = 0; y < s.in_h; ++y) scatter(from + y * plane.columns * L, distance, s.in_w, to + y * s.in_w);
  }
}

/// Calls `f(K constant, k)` for tiles of output or input channels, `Max` at a time, then fewer.
template <int Max, class F>
HWY_INLINE void tiles(int64_t begin, int64_t end, const F& f) {
  for (; begin + Max <= end; begin += Max) f(std::integral_constant<int, Max>(), begin);
  if constexpr (Max > 1)
    if (begin < end) tiles<Max - 1>(begin, end, f);
}

/// The same in even tiles where there is a size that allows it: 6 are 3 and 3, not 4 and 2.
template <int Max, class F>
HWY_INLINE void even_tiles(int64_t count, const F& f) {
  if constexpr (Max > 2)
    if (count % Max != 0 && count % (Max - 1) == 0) return tiles<Max - 1>(0, count, f);
  tiles<Max>(0, count, f);
}

/// Pixels of a tile: 5 where rows are a multiple of that alone.
template <class F>
HWY_INLINE void columns(int64_t width, const F& f) {
  if (width % 5 == 0 && width % 4 != 0)
    tiles<5>(0, width, f);
  else
    tiles<4>(0, width, f);
}

/// K output channels, V pixels. `x`: the tile's first input; `w`: the first channel's weights; `out`: its pixel, with channels
/// `plane_distance` floats apart.
template <int K, int V>
HWY_INLINE void forward_tile(const SmallConv& s, const float* HWY_RESTRICT x, const float* HWY_RESTRICT w,
                             const float* HWY_RESTRICT bias, float below, float* HWY_RESTRICT out,
                             int64_t plane_distance) {
  const Tag d;
  const LanePlane plane = lane_plane(s);
  const int64_t per_channel = s.in_channels * s.taps();
  Vec sum[K][V];
  OCELLUS_UNROLL
  for (int k = 0; k < K; ++k) OCELLUS_UNROLL
  for (int v = 0; v < V; ++v) sum[k][v] = hn::Set(d, bias ? bias[k] : 0.0f);
  for (int64_t c = 0; c < s.in_channels; ++c)
    for (int64_t ky = 0; ky < s.kernel_h; ++ky) {
      const float* at = x + c * plane.floats() + ky * plane.columns * L;
      for (int64_t kx = 0; kx < s.kernel_w; ++kx, ++w, at += L) {
        Vec in[V];
        OCELLUS_UNROLL
        for (int v = 0; v < V; ++v) in[v] = hn::Load(d, at + v * L);
        OCELLUS_UNROLL
        for (int k = 0; k < K; ++k) {
          const Vec weight = hn::Set(d, w[k * per_channel]);
          OCELLUS_UNROLL
          for (int v = 0; v < V; ++v) sum[k][v] = hn::MulAdd(in[v], weight, sum[k][v]);
        }
      }
    }
  const Vec slope = hn::Set(d, below);
  OCELLUS_UNROLL
  for (int k = 0; k < K; ++k) OCELLUS_UNROLL
  for (int v = 0; v < V; ++v) {
    const auto negative = hn::Lt(sum[k][v], hn::Zero(d));
    hn::Store(hn::IfThenElse(negative, hn::Mul(sum[k][v], slope), sum[k][v]), d, out + k * plane_distance + v * L);
  }
}

/// Row y of all output channels, which are `plane_distance` floats apart in `out`.
HWY_INLINE void forward_row(const SmallConv& s, int64_t y, const float* x, const float* weights, const float* bias,
                            float below, float* out, int64_t plane_distance) {
  const LanePlane plane = lane_plane(s);
  even_tiles<4>(s.out_channels, [&](auto K, int64_t k) HWY_ATTR {
    columns(s.out_w, [&](auto V, int64_t at) HWY_ATTR {
      forward_tile<K, V>(s, x + (y * plane.columns + at) * L, weights + k * s.in_channels * s.taps(),
                         bias ? bias + k : nullptr, below, out + k * plane_distance + at * L, plane_distance);
    });
  });
}

void forward(const SmallConv& s, const float* x, const float* weights, const float* bias, float below, float* out) {
  for (int64_t y = 0; y < s.out_h; ++y)
    forward_row(s, y, x, weights, bias, below, out + y * s.out_w * L, s.out_h * s.out_w * L);
}

/// The largest of 2x2 vectors at `in`, and its position in the plane, as MaxPool has them: the first of equal ones, and NaN
/// counts as larger than all. `first`: position of the first element.
HWY_INLINE void largest(const float* in, int64_t row, int64_t first, int64_t width, float* value, float* position) {
  const Tag d;
  const hn::Repartition<int32_t, Tag> whole;
  Vec best = hn::Load(d, in), at = hn::BitCast(d, hn::Set(whole, static_cast<int32_t>(first)));
  const auto meet = [&](const float* from, int64_t where) HWY_ATTR {
    const Vec x = hn::Load(d, from);
    const auto exceeds = hn::Or(hn::Gt(x, best), hn::AndNot(hn::IsNaN(best), hn::IsNaN(x)));
    best = hn::IfThenElse(exceeds, x, best);
    at = hn::IfThenElse(exceeds, hn::BitCast(d, hn::Set(whole, static_cast<int32_t>(where))), at);
  };
  meet(in + L, first + 1);
  meet(in + row, first + width);
  meet(in + row + L, first + width + 1);
  hn::Store(best, d, value);
  hn::Store(at, d, position);
}

/// Two rows of the convolution at a time, in `rows`, which stay in the nearest cache until they are pooled.
void forward_pool(const SmallConv& s, const float* x, const float* weights, const float* bias, float below, float* rows,
                  float* pooled, float* positions) {
  const int64_t row = s.out_w * L, h = s.out_h / 2, w = s.out_w / 2;
  for (int64_t y = 0; y < h; ++y) {
    forward_row(s, 2 * y, x, weights, bias, below, rows, 2 * row);
    forward_row(s, 2 * y + 1, x, weights, bias, below, rows + row, 2 * row);
    for (int64_t k = 0; k < s.out_channels; ++k)
      for (int64_t i = 0; i < w; ++i) {
        const int64_t to = ((k * h + y) * w + i) * L;
        largest(rows + (2 * k * s.out_w + 2 * i) * L, row, 2 * (y * s.out_w + i), s.out_w, pooled + to, positions + to);
      }
  }
}

/// dy of the convolution from that of the pooling: each value at its position, zeros elsewhere.
void unpool(const SmallConv& s, const float* pooled, const float* positions, float* dy) {
  const Tag d;
  const hn::Repartition<int32_t, Tag> whole;
  const int64_t row = s.out_w * L, h = s.out_h / 2, w = s.out_w / 2;
  if (s.out_h % 2 != 0 || s.out_w % 2 != 0) std::fill_n(dy, s.out_channels * s.out_h * row, 0.0f);
  for (int64_t k = 0; k < s.out_channels; ++k, dy += s.out_h * row)
    for (int64_t y = 0; y < h; ++y)
      for (int64_t i = 0; i < w; ++i, pooled += L, positions += L) {
        const Vec g = hn::Load(d, pooled);
        const auto at = hn::BitCast(whole, hn::Load(d, positions));
        const int64_t first = 2 * (y * s.out_w + i);
        const auto place = [&](int64_t where) HWY_ATTR {
          const auto here = hn::Eq(at, hn::Set(whole, static_cast<int32_t>(where)));
          hn::Store(hn::IfThenElseZero(hn::RebindMask(d, here), g), d, dy + where * L);
        };
        place(first);
        place(first + 1);
        place(first + s.out_w);
        place(first + s.out_w + 1);
      }
}

/// Adds to the sums of K output channels for one row of the kernel. `x`: the input channel's row that the kernel's row meets.
template <int K, int W>
HWY_INLINE void weight_tile(const SmallConv& s, const float* HWY_RESTRICT x, const float* HWY_RESTRICT dy,
                            float* HWY_RESTRICT sums) {
  const Tag d;
  const int64_t row = lane_plane(s).columns * L, out_plane = s.out_h * s.out_w * L;
  const int64_t per_channel = s.in_channels * s.taps() * L;
  Vec sum[K][W];
  OCELLUS_UNROLL
  for (int k = 0; k < K; ++k) OCELLUS_UNROLL
  for (int t = 0; t < W; ++t) sum[k][t] = hn::LoadU(d, sums + k * per_channel + t * L);
  for (int64_t y = 0; y < s.out_h; ++y, x += row)
    for (int64_t at = 0; at < s.out_w; ++at, dy += L) {
      Vec g[K];
      OCELLUS_UNROLL
      for (int k = 0; k < K; ++k) g[k] = hn::Load(d, dy + k * out_plane);
      OCELLUS_UNROLL
      for (int t = 0; t < W; ++t) {
        const Vec in = hn::Load(d, x + (at + t) * L);
        OCELLUS_UNROLL
        for (int k = 0; k < K; ++k) sum[k][t] = hn::MulAdd(in, g[k], sum[k][t]);
      }
    }
  OCELLUS_UNROLL
  for (int k = 0; k < K; ++k) OCELLUS_UNROLL
  for (int t = 0; t < W; ++t) hn::StoreU(sum[k][t], d, sums + k * per_channel + t * L);
}

template <int W>
HWY_NOINLINE void weights_of_width(const SmallConv& s, const float* x, const float* dy, float* sums) {
  const LanePlane plane = lane_plane(s);
  const int64_t per_channel = s.in_channels * s.taps() * L;
  constexpr int most = W == 7 ? 3 : W == 5 ? 4 : 6;
  even_tiles<most>(s.out_channels, [&](auto K, int64_t k) HWY_ATTR {
    for (int64_t c = 0; c < s.in_channels; ++c)
      for (int64_t ky = 0; ky < s.kernel_h; ++ky)
        weight_tile<K, W>(s, x + c * plane.floats() + ky * plane.columns * L, dy + k * s.out_h * s.out_w * L,
                          sums + k * per_channel + (c * s.taps() + ky * W) * L);
  });
}

/// Row `y` of C padded input planes, the columns that V outputs reach.
template <int C, int V, int W>
HWY_INLINE void data_tile(const SmallConv& s, int64_t y, const float* HWY_RESTRICT dy, const float* HWY_RESTRICT w,
                          float* HWY_RESTRICT dx) {
  const Tag d;
  const int64_t plane = lane_plane(s).floats(), per_channel = s.in_channels * s.taps();
  Vec sum[C][V + W - 1];
  OCELLUS_UNROLL
  for (int c = 0; c < C; ++c) OCELLUS_UNROLL
  for (int i = 0; i < V + W - 1; ++i) sum[c][i] = hn::Load(d, dx + c * plane + i * L);
  const int64_t first = std::max<int64_t>(0, y - s.out_h + 1), last = std::min(s.kernel_h - 1, y);
  for (int64_t k = 0; k < s.out_channels; ++k)
    for (int64_t ky = first; ky <= last; ++ky) {
      const float* from = dy + (k * s.out_h + y - ky) * s.out_w * L;
      const float* weight = w + k * per_channel + ky * W;
      Vec g[V];
      OCELLUS_UNROLL
      for (int v = 0; v < V; ++v) g[v] = hn::Load(d, from + v * L);
      OCELLUS_UNROLL
      for (int c = 0; c < C; ++c) OCELLUS_UNROLL
      for (int t = 0; t < W; ++t) {
        const Vec factor = hn::Set(d, weight[c * s.taps() + t]);
        OCELLUS_UNROLL
        for (int v = 0; v < V; ++v) sum[c][v + t] = hn::MulAdd(g[v], factor, sum[c][v + t]);
      }
    }
  OCELLUS_UNROLL
  for (int c = 0; c < C; ++c) OCELLUS_UNROLL
  for (int i = 0; i < V + W - 1; ++i) hn::Store(sum[c][i], d, dx + c * plane + i * L);
}

template <int W>
HWY_NOINLINE void data_of_width(const SmallConv& s, const float* dy, const float* weights, float* lanes) {
  const LanePlane plane = lane_plane(s);
  constexpr int most = W >= 5 ? 2 : W == 3 ? 3 : 4;
  std::fill_n(lanes, s.in_channels * plane.floats(), 0.0f);
  for (int64_t y = 0; y < plane.rows; ++y)
    tiles<most>(0, s.in_channels, [&](auto C, int64_t c) HWY_ATTR {
      columns(s.out_w, [&](auto V, int64_t at) HWY_ATTR {
        data_tile<C, V, W>(s, y, dy + at * L, weights + c * s.taps(),
                           lanes + c * plane.floats() + (y * plane.columns + at) * L);
      });
    });
}

#undef OCELLUS_UNROLL

/// Calls the member of a family of functions for the kernel's width.
#define OCELLUS_BY_WIDTH(FUNCTION, ...)      \
  switch (s.kernel_w) {                      \
    case 1: return FUNCTION<1>(__VA_ARGS__); \
    case 3: return FUNCTION<3>(__VA_ARGS__); \
    case 5: return FUNCTION<5>(__VA_ARGS__); \
    case 7: return FUNCTION<7>(__VA_ARGS__); \
  }

void weights(const SmallConv& s, const float* x, const float* dy, float* sums) {
  OCELLUS_BY_WIDTH(weights_of_width, s, x, dy, sums)
}
void data(const SmallConv& s, const float* dy, const float* w,
          float* lanes){OCELLUS_BY_WIDTH(data_of_width, s, dy, w, lanes)}
#undef OCELLUS_BY_WIDTH

#else  // too few registers: `samples` says so, and nothing else is called

int64_t samples() { return 0; }
void fill(const SmallConv&, const float*, int64_t, float*) {}
void fill_output(const SmallConv&, const float*, int64_t, float*) {}
void read(const SmallConv&, const float*, int64_t, float*) {}
void scatter(const float*, int64_t, int64_t, float*) {}
void forward(const SmallConv&, const float*, const float*, const float*, float, float*) {}
void forward_pool(const SmallConv&, const float*, const float*, const float*, float, float*, float*, float*) {}
void gather(const float*, int64_t, int64_t, float*) {}
void unpool(const SmallConv&, const float*, const float*, float*) {}
void weights(const SmallConv&, const float*, const float*, float*) {}
void data(const SmallConv&, const float*, const float*, float*) {}

#endif

}  // namespace ocellus::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ocellus::simd {

HWY_EXPORT(samples);
HWY_EXPORT(fill);
HWY_EXPORT(fill_output);
HWY_EXPORT(read);
HWY_EXPORT(scatter);
HWY_EXPORT(forward);
HWY_EXPORT(forward_pool);
HWY_EXPORT(gather);
HWY_EXPORT(unpool);
HWY_EXPORT(weights);
HWY_EXPORT(data);

int64_t lane_conv_samples() { return HWY_DYNAMIC_DISPATCH(samples)(); }

void fill_lanes(const SmallConv& s, const float* x, int64_t distance, float* lanes) {
  HWY_DYNAMIC_DISPATCH(fill)(s, x, distance, lanes);
}

void fill_output_lanes(const SmallConv& s, const float* dy, int64_t distance, float* lanes) {
  HWY_DYNAMIC_DISPATCH(fill_output)(s, dy, distance, lanes);
}

void lane_conv(const SmallConv& s, const float* lanes, const float* weights, const float* bias, float below, float* out,
               float* y, int64_t distance) {
  HWY_DYNAMIC_DISPATCH(forward)(s, lanes, weights, bias, below, out);
  HWY_DYNAMIC_DISPATCH(scatter)(out, distance, s.out_channels * s.out_h * s.out_w, y);
}

void lane_conv_pool(const SmallConv& s, const float* lanes, const float* weights, const float* bias, float below,
                    float* rows, const PooledLanes& pooled, float* y) {
  HWY_DYNAMIC_DISPATCH(forward_pool)(s, lanes, weights, bias, below, rows, pooled.values, pooled.positions);
  if (y) HWY_DYNAMIC_DISPATCH(scatter)(pooled.values, lane_pooled(s), lane_pooled(s), y);
}

void fill_unpooled_lanes(const SmallConv& s, const float* dy, const PooledLanes& pooled, float* lanes) {
  HWY_DYNAMIC_DISPATCH(gather)(dy, lane_pooled(s), lane_pooled(s), pooled.values);
  HWY_DYNAMIC_DISPATCH(unpool)(s, pooled.values, pooled.positions, lanes);
}

void lane_conv_data(const SmallConv& s, const float* dy, const float* weights, float* lanes, float* dx,
                    int64_t distance) {
  HWY_DYNAMIC_DISPATCH(data)(s, dy, weights, lanes);
  HWY_DYNAMIC_DISPATCH(read)(s, lanes, distance, dx);
}

void lane_conv_weights(const SmallConv& s, const float* lanes, const float* dy, float* sums) {
  HWY_DYNAMIC_DISPATCH(weights)(s, lanes, dy, sums);
}

}  // namespace ocellus::simd
#endif

// Winograd's convolution (Winograd 1980; Lavin & Gray, "Fast algorithms for convolutional neural networks", 2016).
//
// A tile of m x m results of a 3x3 convolution is A^T [(G g G^T) * (B^T d B)] A, where * goes element by element: (m + 2)^2
// products instead of 9 m^2. Summed over channels, each of the (m + 2)^2 points is a product of matrices, tiles by channels. What
// is here are the transforms around these products. Interpolation points are 0, 1, -1 and infinity, and 2 and -2 for m = 4.
//
// The gradient of the input is the same convolution with other weights. The gradient of the weights is the transpose of the
// whole: G^T [(A dy A^T) * (B^T d B)] G, summed over tiles.
#include "backend/simd/loops/winograd.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/simd/loops/winograd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ocellus::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
#define OCELLUS_UNROLL _Pragma("GCC unroll 8")
using Tag = hn::CappedTag<float, 16>;
using Vec = hn::Vec<Tag>;

HWY_INLINE Vec times(float a, Vec x) { return hn::Mul(hn::Set(Tag(), a), x); }
HWY_INLINE Vec plus(Vec y, float a, Vec x) { return hn::MulAdd(hn::Set(Tag(), a), x, y); }

int64_t lanes() { return static_cast<int64_t>(hn::Lanes(Tag())); }

/// One dimension of each transform, on vectors that lie `step` apart. F<m>: m results, m + 2 points.
template <int m>
struct F;

template <>
struct F<2> {
  /// B^T d
  static HWY_INLINE void input(const Vec* d, int step, Vec* v) {
    v[0] = hn::Sub(d[0], d[2 * step]);
    v[step] = hn::Add(d[step], d[2 * step]);
    v[2 * step] = hn::Sub(d[2 * step], d[step]);
    v[3 * step] = hn::Sub(d[step], d[3 * step]);
  }
  /// A^T p
  static HWY_INLINE void output(const Vec* p, int step, Vec* y, int to) {
    y[0] = hn::Add(p[0], hn::Add(p[step], p[2 * step]));
    y[to] = hn::Sub(hn::Sub(p[step], p[2 * step]), p[3 * step]);
  }
  /// A y
  static HWY_INLINE void output_gradient(const Vec* y, int step, Vec* p, int to) {
    p[0] = y[0];
    p[to] = hn::Add(y[0], y[step]);
    p[2 * to] = hn::Sub(y[0], y[step]);
    p[3 * to] = hn::Neg(y[step]);
  }
  static constexpr float g[4][3] = {{1, 0, 0}, {0.5f, 0.5f, 0.5f}, {0.5f, -0.5f, 0.5f}, {0, 0, 1}};
};

template <>
struct F<4> {
  static HWY_INLINE void input(const Vec* d, int step, Vec* v) {
    const Vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
    const Vec a = plus(d4, -4, d2), b = plus(d3, -4, d1), c = hn::Sub(d4, d2), e = hn::Sub(d3, d1);
    v[0] = plus(plus(d4, -5, d2), 4, d0);
    v[step] = hn::Add(a, b);
    v[2 * step] = hn::Sub(a, b);
    v[3 * step] = plus(c, 2, e);
    v[4 * step] = plus(c, -2, e);
    v[5 * step] = plus(plus(d5, -5, d3), 4, d1);
  }
  static HWY_INLINE void output(const Vec* p, int step, Vec* y, int to) {
    const Vec a = hn::Add(p[step], p[2 * step]), b = hn::Sub(p[step], p[2 * step]);
    const Vec c = hn::Add(p[3 * step], p[4 * step]), e = hn::Sub(p[3 * step], p[4 * step]);
    y[0] = hn::Add(hn::Add(p[0], a), c);
    y[to] = plus(b, 2, e);
    y[2 * to] = plus(a, 4, c);
    y[3 * to] = hn::Add(plus(b, 8, e), p[5 * step]);
  }
  static HWY_INLINE void output_gradient(const Vec* y, int step, Vec* p, int to) {
    const Vec y0 = y[0], y1 = y[step], y2 = y[2 * step], y3 = y[3 * step];
    const Vec even = hn::Add(y0, y2), odd = hn::Add(y1, y3);
    const Vec even2 = plus(y0, 4, y2), odd2 = plus(times(2, y1), 8, y3);
    p[0] = y0;
    p[to] = hn::Add(even, odd);
    p[2 * to] = hn::Sub(even, odd);
    p[3 * to] = hn::Add(even2, odd2);
    p[4 * to] = hn::Sub(even2, odd2);
    p[5 * to] = y3;
  }
  static constexpr float sixth = 1.0f / 6, twelfth = 1.0f / 12, part = 1.0f / 24;
  static constexpr float g[6][3] = {{0.25f, 0, 0},          {-sixth, -sixth, -sixth}, {-sixth, sixth, -sixth},
                                    {part, twelfth, sixth}, {part, -twelfth, sixth},  {0, 0, 1}};
};

/// Where tile `index` of a batch begins.
struct TilePlace {
  TilePlace(const Tiling& t, int64_t index)
      : image(index / (t.rows * t.columns)), y(index / t.columns % t.rows * t.side), x(index % t.columns * t.side) {}
  int64_t image, y, x;
};

/// Calls f(first channel, offset of that channel's vectors in an image) for all vectors of channels.
template <class Body>
HWY_INLINE void for_channels(const Tiling& t, const ImageOrder& order, Body&& body) {
  const int64_t step = lanes();
  for (int64_t c = 0; c < t.channels; c += step) body(c, c / order.block * order.block_distance + c % order.block);
}

/// Elements of a size x size tile at (y, x) that lie in the image, row by row: where the image ends, loops end.
struct Inside {
  Inside(const ImageOrder& order, int64_t y, int64_t x, int64_t size)
      : top(std::clamp<int64_t>(-y, 0, size)),
        bottom(std::clamp<int64_t>(order.height - y, 0, size)),
        left(std::clamp<int64_t>(-x, 0, size)),
        right(std::clamp<int64_t>(order.width - x, 0, size)),
        all(top == 0 && left == 0 && bottom == size && right == size) {}
  int64_t top, bottom, left, right;
  bool all;
};

/// A tile of `size` x `size` vectors, with zeros outside of the image. `at`: where its element (0,0) would be.
template <int size>
HWY_INLINE void load_tile(const ImageOrder& order, const Inside& inside, const float* at, Vec* d) {
  const Tag tag;
  if (inside.all) {
    OCELLUS_UNROLL
    for (int i = 0; i < size; ++i) {
      OCELLUS_UNROLL
      for (int j = 0; j < size; ++j) d[i * size + j] = hn::LoadU(tag, at + i * order.row + j * order.column);
    }
    return;
  }
  for (int i = 0; i < size * size; ++i) d[i] = hn::Zero(tag);
  for (int64_t i = inside.top; i < inside.bottom; ++i)
    for (int64_t j = inside.left; j < inside.right; ++j)
      d[i * size + j] = hn::LoadU(tag, at + i * order.row + j * order.column);
}

template <int m>
void input_of(const Tiling& t, const ImageOrder& order, const float* images, int64_t begin, int64_t end,
              const TileMatrices& to) {
  constexpr int n = m + 2;
  const Tag tag;
  for (int64_t i = begin; i < end; ++i) {
    const TilePlace place(t, i);
    const int64_t y = place.y - t.pad_top, x = place.x - t.pad_left;
    const Inside inside(order, y, x, n);
    const float* tile = images + place.image * order.image + y * order.row + x * order.column;
    for_channels(t, order, [&](int64_t c, int64_t offset) HWY_ATTR {
      Vec d[n * n], v[n * n];
      load_tile<n>(order, inside, tile + offset, d);
      OCELLUS_UNROLL
      for (int j = 0; j < n; ++j) F<m>::input(d + j, n, v + j);
      float* out = to.data + (i - begin) * t.channels + c;
      OCELLUS_UNROLL
      for (int r = 0; r < n; ++r) {
        F<m>::input(v + r * n, 1, d + r * n);
        OCELLUS_UNROLL
        for (int j = 0; j < n; ++j) hn::Store(d[r * n + j], tag, out + (r * n + j) * to.distance);
      }
    });
  }
}

template <int m>
void output_of(const Tiling& t, const ImageOrder& order, const TileMatrices& from, int64_t begin, int64_t end,
               const WinogradFinish& finish, float* images) {
  constexpr int n = m + 2;
  const Tag tag;
  const Vec below = hn::Set(tag, finish.below);
  for (int64_t i = begin; i < end; ++i) {
    const TilePlace place(t, i);
    const int64_t rows = std::min<int64_t>(m, order.height - place.y),
                  columns = std::min<int64_t>(m, order.width - place.x);
    const int64_t first = place.image * order.image + place.y * order.row + place.x * order.column;
    for_channels(t, order, [&](int64_t c, int64_t offset) HWY_ATTR {
      Vec p[n * n], s[m * n], y[m * m];
      const float* in = from.data + (i - begin) * t.channels + c;
      OCELLUS_UNROLL
      for (int j = 0; j < n; ++j) {
        OCELLUS_UNROLL
        for (int r = 0; r < n; ++r) p[r * n + j] = hn::Load(tag, in + (r * n + j) * from.distance);
        F<m>::output(p + j, n, s + j, n);
      }
      OCELLUS_UNROLL
      for (int r = 0; r < m; ++r) F<m>::output(s + r * n, 1, y + r * m, 1);
      const Vec bias = finish.bias ? hn::LoadU(tag, finish.bias + c) : hn::Zero(tag);
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t j = 0; j < columns; ++j) {
          const int64_t at = first + offset + r * order.row + j * order.column;
          Vec sum = hn::Add(y[r * m + j], bias);
          if (finish.residual) sum = hn::Add(sum, hn::LoadU(tag, finish.residual + at));
          hn::StoreU(hn::IfThenElse(hn::Gt(sum, hn::Zero(tag)), sum, hn::Mul(sum, below)), tag, images + at);
        }
    });
  }
}

template <int m>
void output_gradient_of(const Tiling& t, const ImageOrder& order, const float* images, int64_t begin, int64_t end,
                        const TileMatrices& to) {
  constexpr int n = m + 2;
  const Tag tag;
  for (int64_t i = begin; i < end; ++i) {
    const TilePlace place(t, i);
    const Inside inside(order, place.y, place.x, m);
    const float* tile = images + place.image * order.image + place.y * order.row + place.x * order.column;
    for_channels(t, order, [&](int64_t c, int64_t offset) HWY_ATTR {
      Vec d[m * m], s[n * m], p[n];
      load_tile<m>(order, inside, tile + offset, d);
      OCELLUS_UNROLL
      for (int j = 0; j < m; ++j) F<m>::output_gradient(d + j, m, s + j, m);
      float* out = to.data + (i - begin) * t.channels + c;
      OCELLUS_UNROLL
      for (int r = 0; r < n; ++r) {
        F<m>::output_gradient(s + r * m, 1, p, 1);
        OCELLUS_UNROLL
        for (int j = 0; j < n; ++j) hn::Store(p[j], tag, out + (r * n + j) * to.distance);
      }
    });
  }
}

void input(const Tiling& t, const ImageOrder& order, const float* images, int64_t begin, int64_t end,
           const TileMatrices& to) {
  t.side == 2 ? input_of<2>(t, order, images, begin, end, to) : input_of<4>(t, order, images, begin, end, to);
}
void output(const Tiling& t, const ImageOrder& order, const TileMatrices& from, int64_t begin, int64_t end,
            const WinogradFinish& finish, float* images) {
  t.side == 2 ? output_of<2>(t, order, from, begin, end, finish, images)
              : output_of<4>(t, order, from, begin, end, finish, images);
}
void output_gradient(const Tiling& t, const ImageOrder& order, const float* images, int64_t begin, int64_t end,
                     const TileMatrices& to) {
  t.side == 2 ? output_gradient_of<2>(t, order, images, begin, end, to)
              : output_gradient_of<4>(t, order, images, begin, end, to);
}

/// n = m + 2 numbers from three, by the rows of G, on vectors that lie `step` apart.
template <int m>
HWY_INLINE void weights_1d(const Vec* g, int step, Vec* u, int to) {
  OCELLUS_UNROLL
  for (int p = 0; p < m + 2; ++p)
    u[p * to] = plus(plus(times(F<m>::g[p][0], g[0]), F<m>::g[p][1], g[step]), F<m>::g[p][2], g[2 * step]);
}
/// Three numbers from n, by the columns of G.
template <int m>
HWY_INLINE void weights_gradient_1d(const Vec* s, int step, Vec* dw, int to) {
  OCELLUS_UNROLL
  for (int q = 0; q < 3; ++q) {
    Vec sum = times(F<m>::g[0][q], s[0]);
    OCELLUS_UNROLL
    for (int p = 1; p < m + 2; ++p) sum = plus(sum, F<m>::g[p][q], s[p * step]);
    dw[q * to] = sum;
  }
}

template <int m>
void weights_of(const KernelMatrix& order, const float* weights, int64_t begin, int64_t end, const TileMatrices& to) {
  constexpr int n = m + 2;
  const Tag tag;
  const int64_t width = lanes();
  HWY_ALIGN float side_by_side[9 * 16];
  for (int64_t row = begin; row < end; ++row)
    for (int64_t column = 0; column < order.columns; column += width) {
      const float* from = weights + row * order.row_distance + column * order.column_distance;
      for (int64_t i = 0; i < width; ++i)
        for (int q = 0; q < 9; ++q)
          side_by_side[(order.mirrored ? 8 - q : q) * width + i] = from[i * order.column_distance + q];
      Vec g[9], u[3 * n], p[n];
      for (int q = 0; q < 9; ++q) g[q] = hn::Load(tag, side_by_side + q * width);
      for (int q = 0; q < 3; ++q) weights_1d<m>(g + q, 3, u + q, 3);
      float* out = to.data + row * order.columns + column;
      for (int r = 0; r < n; ++r) {
        weights_1d<m>(u + 3 * r, 1, p, 1);
        for (int j = 0; j < n; ++j) hn::StoreU(p[j], tag, out + (r * n + j) * to.distance);
      }
    }
}

template <int m>
void weights_gradient_of(const KernelMatrix& order, const TileMatrices& from, int64_t begin, int64_t end, float* dw) {
  constexpr int n = m + 2;
  const Tag tag;
  const int64_t width = lanes();
  HWY_ALIGN float side_by_side[9 * 16];
  for (int64_t row = begin; row < end; ++row)
    for (int64_t column = 0; column < order.columns; column += width) {
      const float* in = from.data + row * order.columns + column;
      Vec s[n], half[3 * n], g[3];
      for (int j = 0; j < n; ++j) {
        for (int r = 0; r < n; ++r) s[r] = hn::LoadU(tag, in + (r * n + j) * from.distance);
        weights_gradient_1d<m>(s, 1, half + j, n);
      }
      for (int q = 0; q < 3; ++q) {
        weights_gradient_1d<m>(half + q * n, 1, g, 1);
        for (int e = 0; e < 3; ++e) hn::Store(g[e], tag, side_by_side + (3 * q + e) * width);
      }
      float* to = dw + row * order.row_distance + column * order.column_distance;
      for (int64_t i = 0; i < width; ++i)
        for (int q = 0; q < 9; ++q) to[i * order.column_distance + q] = side_by_side[q * width + i];
    }
}

void weights(int64_t side, const KernelMatrix& order, const float* kernels, int64_t begin, int64_t end,
             const TileMatrices& to) {
  side == 2 ? weights_of<2>(order, kernels, begin, end, to) : weights_of<4>(order, kernels, begin, end, to);
}
void weights_gradient(int64_t side, const KernelMatrix& order, const TileMatrices& from, int64_t begin, int64_t end,
                      float* dw) {
  side == 2 ? weights_gradient_of<2>(order, from, begin, end, dw) : weights_gradient_of<4>(order, from, begin, end, dw);
}

#undef OCELLUS_UNROLL

}  // namespace ocellus::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ocellus::simd {

HWY_EXPORT(lanes);
HWY_EXPORT(input);
HWY_EXPORT(output);
HWY_EXPORT(output_gradient);
HWY_EXPORT(weights);
HWY_EXPORT(weights_gradient);

int64_t winograd_lanes() { return HWY_DYNAMIC_DISPATCH(lanes)(); }
void winograd_input(const Tiling& t, const ImageOrder& order, const float* images, int64_t begin, int64_t end,
                    const TileMatrices& to) {
  HWY_DYNAMIC_DISPATCH(input)(t, order, images, begin, end, to);
}
void winograd_output(const Tiling& t, const ImageOrder& order, const TileMatrices& from, int64_t begin, int64_t end,
                     const WinogradFinish& finish, float* images) {
  HWY_DYNAMIC_DISPATCH(output)(t, order, from, begin, end, finish, images);
}
void winograd_output_gradient(const Tiling& t, const ImageOrder& order, const float* images, int64_t begin, int64_t end,
                              const TileMatrices& to) {
  HWY_DYNAMIC_DISPATCH(output_gradient)(t, order, images, begin, end, to);
}

void winograd_weights(int64_t side, const KernelMatrix& order, const float* weights, int64_t begin, int64_t end,
                      const TileMatrices& to) {
  HWY_DYNAMIC_DISPATCH(weights)(side, order, weights, begin, end, to);
}
void winograd_weights_gradient(int64_t side, const KernelMatrix& order, const TileMatrices& from, int64_t begin,
                               int64_t end, float* dw) {
  HWY_DYNAMIC_DISPATCH(weights_gradient)(side, order, from, begin, end, dw);
}

}  // namespace ocellus::simd
#endif

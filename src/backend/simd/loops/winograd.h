// The transforms of Winograd's convolution, F(2x2, 3x3) and F(4x4, 3x3), with channels in the lanes of a vector.
#pragma once

#include <cstdint>

namespace ocellus::simd {

/// Channels in a vector: those of every value are a multiple of it.
int64_t winograd_lanes();

/// How [C,H,W] of one image lies in memory, in floats: channels last, or in blocks of channels.
struct ImageOrder {
  int64_t height = 0, width = 0;
  int64_t image = 0, row = 0, column = 0;  ///< distances of images, rows and pixels
  int64_t block = 0, block_distance = 0;   ///< channels that lie side by side, and how far the next ones are
};

/// Tiles of `side` x `side` results, or of side + 2 elements with what a 3x3 kernel sees around them.
struct Tiling {
  int64_t side = 4;               ///< 2 or 4
  int64_t rows = 0, columns = 0;  ///< tiles of an image
  int64_t channels = 0;
  int64_t pad_top = 0, pad_left = 0;

  int64_t points() const { return (side + 2) * (side + 2); }
};

/// Matrix p of `points`, `distance` floats after the one before: its row i holds the channels of tile i.
struct TileMatrices {
  float* data = nullptr;
  int64_t distance = 0;
};

/// B^T d B of tiles [begin, end) of a batch: rows 0 to end - begin of the matrices. Outside of the image there are zeros.
void winograd_input(const Tiling& t, const ImageOrder& order, const float* images, int64_t begin, int64_t end,
                    const TileMatrices& to);
/// What follows the sum: y = slope(m + bias + residual); bias and residual may be null, and `below` is the slope below zero.
struct WinogradFinish {
  const float* bias = nullptr;
  const float* residual = nullptr;  ///< in y's order
  float below = 1;
};
/// A^T m A of tiles [begin, end), from rows 0 to end - begin of the matrices; results beyond the image are dropped.
void winograd_output(const Tiling& t, const ImageOrder& order, const TileMatrices& from, int64_t begin, int64_t end,
                     const WinogradFinish& finish, float* images);
/// A dy A^T of tiles [begin, end): what meets the transformed input in the gradient of the weights.
void winograd_output_gradient(const Tiling& t, const ImageOrder& order, const float* images, int64_t begin, int64_t end,
                              const TileMatrices& to);

/// Weights as matrices of kernels: kernel (row, column) of 3x3 floats begins row * row_distance + column * column_distance after
/// the first. `mirrored`: turned by 180 degrees, as the gradient with respect to the input wants them.
struct KernelMatrix {
  int64_t rows = 0, columns = 0;  ///< columns: a multiple of the lanes
  int64_t row_distance = 0, column_distance = 0;
  bool mirrored = false;
};
/// G g G^T of the kernels in rows [begin, end), to matrices of all points.
void winograd_weights(int64_t side, const KernelMatrix& order, const float* weights, int64_t begin, int64_t end,
                      const TileMatrices& to);
/// G^T s G from matrices of all points, for the kernels in rows [begin, end).
void winograd_weights_gradient(int64_t side, const KernelMatrix& order, const TileMatrices& from, int64_t begin,
                               int64_t end, float* dw);

}  // namespace ocellus::simd

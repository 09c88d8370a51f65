// Convolution of few channels with stride 1, in plain layout, without padding channels to blocks.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ocellus::simd {

/// Sizes of a 2-D convolution with stride 1 on one sample. Planes are kept with their padding in memory, rows of `row()` floats;
/// a window position is one index into such a plane, so that a whole plane is computed as one flat array. Between the rows lie
/// kernel_w - 1 positions that mean nothing and are dropped at the end. Where rows are so short that these would be a large part
/// of the work, `shifted` planes have none: each is held kernel_w times, once for every column of the kernel, cut to the columns
/// which that one meets.
struct SmallConv {
  int64_t in_channels = 0, out_channels = 0;
  int64_t kernel_h = 0, kernel_w = 0;
  int64_t in_h = 0, in_w = 0, out_h = 0, out_w = 0;
  int64_t pad_top = 0, pad_left = 0;
  bool shifted = false;

  int64_t row() const { return shifted ? out_w : out_w + kernel_w - 1; }
  int64_t positions() const { return (out_h - 1) * row() + out_w; }
  /// Floats of one copy of a padded plane, with room for vectors that start at any position and for the shifts of the kernel.
  int64_t copy() const { return ((out_h + kernel_h - 1) * row() + 4 * max_lanes + 15) / 16 * 16; }
  int64_t plane() const { return shifted ? kernel_w * copy() : copy(); }
  /// Floats from what one column of the kernel meets to what the next one does.
  int64_t column() const { return shifted ? copy() : 1; }
  /// Floats of one plane of outputs at all positions, rounded up to whole vector tiles.
  int64_t output_plane() const { return (positions() + 4 * max_lanes + 15) / 16 * 16; }
  int64_t taps() const { return kernel_h * kernel_w; }

  static constexpr int64_t max_lanes = 16;
};

/// Floats that `pack_small_conv` writes.
int64_t packed_small_conv(const SmallConv& s);
/// Weights [K,C,h,w] in the order in which `small_conv` reads them.
void pack_small_conv(const SmallConv& s, const float* weights, float* packed);

/// Output channels that are computed together when `left` remain. A convolution of exactly these channels, with the packed
/// weights from where theirs begin, gives the same bits: a sample can be shared among threads this way.
int64_t small_conv_tile(int64_t left);

/// Copies [C,H,W] into padded planes whose padding is zero already.
void fill_planes(const SmallConv& s, const float* x, float* planes);

/// y [K,out_h,out_w] = slope(conv(planes) + bias); bias may be null. `positions` holds out_channels * output_plane floats.
void small_conv(const SmallConv& s, const float* planes, const float* packed, const float* bias, float below, float* positions,
                float* y);

/// Copies dy [K,out_h,out_w] into planes of `output_plane` floats whose gaps are zero already.
void fill_positions(const SmallConv& s, const float* dy, float* positions);

/// Adds to padded planes, not shifted ones, what dy, as `fill_positions` left it, says of them: the gradient of the input,
/// padding included.
void small_conv_data(const SmallConv& s, const float* positions, const float* weights, float* planes);
/// Copies [C,H,W] out of padded planes.
void read_planes(const SmallConv& s, const float* planes, float* x);

/// Floats of the sums that `small_conv_weights` keeps for one thread.
int64_t small_conv_sums(const SmallConv& s);
/// Adds the weight gradients of `samples` samples to `sums`: planes and positions as the two functions above fill them, one
/// sample behind the other. Only for kernels 1, 3, 5 or 7 wide.
void small_conv_weights(const SmallConv& s, const float* planes, const float* positions, int64_t samples, float* sums);
/// dw [K,C,h,w] from such sums.
void reduce_small_conv(const SmallConv& s, const float* sums, float* dw);

}  // namespace ocellus::simd

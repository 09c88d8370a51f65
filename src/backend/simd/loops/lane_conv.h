// Convolution of few channels with stride 1, sixteen samples side by side in the lanes of a vector.
#pragma once

#include <cstdint>

#include "backend/simd/loops/small_conv.h"

namespace ocellus::simd {

/// Samples that one vector holds here, or 0 where the processor has too few registers for these loops.
int64_t lane_conv_samples();

/// Sizes of a padded plane for the samples of one vector: rows, columns and floats.
struct LanePlane {
  int64_t rows = 0, columns = 0;
  int64_t floats() const { return rows * columns * SmallConv::max_lanes; }
};
inline LanePlane lane_plane(const SmallConv& s) { return {s.out_h + s.kernel_h - 1, s.out_w + s.kernel_w - 1}; }

/// Puts 16 samples [C,H,W], `distance` floats apart, side by side: [C,rows,columns,16]. The padding is left as it is.
void fill_lanes(const SmallConv& s, const float* x, int64_t distance, float* lanes);
/// The same for [K,out_h,out_w], which has no padding.
void fill_output_lanes(const SmallConv& s, const float* dy, int64_t distance, float* lanes);

/// y = slope(conv(x) + bias) of 16 samples, `distance` floats apart; bias may be null. `weights` as they are, [K,C,h,w]; `lanes`
/// from `fill_lanes`; `out` holds out_channels * out_h * out_w vectors.
void lane_conv(const SmallConv& s, const float* lanes, const float* weights, const float* bias, float below, float* out,
               float* y, int64_t distance);
/// Elements of a sample's result after pooling over 2x2 windows that lie side by side.
inline int64_t lane_pooled(const SmallConv& s) { return s.out_channels * (s.out_h / 2) * (s.out_w / 2); }
/// A pooled result and the positions of its maxima in the convolution's planes, of 16 samples side by side; positions are
/// integers, kept as what they look like.
struct PooledLanes {
  float* values = nullptr;
  float* positions = nullptr;
};
/// What `lane_conv` gives, pooled; y may be null. `rows` holds two rows of all output channels.
void lane_conv_pool(const SmallConv& s, const float* lanes, const float* weights, const float* bias, float below,
                    float* rows, const PooledLanes& pooled, float* y);
/// As `fill_output_lanes`, from the gradient of the pooled result; `pooled.values` is room for it.
void fill_unpooled_lanes(const SmallConv& s, const float* dy, const PooledLanes& pooled, float* lanes);

/// The gradient of 16 inputs: dx, `distance` floats apart. `lanes` holds in_channels padded planes.
void lane_conv_data(const SmallConv& s, const float* dy, const float* weights, float* lanes, float* dx,
                    int64_t distance);
/// Adds the weight gradients of 16 samples to sums as `small_conv_weights` keeps them.
void lane_conv_weights(const SmallConv& s, const float* lanes, const float* dy, float* sums);

}  // namespace ocellus::simd

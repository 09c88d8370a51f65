// Vector loops of group, instance and layer normalisation, over runs of neighbouring elements. Where `scale` or
// `shift` is an array it has one number for each element, and may be null: then there is none.
#pragma once

#include <cstddef>

namespace ocellus::simd {

/// The mean of a run, and of the squared distances from it.
struct RunMoments {
  float mean = 0;
  double variance = 0;
};
RunMoments run_moments(const float* x, size_t n);

/// y = (x - mean) factor + shift.
void normalise_run(float mean, float factor, float shift, const float* x, float* y, size_t n);
/// y = (x - mean) factor scale + shift.
void normalise_each(float mean, float factor, const float* scale, const float* shift, const float* x, float* y,
                    size_t n);

/// The sums of g and of g (x - mean), with g = dy scale.
struct RunSums {
  double sum = 0, product = 0;
};
RunSums run_sums(float mean, const float* scale, const float* dy, const float* x, size_t n);
/// dx = a dy scale + b (x - mean) + c.
struct RunSlope {
  float a, b, c;
};
void run_backward(float mean, RunSlope slope, const float* scale, const float* dy, const float* x, float* dx, size_t n);
/// dscale += dy (x - mean) factor and dshift += dy, element by element; either may be null.
void accumulate_each(float mean, float factor, const float* dy, const float* x, float* dscale, float* dshift, size_t n);

}  // namespace ocellus::simd

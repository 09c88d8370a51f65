// Vector loops over flat arrays, compiled for several instruction sets and chosen at run time.
#pragma once

#include <cstddef>
#include <cstdint>

#include <ocellus/ops/elementwise.h>

namespace ocellus::simd {

/// Applied to a result before it is stored: x for x >= 0, slope * x below (1: nothing, 0: relu).
struct Slope {
  float below = 1;
};

/// z = x (kind) y, then the slope.
void binary(BinaryKind kind, Slope slope, const float* x, const float* y, float* z, size_t n);
/// The sum of all elements, in an order that depends on n and the instruction set alone.
float sum(const float* x, size_t n);
/// z = value.
void fill(float value, float* z, size_t n);
/// z = scale * x + shift.
void affine(float scale, float shift, const float* x, float* z, size_t n);
/// z = a * x + b * y.
void blend(float a, const float* x, float b, const float* y, float* z, size_t n);
/// dz where `mine` is the larger (max) or smaller (min) of the two, half of it at ties, else 0.
void extremum_backward(bool max, const float* dz, const float* mine, const float* other, float* dx, size_t n);
/// dx = dy f'(x), with f' written in y = f(x).
void activation_backward(const Activation& f, const float* dy, const float* y, float* dx, size_t n);
/// z = x / (1 - rate) where the element's random word is at least rate * 2^32, else 0. Element i of the array is number
/// first + i of the tensor; `first` and n are multiples of 4 but for the last piece.
void dropout(uint64_t seed, uint64_t step, double rate, uint64_t first, const float* x, float* z, size_t n);

}  // namespace ocellus::simd

// Vector loops of the functions of ops/unary.h, compiled for several instruction sets and chosen at run time.
#pragma once

#include <cstddef>

#include <ocellus/ops/unary.h>

namespace ocellus::simd {

/// Whether there is a loop: for all functions but powers.
bool has_loop(UnaryKind kind);
/// y = f(x), within a few units in the last place wherever f(x) is a normal number; NaN stays NaN.
void unary(const Function& f, const float* x, float* y, size_t n);
/// The same for the functions of ops/activation.h.
void activation(const Activation& f, const float* x, float* y, size_t n);
/// dx = dy f'(x).
void unary_backward(const Function& f, const float* dy, const float* x, float* dx, size_t n);

}  // namespace ocellus::simd

// Vector loops of one step of one sequence of a recurrence, between its products. Arrays of gates have a run of n numbers
// for each; what is said to be possibly null then counts as zeros.
#pragma once

#include <cstddef>

namespace ocellus::simd {

/// In place from what i, f, g, o are functions of to themselves; then c = f before + i g and h = o tanh(c).
void lstm_step(float* ifgo, const float* c_before, float* c, float* h, size_t n);

/// `dh` and `dc`, possibly null, arrive at the step's outputs, and `dh_next` and `dc_next` at its states from the step after
/// it; dc_next becomes that of the state before.
struct LstmBack {
  const float *ifgo, *c, *c_before, *dh, *dc, *dh_next;
  float *dc_next, *gates;
};
void lstm_step_backward(const LstmBack& step, size_t n);

/// In place from what they are functions of to r and z, which lie side by side.
void gru_gates(float* rz, size_t n);
/// z = x y, zeros where y is null.
void gated(const float* x, const float* y, float* z, size_t n);
/// n = tanh(a + seen), or with a gate tanh(a + gate seen), and h = z before + (1 - z) n; `before` is possibly null.
struct GruState {
  const float *a, *gate, *seen, *z, *before;
  float *candidate, *h;
};
void gru_state(const GruState& step, size_t n);

/// The gradients of z and n, second and third of `gates`; dh_next becomes what flows past them to the state before.
struct GruBack {
  const float *rzqn, *before, *dh;
  float *dh_next, *gates;
};
void gru_step_backward(const GruBack& step, size_t n);
/// The gradient of r, first of `gates`, where it multiplies the candidate's product, and those of all three products.
void gru_reset_after(const float* rzqn, float* gates, float* sums, size_t n);
/// The same where it multiplies the state: the first of `gates` enters as the gradient of r times the state.
void gru_reset_before(const float* rzqn, const float* before, float* dh_next, float* gates, size_t n);

}  // namespace ocellus::simd

#include "backend/simd/loops/recurrent.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/simd/loops/recurrent.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h, once per target.
#include <hwy/contrib/math/math-inl.h>

#include "backend/simd/loops/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ocellus::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
using Vec = hn::Vec<D>;

template <class D>
HWY_INLINE Vec<D> load(D d, const float* x, size_t i) {
  return x ? hn::LoadU(d, x + i) : hn::Zero(d);
}

// The vector library's functions are wrong for NaN.
template <class D>
HWY_INLINE Vec<D> sigmoid(D d, Vec<D> x) {
  const auto one = hn::Set(d, 1.0f), e = hn::Exp(d, hn::Neg(hn::Abs(x)));
  const auto y = hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), hn::Add(one, e));
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}
template <class D>
HWY_INLINE Vec<D> tanh(D d, Vec<D> x) {
  return hn::IfThenElse(hn::IsNaN(x), x, hn::Tanh(d, x));
}

/// dy y (1 - y), and dy (1 - y^2).
template <class V>
HWY_INLINE V sigmoid_back(V dy, V y) {
  return hn::Mul(dy, hn::NegMulAdd(y, y, y));
}
template <class D>
HWY_INLINE Vec<D> tanh_back(D d, Vec<D> dy, Vec<D> y) {
  return hn::Mul(dy, hn::NegMulAdd(y, y, hn::Set(d, 1.0f)));
}

void lstm_step(float* ifgo, const float* c_before, float* c, float* h, size_t n) {
  for_vectors(0, n, [&](auto d, size_t j) HWY_ATTR {
    const auto i = sigmoid(d, hn::LoadU(d, ifgo + j)), f = sigmoid(d, hn::LoadU(d, ifgo + n + j));
    const auto g = tanh(d, hn::LoadU(d, ifgo + 2 * n + j)), o = sigmoid(d, hn::LoadU(d, ifgo + 3 * n + j));
    hn::StoreU(i, d, ifgo + j);
    hn::StoreU(f, d, ifgo + n + j);
    hn::StoreU(g, d, ifgo + 2 * n + j);
    hn::StoreU(o, d, ifgo + 3 * n + j);
    const auto state = hn::MulAdd(f, load(d, c_before, j), hn::Mul(i, g));
    hn::StoreU(state, d, c + j);
    hn::StoreU(hn::Mul(o, tanh(d, state)), d, h + j);
  });
}

void lstm_step_backward(const LstmBack& s, size_t n) {
  for_vectors(0, n, [&](auto d, size_t j) HWY_ATTR {
    const auto i = hn::LoadU(d, s.ifgo + j), f = hn::LoadU(d, s.ifgo + n + j);
    const auto g = hn::LoadU(d, s.ifgo + 2 * n + j), o = hn::LoadU(d, s.ifgo + 3 * n + j);
    const auto y = tanh(d, hn::LoadU(d, s.c + j));
    const auto out = hn::Add(load(d, s.dh, j), hn::LoadU(d, s.dh_next + j));
    const auto later = hn::Add(load(d, s.dc, j), hn::LoadU(d, s.dc_next + j));
    const auto inner = hn::Add(later, tanh_back(d, hn::Mul(out, o), y));
    hn::StoreU(sigmoid_back(hn::Mul(inner, g), i), d, s.gates + j);
    hn::StoreU(sigmoid_back(hn::Mul(inner, load(d, s.c_before, j)), f), d, s.gates + n + j);
    hn::StoreU(tanh_back(d, hn::Mul(inner, i), g), d, s.gates + 2 * n + j);
    hn::StoreU(sigmoid_back(hn::Mul(out, y), o), d, s.gates + 3 * n + j);
    hn::StoreU(hn::Mul(inner, f), d, s.dc_next + j);
  });
}

void gru_gates(float* rz, size_t n) {
  for_vectors(0, 2 * n, [&](auto d, size_t j) HWY_ATTR { hn::StoreU(sigmoid(d, hn::LoadU(d, rz + j)), d, rz + j); });
}

void gated(const float* x, const float* y, float* z, size_t n) {
  for_vectors(0, n,
              [&](auto d, size_t j) HWY_ATTR { hn::StoreU(hn::Mul(hn::LoadU(d, x + j), load(d, y, j)), d, z + j); });
}

void gru_state(const GruState& s, size_t n) {
  for_vectors(0, n, [&](auto d, size_t j) HWY_ATTR {
    const auto one = hn::Set(d, 1.0f), z = hn::LoadU(d, s.z + j);
    const auto gate = s.gate ? hn::LoadU(d, s.gate + j) : one;
    const auto candidate = tanh(d, hn::MulAdd(gate, hn::LoadU(d, s.seen + j), load(d, s.a, j)));
    hn::StoreU(candidate, d, s.candidate + j);
    hn::StoreU(hn::MulAdd(z, load(d, s.before, j), hn::Mul(hn::Sub(one, z), candidate)), d, s.h + j);
  });
}

void gru_step_backward(const GruBack& s, size_t n) {
  for_vectors(0, n, [&](auto d, size_t j) HWY_ATTR {
    const auto z = hn::LoadU(d, s.rzqn + n + j), c = hn::LoadU(d, s.rzqn + 3 * n + j);
    const auto arriving = hn::Add(hn::LoadU(d, s.dh + j), hn::LoadU(d, s.dh_next + j));
    const auto of_z = hn::Mul(arriving, hn::Sub(load(d, s.before, j), c));
    hn::StoreU(sigmoid_back(of_z, z), d, s.gates + n + j);
    const auto of_candidate = hn::Mul(arriving, hn::Sub(hn::Set(d, 1.0f), z));
    hn::StoreU(tanh_back(d, of_candidate, c), d, s.gates + 2 * n + j);
    hn::StoreU(hn::Mul(arriving, z), d, s.dh_next + j);
  });
}

void gru_reset_after(const float* rzqn, float* gates, float* sums, size_t n) {
  for_vectors(0, n, [&](auto d, size_t j) HWY_ATTR {
    const auto r = hn::LoadU(d, rzqn + j), candidate = hn::LoadU(d, gates + 2 * n + j);
    const auto of_r = sigmoid_back(hn::Mul(candidate, hn::LoadU(d, rzqn + 2 * n + j)), r);
    hn::StoreU(of_r, d, gates + j);
    hn::StoreU(of_r, d, sums + j);
    hn::StoreU(hn::LoadU(d, gates + n + j), d, sums + n + j);
    hn::StoreU(hn::Mul(candidate, r), d, sums + 2 * n + j);
  });
}

void gru_reset_before(const float* rzqn, const float* before, float* dh_next, float* gates, size_t n) {
  for_vectors(0, n, [&](auto d, size_t j) HWY_ATTR {
    const auto r = hn::LoadU(d, rzqn + j), product = hn::LoadU(d, gates + j);
    hn::StoreU(hn::MulAdd(product, r, hn::LoadU(d, dh_next + j)), d, dh_next + j);
    hn::StoreU(sigmoid_back(hn::Mul(product, load(d, before, j)), r), d, gates + j);
  });
}

}  // namespace ocellus::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ocellus::simd {

HWY_EXPORT(lstm_step);
HWY_EXPORT(lstm_step_backward);
HWY_EXPORT(gru_gates);
HWY_EXPORT(gated);
HWY_EXPORT(gru_state);
HWY_EXPORT(gru_step_backward);
HWY_EXPORT(gru_reset_after);
HWY_EXPORT(gru_reset_before);

void lstm_step(float* ifgo, const float* c_before, float* c, float* h, size_t n) {
  HWY_DYNAMIC_DISPATCH(lstm_step)(ifgo, c_before, c, h, n);
}
void lstm_step_backward(const LstmBack& step, size_t n) { HWY_DYNAMIC_DISPATCH(lstm_step_backward)(step, n); }
void gru_gates(float* rz, size_t n) { HWY_DYNAMIC_DISPATCH(gru_gates)(rz, n); }
void gated(const float* x, const float* y, float* z, size_t n) { HWY_DYNAMIC_DISPATCH(gated)(x, y, z, n); }
void gru_state(const GruState& step, size_t n) { HWY_DYNAMIC_DISPATCH(gru_state)(step, n); }
void gru_step_backward(const GruBack& step, size_t n) { HWY_DYNAMIC_DISPATCH(gru_step_backward)(step, n); }
void gru_reset_after(const float* rzqn, float* gates, float* sums, size_t n) {
  HWY_DYNAMIC_DISPATCH(gru_reset_after)(rzqn, gates, sums, n);
}
void gru_reset_before(const float* rzqn, const float* before, float* dh_next, float* gates, size_t n) {
  HWY_DYNAMIC_DISPATCH(gru_reset_before)(rzqn, before, dh_next, gates, n);
}

}  // namespace ocellus::simd
#endif

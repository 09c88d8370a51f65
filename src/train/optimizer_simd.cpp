// Vector loops of the optimisers, compiled for each instruction set and chosen at run time by Highway.
//
// Every operation is element by element, with multiply-adds written out, and the last few elements go through the same
// vector code in a padded buffer; so an element's result does not depend on where it lies nor, between targets that
// have fused multiply-add (AVX2 and up), on the vector width.
#include "train/optimizer_simd.h"

#include <array>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "train/optimizer_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ocellus::optim::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::ScalableTag<float>;
using Vec = hn::Vec<Tag>;

/// The prepared gradient: clipped, with the L2 term of the parameter added.
struct Prepare {
  explicit Prepare(const GradientArgs& args)
      : scale(hn::Set(Tag(), args.scale)), limit(hn::Set(Tag(), args.limit)), decay(hn::Set(Tag(), args.decay)) {}
  HWY_INLINE Vec operator()(Vec param, Vec grad) const {
    const Vec scaled = hn::Mul(grad, scale);
    // Second operands are what x86's min and max return for NaN, so a NaN gradient stays one.
    const Vec limited = hn::Max(hn::Neg(limit), hn::Min(limit, scaled));
    return hn::MulAdd(decay, param, limited);
  }
  Vec scale, limit, decay;
};

/// Runs `rule(param, grad, state...)` over the arrays, vector by vector; the rule changes param and state in place.
template <size_t kStates, class Rule>
HWY_INLINE void for_each_vector(float* param, const float* grad, const std::array<float*, kStates>& state, size_t n,
                                const Rule& rule) {
  const Tag d;
  const size_t lanes = hn::Lanes(d);
  const auto apply = [&](float* p, const float* g, const std::array<float*, kStates>& s) HWY_ATTR {
    Vec w = hn::LoadU(d, p);
    const Vec gradient = hn::LoadU(d, g);
    if constexpr (kStates == 0) {
      rule(w, gradient);
    } else if constexpr (kStates == 1) {
      Vec a = hn::LoadU(d, s[0]);
      rule(w, gradient, a);
      hn::StoreU(a, d, s[0]);
    } else if constexpr (kStates == 2) {
      Vec a = hn::LoadU(d, s[0]), b = hn::LoadU(d, s[1]);
      rule(w, gradient, a, b);
      hn::StoreU(a, d, s[0]);
      hn::StoreU(b, d, s[1]);
    } else {
      Vec a = hn::LoadU(d, s[0]), b = hn::LoadU(d, s[1]), c = hn::LoadU(d, s[2]);
      rule(w, gradient, a, b, c);
      hn::StoreU(a, d, s[0]);
      hn::StoreU(b, d, s[1]);
      hn::StoreU(c, d, s[2]);
    }
    hn::StoreU(w, d, p);
  };

  size_t i = 0;
  std::array<float*, kStates> at = state;
  for (; i + lanes <= n; i += lanes) {
    apply(param + i, grad + i, at);
    for (float*& s : at) s += lanes;
  }
  if (i == n) return;
  constexpr size_t room = HWY_MAX_BYTES / sizeof(float);
  float padded[2 + kStates][room] = {};
  const size_t bytes = (n - i) * sizeof(float);
  std::memcpy(padded[0], param + i, bytes);
  std::memcpy(padded[1], grad + i, bytes);
  std::array<float*, kStates> tail{};
  for (size_t s = 0; s < kStates; ++s) {
    std::memcpy(padded[2 + s], at[s], bytes);
    tail[s] = padded[2 + s];
  }
  apply(padded[0], padded[1], tail);
  std::memcpy(param + i, padded[0], bytes);
  for (size_t s = 0; s < kStates; ++s) std::memcpy(at[s], padded[2 + s], bytes);
}

void sgd(const SgdArgs& args, float* param, const float* grad, float* momentum, size_t n) {
  const Tag d;
  const Prepare prepare(args.gradient);
  const Vec lr = hn::Set(d, args.lr), mu = hn::Set(d, args.momentum);
  if (momentum == nullptr) {
    for_each_vector<0>(param, grad, {}, n, [&](Vec& w, Vec g) HWY_ATTR { w = hn::NegMulAdd(lr, prepare(w, g), w); });
  } else if (args.nesterov) {
    for_each_vector<1>(param, grad, {momentum}, n, [&](Vec& w, Vec raw, Vec& b) HWY_ATTR {
      const Vec g = prepare(w, raw);
      b = hn::MulAdd(mu, b, g);
      w = hn::NegMulAdd(lr, hn::MulAdd(mu, b, g), w);
    });
  } else {
    for_each_vector<1>(param, grad, {momentum}, n, [&](Vec& w, Vec raw, Vec& b) HWY_ATTR {
      b = hn::MulAdd(mu, b, prepare(w, raw));
      w = hn::NegMulAdd(lr, b, w);
    });
  }
}

void adam(const AdamArgs& args, float* param, const float* grad, float* m, float* v, size_t n) {
  const Tag d;
  const Prepare prepare(args.gradient);
  const Vec shrink = hn::Set(d, args.shrink), step_size = hn::Set(d, args.step_size);
  const Vec beta2 = hn::Set(d, args.beta2), keep1 = hn::Set(d, args.keep1), keep2 = hn::Set(d, args.keep2);
  const Vec root_scale = hn::Set(d, args.root_scale), eps = hn::Set(d, args.eps);
  for_each_vector<2>(param, grad, {m, v}, n, [&](Vec& w, Vec raw, Vec& first, Vec& second) HWY_ATTR {
    const Vec g = prepare(w, raw);
    first = hn::MulAdd(keep1, hn::Sub(g, first), first);
    second = hn::MulAdd(keep2, hn::Mul(g, g), hn::Mul(beta2, second));
    const Vec root = hn::MulAdd(hn::Sqrt(second), root_scale, eps);
    w = hn::NegMulAdd(step_size, hn::Div(first, root), hn::Mul(w, shrink));
  });
}

/// The rule's loops with and without its two optional arrays; `scaled` is the gradient over its root mean square.
void rmsprop(const RmsPropArgs& args, float* param, const float* grad, float* square, float* mean, float* momentum,
             size_t n) {
  const Tag d;
  const Prepare prepare(args.gradient);
  const Vec lr = hn::Set(d, args.lr), alpha = hn::Set(d, args.alpha), keep = hn::Set(d, args.keep);
  const Vec eps = hn::Set(d, args.eps), mu = hn::Set(d, args.momentum);
  const auto plain = [&](Vec g, Vec& s) HWY_ATTR {
    s = hn::MulAdd(keep, hn::Mul(g, g), hn::Mul(alpha, s));
    return hn::Div(g, hn::Add(hn::Sqrt(s), eps));
  };
  const auto centred = [&](Vec g, Vec& s, Vec& a) HWY_ATTR {
    s = hn::MulAdd(keep, hn::Mul(g, g), hn::Mul(alpha, s));
    a = hn::MulAdd(keep, hn::Sub(g, a), a);
    return hn::Div(g, hn::Add(hn::Sqrt(hn::NegMulAdd(a, a, s)), eps));
  };
  const auto move = [&](Vec& w, Vec& b, Vec scaled) HWY_ATTR {
    b = hn::MulAdd(mu, b, scaled);
    w = hn::NegMulAdd(lr, b, w);
  };
  if (mean == nullptr && momentum == nullptr) {
    for_each_vector<1>(param, grad, {square}, n,
                       [&](Vec& w, Vec g, Vec& s) HWY_ATTR { w = hn::NegMulAdd(lr, plain(prepare(w, g), s), w); });
  } else if (mean == nullptr) {
    for_each_vector<2>(param, grad, {square, momentum}, n,
                       [&](Vec& w, Vec g, Vec& s, Vec& b) HWY_ATTR { move(w, b, plain(prepare(w, g), s)); });
  } else if (momentum == nullptr) {
    for_each_vector<2>(param, grad, {square, mean}, n, [&](Vec& w, Vec g, Vec& s, Vec& a) HWY_ATTR {
      w = hn::NegMulAdd(lr, centred(prepare(w, g), s, a), w);
    });
  } else {
    for_each_vector<3>(param, grad, {square, mean, momentum}, n, [&](Vec& w, Vec g, Vec& s, Vec& a, Vec& b) HWY_ATTR {
      move(w, b, centred(prepare(w, g), s, a));
    });
  }
}

double squares(const float* values, size_t n) {
  constexpr size_t kSums = 16;
  const hn::CappedTag<double, kSums> d;
  const hn::Rebind<float, decltype(d)> df;
  const size_t lanes = hn::Lanes(d);
  HWY_ALIGN double sums[kSums] = {};
  HWY_ALIGN float block[kSums];
  const size_t whole = n / kSums * kSums;
  for (size_t lane = 0; lane < kSums; lane += lanes) {
    auto sum = hn::Zero(d);
    for (size_t i = lane; i < whole; i += kSums) {
      const auto v = hn::PromoteTo(d, hn::LoadU(df, values + i));
      sum = hn::MulAdd(v, v, sum);  // the square of a float is exact in double, so fusing changes nothing
    }
    hn::Store(sum, d, sums + lane);
  }
  std::memcpy(block, values + whole, (n - whole) * sizeof(float));
  for (size_t i = 0; i < n - whole; ++i) sums[i] += static_cast<double>(block[i]) * static_cast<double>(block[i]);
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace ocellus::optim::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ocellus::optim {

HWY_EXPORT(sgd);
HWY_EXPORT(adam);
HWY_EXPORT(rmsprop);
HWY_EXPORT(squares);

void sgd_update(const SgdArgs& args, float* param, const float* grad, float* momentum, size_t n) {
  HWY_DYNAMIC_DISPATCH(sgd)(args, param, grad, momentum, n);
}
void adam_update(const AdamArgs& args, float* param, const float* grad, float* m, float* v, size_t n) {
  HWY_DYNAMIC_DISPATCH(adam)(args, param, grad, m, v, n);
}
void rmsprop_update(const RmsPropArgs& args, float* param, const float* grad, float* square, float* mean,
                    float* momentum, size_t n) {
  HWY_DYNAMIC_DISPATCH(rmsprop)(args, param, grad, square, mean, momentum, n);
}
double sum_of_squares(const float* values, size_t n) { return HWY_DYNAMIC_DISPATCH(squares)(values, n); }

}  // namespace ocellus::optim
#endif

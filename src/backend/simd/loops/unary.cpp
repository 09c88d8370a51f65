// Each function is a struct with its value and its slope as vectors, written as in src/ops/unary.cpp, where the forms
// are explained. The vector library's exponential and logarithm are wrong at the ends of their ranges and for NaN;
// `exponential` and `logarithm` mend that.
//
// The normal distribution: for a = |x|, 1 - Phi(a) = e^(-a^2 / 2) h(a), where h falls from 1/2 like 1 / a. So h is t
// times a polynomial in t = 1 / (1 + a / 4), fitted for the least relative error, 4e-8, over all a.
#include "backend/simd/loops/unary.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/simd/loops/unary.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h, once per target.
#include <hwy/contrib/math/math-inl.h>

#include <limits>

#include "backend/simd/loops/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ocellus::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
using Vec = hn::Vec<D>;
template <class D>
HWY_INLINE Vec<D> number(D d, double v) {
  return hn::Set(d, static_cast<float>(v));
}

template <class D>
HWY_INLINE Vec<D> exponential(D d, Vec<D> x) {
  const auto most = hn::Set(d, 100.0f);  // e^100 is infinite
  const auto y = hn::Exp(d, hn::IfThenElse(hn::Gt(x, most), most, x));
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

/// e^-|x|.
template <class D>
HWY_INLINE Vec<D> decay(D d, Vec<D> x) {
  const auto size = hn::Neg(hn::Abs(x));
  return hn::IfThenElse(hn::IsNaN(x), x, hn::Exp(d, size));
}

template <class D>
HWY_INLINE Vec<D> logarithm(D d, Vec<D> x) {
  const auto zero = hn::Zero(d), infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  const auto edge =
      hn::IfThenElse(hn::Eq(x, zero), hn::Neg(infinity), hn::Set(d, std::numeric_limits<float>::quiet_NaN()));
  const auto inside = hn::IfThenElse(hn::Lt(x, infinity), hn::Log(d, x), x);
  return hn::IfThenElse(hn::Gt(x, zero), inside, edge);
}

/// x * vanishing, 0 where that is 0 and x infinite.
template <class D>
HWY_INLINE Vec<D> times(D d, Vec<D> x, Vec<D> vanishing) {
  return hn::IfThenZeroElse(hn::Eq(vanishing, hn::Zero(d)), hn::Mul(x, vanishing));
}

template <class D>
HWY_INLINE Vec<D> between(Vec<D> low, Vec<D> high, Vec<D> x) {
  return hn::IfThenElse(hn::Lt(x, low), low, hn::IfThenElse(hn::Gt(x, high), high, x));
}

/// `inner` where x is between the bounds, else 0.
template <class D>
HWY_INLINE Vec<D> if_inside(Vec<D> low, Vec<D> high, Vec<D> x, Vec<D> inner) {
  return hn::IfThenElseZero(hn::And(hn::Gt(x, low), hn::Lt(x, high)), inner);
}

/// sigmoid(x), and its slope.
template <class D>
struct Sigmoid {
  HWY_INLINE Sigmoid(D d, Vec<D> x) : e(decay(d, x)), inverse(hn::Div(hn::Set(d, 1.0f), hn::Add(hn::Set(d, 1.0f), e))) {
    value = hn::Mul(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, hn::Set(d, 1.0f)), inverse);
  }
  HWY_INLINE Vec<D> slope() const { return hn::Mul(e, hn::Mul(inverse, inverse)); }
  Vec<D> e, inverse, value;
};

struct Exp {
  static constexpr UnaryKind kind = UnaryKind::exp;
  template <class D>
  static HWY_INLINE Vec<D> value(D d, const Function&, Vec<D> x) {
    return exponential(d, x);
  }
  template <class D>
  static HWY_INLINE Vec<D> slope(D d, const Function&, Vec<D> x) {
    return exponential(d, x);
  }
};

struct Log {
  static constexpr UnaryKind kind = UnaryKind::log;
  template <class D>
  static HWY_INLINE Vec<D> value(D d, const Function&, Vec<D> x) {
    return logarithm(d, x);
  }
  template <class D>
  static HWY_INLINE Vec<D> slope(D d, const Function&, Vec<D> x) {
    return hn::Div(hn::Set(d, 1.0f), x);
  }
};

struct Sqrt {
  static constexpr UnaryKind kind = UnaryKind::sqrt;
  template <class D>
  static HWY_INLINE Vec<D> value(D, const Function&, Vec<D> x) {
    return hn::Sqrt(x);
  }
  template <class D>
  static HWY_INLINE Vec<D> slope(D d, const Function&, Vec<D> x) {
    return hn::Div(hn::Set(d, 0.5f), hn::Sqrt(x));
  }
};

struct Abs {
  static constexpr UnaryKind kind = UnaryKind::abs;
  template <class D>
  static HWY_INLINE Vec<D> value(D, const Function&, Vec<D> x) {
    return hn::Abs(x);
  }
  template <class D>
  static HWY_INLINE Vec<D> slope(D d, const Function&, Vec<D> x) {
    const auto zero = hn::Zero(d), one = hn::Set(d, 1.0f);
    return hn::IfThenElse(hn::Lt(x, zero), hn::Neg(one), hn::IfThenElseZero(hn::Gt(x, zero), one));
  }
};

struct Softplus {
  static constexpr UnaryKind kind = UnaryKind::softplus;
  template <class D>
  static HWY_INLINE Vec<D> value(D d, const Function&, Vec<D> x) {
    const auto above = hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x);
    return hn::Add(above, hn::IfThenElse(hn::IsNaN(x), x, hn::Log1p(d, decay(d, x))));
  }
  template <class D>
  static HWY_INLINE Vec<D> slope(D d, const Function&, Vec<D> x) {
    return Sigmoid<D>(d, x).value;
  }
};

struct Elu {
  static constexpr UnaryKind kind = UnaryKind::elu;
  template <class D>
  static HWY_INLINE Vec<D> value(D d, const Function& f, Vec<D> x) {
    const auto below = hn::Mul(number(d, f.alpha), hn::Expm1(d, hn::Min(x, hn::Zero(d))));
    return hn::IfThenElse(hn::Or(hn::Gt(x, hn::Zero(d)), hn::IsNaN(x)), x, below);
  }
  template <class D>
  static HWY_INLINE Vec<D> slope(D d, const Function& f, Vec<D> x) {
    const auto below = hn::Mul(number(d, f.alpha), decay(d, x));
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), hn::Set(d, 1.0f), below);
  }
};

struct Silu {
  static constexpr UnaryKind kind = UnaryKind::silu;
  template <class D>
  static HWY_INLINE Vec<D> value(D d, const Function&, Vec<D> x) {
    return times(d, x, Sigmoid<D>(d, x).value);
  }
  template <class D>
  static HWY_INLINE Vec<D> slope(D d, const Function&, Vec<D> x) {
    const Sigmoid<D> s(d, x);
    return hn::Add(s.value, times(d, x, s.slope()));
  }
};

struct HardSwish {
  static constexpr UnaryKind kind = UnaryKind::hard_swish;
  template <class D>
  static HWY_INLINE Vec<D> value(D d, const Function&, Vec<D> x) {
    const auto gate = between<D>(hn::Zero(d), hn::Set(d, 6.0f), hn::Add(x, hn::Set(d, 3.0f)));
    return times(d, x, hn::Mul(gate, number(d, 1.0 / 6)));
  }
  template <class D>
  static HWY_INLINE Vec<D> slope(D d, const Function&, Vec<D> x) {
    const auto three = hn::Set(d, 3.0f);
    const auto inner = hn::MulAdd(x, number(d, 1.0 / 3), hn::Set(d, 0.5f));
    return hn::IfThenElse(hn::Ge(x, three), hn::Set(d, 1.0f), if_inside<D>(hn::Neg(three), three, x, inner));
  }
};

struct HardSigmoid {
  static constexpr UnaryKind kind = UnaryKind::hard_sigmoid;
  template <class D>
  static HWY_INLINE Vec<D> line(D d, const Function& f, Vec<D> x) {
    return hn::MulAdd(number(d, f.alpha), x, number(d, f.beta));
  }
  template <class D>
  static HWY_INLINE Vec<D> value(D d, const Function& f, Vec<D> x) {
    return between<D>(hn::Zero(d), hn::Set(d, 1.0f), line(d, f, x));
  }
  template <class D>
  static HWY_INLINE Vec<D> slope(D d, const Function& f, Vec<D> x) {
    return if_inside<D>(hn::Zero(d), hn::Set(d, 1.0f), line(d, f, x), number(d, f.alpha));
  }
};

struct Mish {
  static constexpr UnaryKind kind = UnaryKind::mish;
  /// t = tanh(softplus(x)), and 1 - t, of which sigmoid(x) gives the exponential.
  template <class D>
  struct Gate {
    HWY_INLINE Gate(D d, Vec<D> x, Vec<D> e) {
      const auto two = hn::Set(d, 2.0f), ee = hn::Mul(e, e);
      const auto low = hn::Lt(x, hn::Zero(d));
      const auto more = hn::IfThenElse(low, hn::MulAdd(e, two, ee), hn::MulAdd(e, two, hn::Set(d, 1.0f)));
      const auto less = hn::IfThenElse(low, two, hn::Mul(two, ee));
      const auto inverse = hn::Div(hn::Set(d, 1.0f), hn::Add(more, less));
      t = hn::Mul(more, inverse);
      rest = hn::Mul(less, inverse);
    }
    Vec<D> t, rest;
  };
  template <class D>
  static HWY_INLINE Vec<D> value(D d, const Function&, Vec<D> x) {
    return times(d, x, Gate<D>(d, x, decay(d, x)).t);
  }
  template <class D>
  static HWY_INLINE Vec<D> slope(D d, const Function&, Vec<D> x) {
    const Sigmoid<D> s(d, x);
    const Gate<D> gate(d, x, s.e);
    const auto bend = hn::Mul(hn::Mul(gate.rest, hn::Add(hn::Set(d, 1.0f), gate.t)), s.value);
    return hn::Add(gate.t, times(d, x, bend));
  }
};

struct Gelu {
  static constexpr UnaryKind kind = UnaryKind::gelu;
  /// The normal distribution at x, and e^(-x^2 / 2).
  template <class D>
  struct Normal {
    HWY_INLINE Normal(D d, Vec<D> x) {
      constexpr double fitted[] = {0.01978201, -0.0808773, 0.09559703, -0.03171745, 0.06369905,
                                   0.05897517, 0.0816031,  0.09346636, 0.09973643,  0.09973557};
      const auto one = hn::Set(d, 1.0f), size = hn::Abs(x);
      const auto t = hn::Div(one, hn::MulAdd(size, hn::Set(d, 0.25f), one));
      auto h = number(d, fitted[0]);
      for (size_t i = 1; i < std::size(fitted); ++i) h = hn::MulAdd(h, t, number(d, fitted[i]));
      bell = exponential(d, hn::Mul(hn::Mul(x, x), hn::Set(d, -0.5f)));
      const auto tail = hn::Mul(bell, hn::Mul(h, t));
      phi = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(one, tail));
    }
    Vec<D> bell, phi;
  };
  template <class D>
  static HWY_INLINE Vec<D> value(D d, const Function&, Vec<D> x) {
    return times(d, x, Normal<D>(d, x).phi);
  }
  template <class D>
  static HWY_INLINE Vec<D> slope(D d, const Function&, Vec<D> x) {
    const Normal<D> normal(d, x);
    return hn::Add(normal.phi, times(d, x, hn::Mul(normal.bell, number(d, 0.3989422804014327))));
  }
};

struct GeluTanh {
  static constexpr UnaryKind kind = UnaryKind::gelu_tanh;
  static constexpr double factor = 1.5957691216057308, cubic = 0.044715;  // 2 sqrt(2 / pi)
  template <class D>
  static HWY_INLINE Vec<D> argument(D d, Vec<D> x) {
    return hn::Mul(x, hn::MulAdd(hn::Mul(x, x), number(d, factor * cubic), number(d, factor)));
  }
  template <class D>
  static HWY_INLINE Vec<D> value(D d, const Function&, Vec<D> x) {
    return times(d, x, Sigmoid<D>(d, argument(d, x)).value);
  }
  template <class D>
  static HWY_INLINE Vec<D> slope(D d, const Function&, Vec<D> x) {
    const Sigmoid<D> s(d, argument(d, x));
    const auto steep = hn::MulAdd(hn::Mul(x, x), number(d, 3 * factor * cubic), number(d, factor));
    return hn::Add(s.value, times(d, hn::Mul(x, steep), s.slope()));
  }
};

struct Clip {
  static constexpr UnaryKind kind = UnaryKind::clip;
  template <class D>
  static HWY_INLINE Vec<D> value(D d, const Function& f, Vec<D> x) {
    return between<D>(number(d, f.alpha), number(d, f.beta), x);
  }
  template <class D>
  static HWY_INLINE Vec<D> slope(D d, const Function& f, Vec<D> x) {
    return if_inside<D>(number(d, f.alpha), number(d, f.beta), x, hn::Set(d, 1.0f));
  }
};

template <class K>
void value_loop(const Function& f, const float* x, float* y, size_t n) {
  for_vectors(0, n, [&](auto d, size_t i) HWY_ATTR { hn::StoreU(K::value(d, f, hn::LoadU(d, x + i)), d, y + i); });
}

template <class K>
void slope_loop(const Function& f, const float* dy, const float* x, float* dx, size_t n) {
  for_vectors(0, n, [&](auto d, size_t i) HWY_ATTR {
    hn::StoreU(hn::Mul(hn::LoadU(d, dy + i), K::slope(d, f, hn::LoadU(d, x + i))), d, dx + i);
  });
}

struct Row {
  UnaryKind kind;
  void (*value)(const Function& f, const float* x, float* y, size_t n);
  void (*slope)(const Function& f, const float* dy, const float* x, float* dx, size_t n);
};

template <class... K>
const Row* find_row(UnaryKind kind) {
  static constexpr Row table[] = {{K::kind, value_loop<K>, slope_loop<K>}...};
  for (const Row& row : table)
    if (row.kind == kind) return &row;
  return nullptr;
}

const Row* row_of(UnaryKind kind) {
  return find_row<Exp, Log, Sqrt, Abs, Softplus, Elu, Silu, HardSwish, HardSigmoid, Mish, Gelu, GeluTanh, Clip>(kind);
}

template <class F>
HWY_INLINE void map(const float* x, float* y, size_t n, const F& f) {
  for_vectors(0, n, [&](auto d, size_t i) HWY_ATTR { hn::StoreU(f(d, hn::LoadU(d, x + i)), d, y + i); });
}

void activation(const Activation& f, const float* x, float* y, size_t n) {
  switch (f.kind) {
    case ActivationKind::none: return map(x, y, n, [](auto, auto v) HWY_ATTR { return v; });
    case ActivationKind::relu:
      return map(x, y, n, [](auto d, auto v) HWY_ATTR { return hn::IfThenZeroElse(hn::Lt(v, hn::Zero(d)), v); });
    case ActivationKind::leaky_relu:
      return map(x, y, n, [&](auto d, auto v) HWY_ATTR {
        return hn::IfThenElse(hn::Lt(v, hn::Zero(d)), hn::Mul(v, number(d, f.alpha)), v);
      });
    case ActivationKind::sigmoid:
      return map(x, y, n, [](auto d, auto v) HWY_ATTR { return Sigmoid<decltype(d)>(d, v).value; });
    case ActivationKind::tanh:
      return map(x, y, n, [&](auto d, auto v) HWY_ATTR {
        const auto t = hn::Tanh(d, hn::Mul(v, number(d, f.alpha)));
        return hn::IfThenElse(hn::IsNaN(v), v, hn::Mul(t, number(d, f.beta)));
      });
    default: break;
  }
  const Function function = *function_of(f);
  row_of(function.kind)->value(function, x, y, n);
}

bool has_loop(UnaryKind kind) { return row_of(kind) != nullptr; }
void unary(const Function& f, const float* x, float* y, size_t n) { row_of(f.kind)->value(f, x, y, n); }
void unary_backward(const Function& f, const float* dy, const float* x, float* dx, size_t n) {
  row_of(f.kind)->slope(f, dy, x, dx, n);
}

}  // namespace ocellus::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ocellus::simd {

HWY_EXPORT(has_loop);
HWY_EXPORT(unary);
HWY_EXPORT(activation);
HWY_EXPORT(unary_backward);

bool has_loop(UnaryKind kind) { return HWY_DYNAMIC_DISPATCH(has_loop)(kind); }
void unary(const Function& f, const float* x, float* y, size_t n) { HWY_DYNAMIC_DISPATCH(unary)(f, x, y, n); }
void activation(const Activation& f, const float* x, float* y, size_t n) {
  HWY_DYNAMIC_DISPATCH(activation)(f, x, y, n);
}
void unary_backward(const Function& f, const float* dy, const float* x, float* dx, size_t n) {
  HWY_DYNAMIC_DISPATCH(unary_backward)(f, dy, x, dx, n);
}

}  // namespace ocellus::simd
#endif

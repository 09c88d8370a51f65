// Element-wise functions of one value. Their derivatives are taken from x, so that any shape of curve will do; those
// that can be told from y alone, which operators fuse, are in activation.h.
#pragma once

#include <cstdint>
#include <optional>

#include <ocellus/ops/activation.h>

namespace ocellus {

enum class UnaryKind : uint8_t {
  exp,
  log,
  sqrt,
  abs,
  pow,           ///< x^alpha
  softplus,      ///< log(1 + e^x)
  elu,           ///< x, or alpha (e^x - 1) for x <= 0
  silu,          ///< x sigmoid(x)
  hard_swish,    ///< x clip(x + 3, 0, 6) / 6
  hard_sigmoid,  ///< clip(alpha x + beta, 0, 1)
  mish,          ///< x tanh(softplus(x))
  gelu,          ///< x Phi(x), Phi the normal distribution
  gelu_tanh,     ///< gelu's approximation by tanh
  clip,          ///< alpha below alpha, beta above beta
};
OCELLUS_API std::span<const std::string_view> enum_names(UnaryKind);

/// A function with its constants; what they mean is said at the kinds.
struct Function {
  UnaryKind kind = UnaryKind::exp;
  double alpha = 1;
  double beta = 1;

  friend bool operator==(const Function&, const Function&) = default;
};

inline constexpr Function softplus{UnaryKind::softplus};
/// Exponential linear unit (Clevert et al. 2015).
constexpr Function elu(double alpha = 1) { return {UnaryKind::elu, alpha}; }
/// Swish with beta = 1 (Ramachandran et al. 2017).
inline constexpr Function silu{UnaryKind::silu};
/// MobileNetV3's (Howard et al. 2019).
inline constexpr Function hard_swish{UnaryKind::hard_swish};
/// By default x / 6 + 1/2, as PyTorch and Keras 3 have it; Keras 2 has 0.2 x + 0.5.
constexpr Function hard_sigmoid(double slope = 1.0 / 6, double shift = 0.5) {
  return {UnaryKind::hard_sigmoid, slope, shift};
}
/// Misra 2019, YOLOv4's.
inline constexpr Function mish{UnaryKind::mish};
/// Hendrycks & Gimpel 2016.
inline constexpr Function gelu{UnaryKind::gelu};
/// x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, from the same paper.
inline constexpr Function gelu_tanh{UnaryKind::gelu_tanh};
constexpr Function clip(double low, double high) { return {UnaryKind::clip, low, high}; }
/// min(max(x, 0), 6): MobileNet's.
inline constexpr Function relu6{UnaryKind::clip, 0, 6};

/// The same function as an activation that operators can apply to their output, if it is one, and back.
OCELLUS_API std::optional<Activation> activation_of(const Function& f);
OCELLUS_API std::optional<Function> function_of(const Activation& a);

/// f(x), and f'(x), which is 0 on the bounds of clip and hard_sigmoid and at 0 for abs: what reference evaluations use.
OCELLUS_API double value_at(const Function& f, double x);
OCELLUS_API double slope_at(const Function& f, double x);

/// y = f(x). Input: x, any shape.
class OCELLUS_API Unary final : public Op {
 public:
  Function function;

  std::string_view name() const override { return "unary"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.elementwise = true, .inplace = true}; }
};

/// dx = dy f'(x). Inputs: dy, x.
class OCELLUS_API UnaryBackward final : public Op {
 public:
  Function function;

  std::string_view name() const override { return "unary_backward"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.elementwise = true, .inplace = true}; }
};

namespace ops {
/// f(x); throws ShapeError where a constant is not finite, or a clip's low bound is above its high one.
OCELLUS_API Value unary(const Value& x, const Function& f);
inline Value exp(const Value& x) { return unary(x, {UnaryKind::exp}); }
inline Value log(const Value& x) { return unary(x, {UnaryKind::log}); }
inline Value sqrt(const Value& x) { return unary(x, {UnaryKind::sqrt}); }
inline Value abs(const Value& x) { return unary(x, {UnaryKind::abs}); }
/// x^exponent; NaN for x < 0 and an exponent that is not whole.
inline Value pow(const Value& x, double exponent) { return unary(x, {UnaryKind::pow, exponent}); }
inline Value softplus(const Value& x) { return unary(x, ocellus::softplus); }
inline Value elu(const Value& x, double alpha = 1) { return unary(x, ocellus::elu(alpha)); }
inline Value silu(const Value& x) { return unary(x, ocellus::silu); }
inline Value hard_swish(const Value& x) { return unary(x, ocellus::hard_swish); }
inline Value hard_sigmoid(const Value& x, double slope = 1.0 / 6, double shift = 0.5) {
  return unary(x, ocellus::hard_sigmoid(slope, shift));
}
inline Value mish(const Value& x) { return unary(x, ocellus::mish); }
inline Value gelu(const Value& x) { return unary(x, ocellus::gelu); }
inline Value gelu_tanh(const Value& x) { return unary(x, ocellus::gelu_tanh); }
inline Value clip(const Value& x, double low, double high) { return unary(x, ocellus::clip(low, high)); }
inline Value relu6(const Value& x) { return unary(x, ocellus::relu6); }
}  // namespace ops

}  // namespace ocellus

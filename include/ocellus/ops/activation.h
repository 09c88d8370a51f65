// Activations: alone, and as attributes of the operators that can apply one to their output.
#pragma once

#include <array>

#include <ocellus/graph/op.h>

namespace ocellus {

/// Which function. Those up to `clip` can as a rule be differentiated from their output, so operators that learn may apply them too;
/// the others are functions of unary.h that operators apply in inference.
enum class ActivationKind : uint8_t {
  none,
  relu,
  leaky_relu,
  sigmoid,
  tanh,
  clip,
  elu,
  silu,
  hard_swish,
  hard_sigmoid,
  mish,
  gelu,
  gelu_tanh
};
OCELLUS_API std::span<const std::string_view> enum_names(ActivationKind);

/// A function with its constants: leaky_relu has slope `alpha` for x < 0; tanh is beta * tanh(alpha * x); those from clip on
/// have the constants that unary.h gives them.
struct Activation {
  ActivationKind kind = ActivationKind::none;
  double alpha = 1;
  double beta = 1;

  friend bool operator==(const Activation&, const Activation&) = default;
  explicit operator bool() const { return kind != ActivationKind::none; }
};

inline constexpr Activation linear{};
inline constexpr Activation relu{ActivationKind::relu};
inline constexpr Activation sigmoid{ActivationKind::sigmoid};
inline constexpr Activation tanh_{ActivationKind::tanh};
/// LeakyReLU; the fields' slopes differ: PyTorch 0.01, darknet 0.1, Keras 0.3.
constexpr Activation leaky_relu(double slope = 0.01) { return {ActivationKind::leaky_relu, slope}; }
/// LeCun's squashing function 1.7159 tanh(2x/3) (LeCun et al. 1998, appendix A).
inline constexpr Activation scaled_tanh{ActivationKind::tanh, 2.0 / 3.0, 1.7159};

/// Visits the attributes "activation", "alpha", "beta".
OCELLUS_API void visit_activation(AttrVisitor& v, const Activation& a);
/// Whether f'(x) can be told from f(x) in every precision: the bounds of clip must be numbers that bf16 has.
OCELLUS_API bool from_output(const Activation& a);
/// f(x), and, where it can be told, f'(x) written in terms of y = f(x): what reference evaluations use.
OCELLUS_API double activate(const Activation& a, double x);
OCELLUS_API double activation_slope(const Activation& a, double y);

/// y = f(x). Inputs: x, any shape.
class OCELLUS_API ActivationOp final : public Op {
 public:
  Activation activation;
  std::string_view name() const override { return "activation"; }
  void attrs(AttrVisitor& v) const override { visit_activation(v, activation); }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.elementwise = true, .inplace = true}; }
};

/// dx = dy f'(x) with f' in terms of y, for functions of which `from_output` is true. Inputs: dy, y.
class OCELLUS_API ActivationBackward final : public Op {
 public:
  Activation activation;
  std::string_view name() const override { return "activation_backward"; }
  void attrs(AttrVisitor& v) const override { visit_activation(v, activation); }
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.elementwise = true, .inplace = true}; }
};

namespace ops {
/// f(x), by the operator that has the function; x itself for `linear`.
OCELLUS_API Value activation(const Value& x, Activation a);
/// dy f'(x), given y = f(x); dy itself for `linear`. Throws Unsupported where y does not tell f'(x).
OCELLUS_API Value activation_backward(const Value& dy, const Value& y, Activation a);
}  // namespace ops

}  // namespace ocellus

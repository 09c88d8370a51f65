// Element-wise arithmetic, with NumPy's broadcasting.
#pragma once

#include <ocellus/ops/activation.h>

namespace ocellus {

enum class BinaryKind : uint8_t { add, sub, mul, div, max, min };
OCELLUS_API std::span<const std::string_view> enum_names(BinaryKind);

/// z = x (kind) y; shapes are broadcast. The gradient of max and min is split evenly at ties.
class OCELLUS_API Binary final : public Op {
 public:
  BinaryKind kind = BinaryKind::add;
  Activation activation;  ///< of the result: residual sums take their relu along

  std::string_view name() const override { return "binary"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.elementwise = true, .inplace = true}; }
};

/// The gradient of max and min for one side: dz where that side was taken, half of it at ties, else 0.
/// Inputs: dz, mine, other (of one shape).
class OCELLUS_API ExtremumBackward final : public Op {
 public:
  BinaryKind kind = BinaryKind::max;

  std::string_view name() const override { return "extremum_backward"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.elementwise = true, .inplace = true}; }
};

/// scale * x + shift.
class OCELLUS_API Affine final : public Op {
 public:
  double scale = 1, shift = 0;

  std::string_view name() const override { return "affine"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.elementwise = true, .inplace = true}; }
};

/// x with no way back: its gradient is nothing.
class OCELLUS_API StopGradient final : public Op {
 public:
  std::string_view name() const override { return "stop_gradient"; }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.elementwise = true, .inplace = true}; }
};

/// Sets elements to zero with probability `rate` and scales the rest by 1/(1-rate) (Srivastava et al. 2014).
/// As layers emit it: inference drops it, training turns it into DropoutTrain.
class OCELLUS_API Dropout final : public Op {
 public:
  double rate = 0.5;
  int64_t seed = 0;

  std::string_view name() const override { return "dropout"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  std::optional<Values> for_mode(ModeCtx&) const override;
  Traits traits() const override { return {.elementwise = true, .inplace = true}; }
};

/// Dropout by a mask that is a function of (seed, step, element): the backward pass applies it again instead of storing it.
/// Inputs: x, step (i64 scalar). Elements are counted in plain order.
class OCELLUS_API DropoutTrain final : public Op {
 public:
  double rate = 0.5;
  int64_t seed = 0;

  std::string_view name() const override { return "dropout_train"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.inplace = true}; }
};

namespace ops {
OCELLUS_API Value binary(BinaryKind kind, const Value& a, const Value& b);
inline Value add(const Value& a, const Value& b) { return binary(BinaryKind::add, a, b); }
inline Value sub(const Value& a, const Value& b) { return binary(BinaryKind::sub, a, b); }
inline Value mul(const Value& a, const Value& b) { return binary(BinaryKind::mul, a, b); }
inline Value div(const Value& a, const Value& b) { return binary(BinaryKind::div, a, b); }
inline Value max(const Value& a, const Value& b) { return binary(BinaryKind::max, a, b); }
inline Value min(const Value& a, const Value& b) { return binary(BinaryKind::min, a, b); }
OCELLUS_API Value affine(const Value& x, double scale, double shift = 0);
OCELLUS_API Value stop_gradient(const Value& x);
OCELLUS_API Value dropout(const Value& x, double rate, int64_t seed);
}  // namespace ops

}  // namespace ocellus

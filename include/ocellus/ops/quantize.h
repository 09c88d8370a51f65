// Arithmetic with bytes, for inference: a real number x is held as an integer q with x = scale q (Jacob et al., "Quantization
// and training of neural networks for efficient integer-arithmetic-only inference", 2018, with a zero point of 0).
#pragma once

#include <ocellus/ops/activation.h>
#include <ocellus/ops/window.h>

namespace ocellus {

/// x / scale, rounded to the nearest (ties to even) and cut to what `dtype`, i8 or u8, holds. Input: x f32.
class OCELLUS_API Quantize final : public Op {
 public:
  DType dtype = DType::u8;
  double scale = 1;

  std::string_view name() const override { return "quantize"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;  ///< throws Unsupported
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.elementwise = true, .full_precision = true}; }
};

/// scale q as f32. Input: q i8 or u8.
class OCELLUS_API Dequantize final : public Op {
 public:
  double scale = 1;

  std::string_view name() const override { return "dequantize"; }
  void attrs(AttrVisitor& v) const override { v("scale", scale); }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;  ///< nothing flows to integers
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.elementwise = true, .full_precision = true}; }
};

/// Weights by a scale for each output channel: i8, rounded and cut to [-127, 127]. Inputs: weights f32 [K,...], scales f32 [K].
class OCELLUS_API QuantizeWeights final : public Op {
 public:
  std::string_view name() const override { return "quantize_weights"; }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;  ///< throws Unsupported
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
};

/// What a convolution and a dense layer of bytes share: y = f(m[k] (sum + b[k]) + residual_scale r), where `sum` are the
/// products of input and weights, in integers. An output of i8 or u8 is y / scale, rounded and cut as `Quantize` does.
/// Inputs: x i8 or u8, weights i8, multipliers m f32 [K] (the scale of x by that of the channel's weights), then b f32 [K] if
/// `bias`, in the unit of the sums, then a residual of the output's shape if `residual`: f32 for an f32 output, else i8 or u8.
class OCELLUS_API QuantizedProducts : public Op {
 public:
  bool bias = false;
  bool residual = false;
  Activation activation;
  DType dtype = DType::f32;   ///< of the output
  double scale = 1;           ///< of an output of bytes
  double residual_scale = 1;  ///< of a residual of bytes

  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;  ///< throws Unsupported
  void eval(EvalCtx&) const override;
  std::optional<Values> decompose(std::span<const Value>) const override;  ///< the same integers, held as f32
  int64_t macs(std::span<const TensorType>, std::span<const TensorType>) const override;
  Traits traits() const override { return {.full_precision = true}; }

  /// The operator on real numbers that gives the sums, with the bias and nothing else.
  virtual OpPtr sums() const = 0;
};

class OCELLUS_API QuantizedConv final : public QuantizedProducts {
 public:
  Window window;
  int64_t groups = 1;

  std::string_view name() const override { return "quantized_conv"; }
  void attrs(AttrVisitor& v) const override;
  OpPtr sums() const override;
};

class OCELLUS_API QuantizedDense final : public QuantizedProducts {
 public:
  std::string_view name() const override { return "quantized_dense"; }
  OpPtr sums() const override;
};

namespace ops {
OCELLUS_API Value quantize(const Value& x, DType dtype, double scale);
OCELLUS_API Value dequantize(const Value& q, double scale);
OCELLUS_API Value quantize_weights(const Value& weights, const Value& scales);
}  // namespace ops

}  // namespace ocellus

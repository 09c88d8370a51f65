// Convolution (cross-correlation, as all deep-learning libraries compute it) in 1, 2 or 3 dimensions.
#pragma once

#include <ocellus/ops/activation.h>
#include <ocellus/ops/shape.h>
#include <ocellus/ops/window.h>

namespace ocellus {

/// y[n,k,p] = f(sum_c,q x[n,c,p*stride+q*dilation-pad] w[k,c,q] + b[k] + r[n,k,p]).
/// Inputs: x [N,C,spatial...], weights [K,C/groups,kernel...], then bias [K] if `bias`, then a residual [N,K,out...] if `residual`.
class OCELLUS_API Conv final : public Op {
 public:
  Window window;
  int64_t groups = 1;
  bool bias = false;
  bool residual = false;
  Activation activation;

  std::string_view name() const override { return "conv"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  int64_t macs(std::span<const TensorType>, std::span<const TensorType>) const override;
  Traits traits() const override { return {.wide_inputs = bias ? 0b100u : 0u}; }
};

/// Gradient of a convolution with respect to its input, which is also called transposed convolution. Inputs: dy, weights.
/// `input` holds x's spatial sizes.
class OCELLUS_API ConvBackwardData final : public Op {
 public:
  Window window;
  int64_t groups = 1;
  std::vector<int64_t> input;

  std::string_view name() const override { return "conv_backward_data"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  int64_t macs(std::span<const TensorType>, std::span<const TensorType>) const override;
};

/// Gradient of a convolution with respect to its weights and, if `bias`, its bias. Inputs: x, dy. Outputs: dw, then db, f32
/// if the inputs are bf16: they meet f32 masters.
class OCELLUS_API ConvBackwardWeights final : public Op {
 public:
  Window window;
  int64_t groups = 1;
  bool bias = false;
  std::vector<int64_t> kernel;  ///< spatial sizes of the weights

  std::string_view name() const override { return "conv_backward_weights"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  int64_t macs(std::span<const TensorType>, std::span<const TensorType>) const override;
  Traits traits() const override { return {.wide_outputs = 0b11}; }
};

namespace ops {
struct ConvConfig {
  Window window = {};
  int64_t groups = 1;
  Activation activation = {};
  PadMode padding_mode = PadMode::constant;  ///< what the padding holds: zeros, or the input mirrored or continued
  bool flip = false;  ///< convolution as mathematics defines it: the kernel is mirrored in every spatial dimension
};
/// Convolution of x with weights and an optional bias (an empty Value for none).
OCELLUS_API Value conv(const Value& x, const Value& weights, const Value& bias, const ConvConfig& config = {});

struct ConvTransposeConfig {
  Window window = {};
  std::vector<int64_t> output_padding = {};  ///< further elements at the end, fewer than the stride; see place_transposed
  int64_t groups = 1;
  Activation activation = {};
};
/// Transposed convolution (Zeiler et al. 2010): what leads back from a convolution's output to its input. Inputs:
/// x [N,C,spatial...], weights [C,K/groups,kernel...], an optional bias [K] (an empty Value for none).
OCELLUS_API Value conv_transpose(const Value& x, const Value& weights, const Value& bias,
                                 const ConvTransposeConfig& config = {});
}  // namespace ops

}  // namespace ocellus

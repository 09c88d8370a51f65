// A convolution and the max pooling behind it as one operator: what lies between them is never stored.
#pragma once

#include <ocellus/ops/conv.h>
#include <ocellus/ops/pool.h>

namespace ocellus {

/// Max pooling of a 2-D convolution's result over windows of 2x2 that lie side by side; an odd last row or column is dropped.
/// Inputs: x [N,C,H,W], weights [K,C,kernel...], then bias [K] if `bias`. Outputs: y, and the position of each maximum within
/// its plane of the convolution's result (i32, y's shape), which the gradient needs.
class OCELLUS_API ConvPool final : public Op {
 public:
  Window window;  ///< of the convolution
  bool bias = false;
  Activation activation;  ///< linear, relu or leaky relu

  std::string_view name() const override { return "conv_pool"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  std::optional<Values> decompose(std::span<const Value>) const override;
  int64_t macs(std::span<const TensorType>, std::span<const TensorType>) const override;
  Traits traits() const override { return {.wide_inputs = bias ? 0b100u : 0u}; }

 private:
  Conv conv() const;
};

/// Gradient with respect to x. Inputs: dy, the positions, weights. `input` holds x's spatial sizes.
class OCELLUS_API ConvPoolBackwardData final : public Op {
 public:
  Window window;
  std::vector<int64_t> input;

  std::string_view name() const override { return "conv_pool_backward_data"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  std::optional<Values> decompose(std::span<const Value>) const override;
  int64_t macs(std::span<const TensorType>, std::span<const TensorType>) const override;

 private:
  ConvBackwardData conv() const;
};

/// Gradient with respect to weights and, if `bias`, the bias. Inputs: x, dy, the positions. Outputs: dw, then db.
/// `kernel` holds the spatial sizes of the weights.
class OCELLUS_API ConvPoolBackwardWeights final : public Op {
 public:
  Window window;
  bool bias = false;
  std::vector<int64_t> kernel;

  std::string_view name() const override { return "conv_pool_backward_weights"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  std::optional<Values> decompose(std::span<const Value>) const override;
  int64_t macs(std::span<const TensorType>, std::span<const TensorType>) const override;
  Traits traits() const override { return {.wide_outputs = 0b11}; }

 private:
  ConvBackwardWeights conv() const;
};

/// True for the activations that these operators have.
OCELLUS_API bool keeps_order(const Activation& activation);
/// True for the pooling that these operators do, for an input of this shape.
OCELLUS_API bool pools_by_halves(const MaxPool& pool, const Shape& input);

namespace ops {
struct ConvPoolConfig {
  Window window = {};
  Activation activation = {};
};
/// The pooled result; bias may be empty.
OCELLUS_API Value conv_pool(const Value& x, const Value& weights, const Value& bias, const ConvPoolConfig& config = {});
}  // namespace ops

}  // namespace ocellus

// Normalisation within a sample: group, instance and layer normalisation are one operator over different blocks of
// elements.
#pragma once

#include <cstdint>

#include <ocellus/graph/op.h>

namespace ocellus {

/// What is normalised together. groups: the channels of [N,C,...] are cut into `count` groups, and a group's channels
/// at all positions are a block; scale and shift are one number for each channel. trailing: the last `count`
/// dimensions are a block; scale and shift have their shape.
enum class NormBlocks : uint8_t { groups, trailing };
OCELLUS_API std::span<const std::string_view> enum_names(NormBlocks);

/// y = (x - mean) / sqrt(variance + epsilon) scale + shift, mean and biased variance being those of each block (Ba et
/// al. 2016; Wu & He 2018). Inputs: x, then scale and shift, each only if its attribute says so. Outputs: y, and for
/// the gradient each block's mean and 1 / sqrt(...): [N,groups], or the leading dimensions. Gradients flow through y
/// alone.
class OCELLUS_API SampleNorm final : public Op {
 public:
  NormBlocks blocks = NormBlocks::groups;
  int64_t count = 1;  ///< groups, or dimensions
  double epsilon = 1e-5;
  bool scale = true, shift = true;

  std::string_view name() const override { return "sample_norm"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
};

/// Inputs: dy, x, the forward operator's mean and factor, and scale if there is one. Outputs: dx, then dscale and
/// dshift, each only if its attribute says so.
class OCELLUS_API SampleNormBackward final : public Op {
 public:
  NormBlocks blocks = NormBlocks::groups;
  int64_t count = 1;
  bool scale = true, shift = true;

  std::string_view name() const override { return "sample_norm_backward"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
};

namespace ops {
/// `scale` and `shift` may be empty values: then there is none.
struct SampleNormConfig {
  Value scale = {}, shift = {};
  double epsilon = 1e-5;
};
/// Over `groups` groups of channels: 1 is layer normalisation over everything but the batch.
OCELLUS_API Value group_norm(const Value& x, int64_t groups, const SampleNormConfig& config = {});
/// Each channel of each sample by itself (Ulyanov et al. 2016). Input: [N,C,...].
OCELLUS_API Value instance_norm(const Value& x, const SampleNormConfig& config = {});
/// Over the last `dimensions` dimensions, as PyTorch and Keras have it.
OCELLUS_API Value layer_norm(const Value& x, int64_t dimensions = 1, const SampleNormConfig& config = {});
}  // namespace ops

}  // namespace ocellus

// Products of matrices, Gram matrices, and distances between rows.
#pragma once

#include <ocellus/graph/op.h>

namespace ocellus {

/// a b over the last two dimensions: [...,n,k] by [...,k,m] gives [...,n,m]. The dimensions in front are broadcast as
/// NumPy does. With `transpose_a` a is [...,k,n], with `transpose_b` b is [...,m,k].
class OCELLUS_API MatMul final : public Op {
 public:
  bool transpose_a = false, transpose_b = false;

  std::string_view name() const override { return "matmul"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  int64_t macs(std::span<const TensorType>, std::span<const TensorType>) const override;
};

/// How far apart two rows are: sum (x-y)^2, its square root, sum |x-y|, or 1 - the cosine of their angle (1 where a row
/// is all zeros).
enum class DistanceKind : uint8_t { squared_l2, l2, l1, cosine };
OCELLUS_API std::span<const std::string_view> enum_names(DistanceKind);

/// The distance of each row of x [N,D] from each row of y [M,D]: [N,M]; or, for each of a batch, of [B,N,D] from
/// [B,M,D]: [B,N,M]. Where two rows are equal the gradient of l2 is 0, and so is that of cosine at a row of zeros.
class OCELLUS_API PairwiseDistance final : public Op {
 public:
  DistanceKind kind = DistanceKind::squared_l2;

  std::string_view name() const override { return "pairwise_distance"; }
  void attrs(AttrVisitor& v) const override { v("kind", kind); }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
  int64_t macs(std::span<const TensorType>, std::span<const TensorType>) const override;
};

/// Inputs: dd (the distances'), x, y. Outputs: dx, dy.
class OCELLUS_API PairwiseDistanceBackward final : public Op {
 public:
  DistanceKind kind = DistanceKind::squared_l2;

  std::string_view name() const override { return "pairwise_distance_backward"; }
  void attrs(AttrVisitor& v) const override { v("kind", kind); }
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
};

/// What a Gram matrix is divided by: nothing (Gatys et al. 2015), the positions H W, or all elements C H W (Johnson et
/// al. 2016).
enum class GramDivisor : uint8_t { none, positions, elements };

namespace ops {
struct MatMulConfig {
  bool transpose_a = false, transpose_b = false;
};
OCELLUS_API Value matmul(const Value& a, const Value& b, const MatMulConfig& config = {});

/// Inner products of the channels of features [N,C,...] over all positions: [N,C,C]. Nothing is centred or normalised
/// but for the divisor.
OCELLUS_API Value gram(const Value& features, GramDivisor divisor = GramDivisor::none);

/// Of x [N,D] and y [M,D]: [N,M]; of [B,N,D] and [B,M,D]: [B,N,M].
OCELLUS_API Value pairwise_distance(const Value& x, const Value& y, DistanceKind kind);

/// Of each row of x [N,D] from the same row of y: [N,1]. What a siamese network says of two inputs.
OCELLUS_API Value distance(const Value& x, const Value& y, DistanceKind kind);
}  // namespace ops

}  // namespace ocellus

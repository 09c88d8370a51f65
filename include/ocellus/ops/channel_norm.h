// Normalisation of each position by its own channels: local response normalisation, and L2 normalisation.
#pragma once

#include <ocellus/graph/op.h>

namespace ocellus {

/// y_c = x_c / (k + a sum x_j^2)^beta over the `size` channels j around c that exist (Krizhevsky et al. 2012, section
/// 3.3, whose constants are the defaults). a is alpha as in that paper and TensorFlow; with `divide_alpha` it is alpha
/// / size as in Caffe, PyTorch and ONNX. Input: x [N,C,...]. `size` is odd: 2 radius + 1.
class OCELLUS_API LocalResponseNorm final : public Op {
 public:
  int64_t size = 5;
  double alpha = 1e-4, beta = 0.75, k = 2;
  bool divide_alpha = false;

  std::string_view name() const override { return "local_response_norm"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
};

/// Inputs: dy, x.
class OCELLUS_API LocalResponseNormBackward final : public Op {
 public:
  int64_t size = 5;
  double alpha = 1e-4, beta = 0.75, k = 2;
  bool divide_alpha = false;

  std::string_view name() const override { return "local_response_norm_backward"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
};

/// y_c = scale_c x_c / sqrt(sum of x^2 over the channels + epsilon), at each position (ParseNet: Liu et al. 2015; in
/// SSD the scale starts at 20). Inputs: x [N,C,...], scale [C]. Outputs: y, and the factors 1 / sqrt(...) [N,1,...],
/// which the gradient needs. Gradients flow through y alone.
class OCELLUS_API L2Normalize final : public Op {
 public:
  double epsilon = 1e-10;

  std::string_view name() const override { return "l2_normalize"; }
  void attrs(AttrVisitor& v) const override { v("epsilon", epsilon); }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
};

/// Inputs: dy, x, scale, the factors that the forward operator gave. Outputs: dx, dscale.
class OCELLUS_API L2NormalizeBackward final : public Op {
 public:
  std::string_view name() const override { return "l2_normalize_backward"; }
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
};

namespace ops {
struct LocalResponseNormConfig {
  int64_t size = 5;
  double alpha = 1e-4, beta = 0.75, k = 2;
  bool divide_alpha = false;
};
OCELLUS_API Value local_response_norm(const Value& x, const LocalResponseNormConfig& config = {});
OCELLUS_API Value l2_normalize(const Value& x, const Value& scale, double epsilon = 1e-10);
}  // namespace ops

}  // namespace ocellus

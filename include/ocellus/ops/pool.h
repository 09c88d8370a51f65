// Pooling in 1, 2 or 3 dimensions.
#pragma once

#include <ocellus/ops/window.h>

namespace ocellus {

/// Largest element under each window; ties go to the first. Input: x [N,C,spatial...], real or, for inference, i8 or u8.
/// Outputs: y, and the position of each maximum within its input plane (i32, y's shape), which the gradient needs;
/// a backend may keep that second output in a form of its own.
class OCELLUS_API MaxPool final : public Op {
 public:
  Window window;
  std::vector<int64_t> kernel;
  bool ceil_mode = false;

  std::string_view name() const override { return "max_pool"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

/// Inputs: dy, the positions that the forward operator gave. `input` holds x's spatial sizes.
class OCELLUS_API MaxPoolBackward final : public Op {
 public:
  Window window;
  std::vector<int64_t> kernel, input;
  bool ceil_mode = false;

  std::string_view name() const override { return "max_pool_backward"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
};

/// Mean under each window. With `count_include_pad` the divisor counts padding (but never what lies beyond it).
class OCELLUS_API AveragePool final : public Op {
 public:
  Window window;
  std::vector<int64_t> kernel;
  bool ceil_mode = false;
  bool count_include_pad = false;

  std::string_view name() const override { return "average_pool"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

/// Input: dy. `input` holds x's spatial sizes.
class OCELLUS_API AveragePoolBackward final : public Op {
 public:
  Window window;
  std::vector<int64_t> kernel, input;
  bool ceil_mode = false;
  bool count_include_pad = false;

  std::string_view name() const override { return "average_pool_backward"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
};

/// Mean over all spatial positions: [N,C,spatial...] to [N,C,1...].
class OCELLUS_API GlobalAveragePool final : public Op {
 public:
  std::string_view name() const override { return "global_average_pool"; }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

/// Input: dy [N,C,1...]. `input` holds x's spatial sizes.
class OCELLUS_API GlobalAveragePoolBackward final : public Op {
 public:
  std::vector<int64_t> input;

  std::string_view name() const override { return "global_average_pool_backward"; }
  void attrs(AttrVisitor& v) const override { v("input", input); }
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
};

/// Mean over bins that cover the input, `output` of them along each spatial dimension: of n elements bin i of o has
/// floor(i * n / o) to ceil((i + 1) * n / o) - 1, so that bins may overlap by one (PyTorch). Input: x [N,C,spatial...].
class OCELLUS_API AdaptiveAveragePool final : public Op {
 public:
  std::vector<int64_t> output;

  std::string_view name() const override { return "adaptive_average_pool"; }
  void attrs(AttrVisitor& v) const override { v("output", output); }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

/// Input: dy [N,C,bins...]. `input` holds x's spatial sizes.
class OCELLUS_API AdaptiveAveragePoolBackward final : public Op {
 public:
  std::vector<int64_t> input;

  std::string_view name() const override { return "adaptive_average_pool_backward"; }
  void attrs(AttrVisitor& v) const override { v("input", input); }
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
};

/// Largest element of each of those bins; outputs as those of MaxPool.
class OCELLUS_API AdaptiveMaxPool final : public Op {
 public:
  std::vector<int64_t> output;

  std::string_view name() const override { return "adaptive_max_pool"; }
  void attrs(AttrVisitor& v) const override { v("output", output); }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

/// Inputs: dy, the positions that the forward operator gave. `input` holds x's spatial sizes.
class OCELLUS_API AdaptiveMaxPoolBackward final : public Op {
 public:
  std::vector<int64_t> input;

  std::string_view name() const override { return "adaptive_max_pool_backward"; }
  void attrs(AttrVisitor& v) const override { v("input", input); }
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
};

namespace ops {
struct PoolConfig {
  std::vector<int64_t> kernel = {};
  Window window = {};  ///< an empty stride list means the kernel's sizes
  bool ceil_mode = false;
  bool count_include_pad = false;
};
OCELLUS_API Value max_pool(const Value& x, const PoolConfig& config);
OCELLUS_API Value average_pool(const Value& x, const PoolConfig& config);
OCELLUS_API Value global_average_pool(const Value& x);
/// Maximum over all spatial positions: [N,C,spatial...] to [N,C,1...].
OCELLUS_API Value global_max_pool(const Value& x);
/// To `size` elements along each spatial dimension; one number stands for all dimensions.
OCELLUS_API Value adaptive_average_pool(const Value& x, std::vector<int64_t> size);
OCELLUS_API Value adaptive_max_pool(const Value& x, std::vector<int64_t> size);
}  // namespace ops

}  // namespace ocellus

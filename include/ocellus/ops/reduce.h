// Reductions over axes, and their inverses.
#pragma once

#include <ocellus/graph/op.h>

namespace ocellus {

enum class ReduceKind : uint8_t { sum, mean, max };
OCELLUS_API std::span<const std::string_view> enum_names(ReduceKind);

/// Sum, mean or maximum over `axes` (empty: all of them). The gradient of max is split evenly among ties.
class OCELLUS_API Reduce final : public Op {
 public:
  ReduceKind kind = ReduceKind::sum;
  std::vector<int64_t> axes;  ///< sorted, distinct, not negative
  bool keep_dims = false;

  std::string_view name() const override { return "reduce"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

/// Inputs: dy, y, x (y and dy as Reduce of kind max gave them).
class OCELLUS_API ReduceMaxBackward final : public Op {
 public:
  std::vector<int64_t> axes;

  std::string_view name() const override { return "reduce_max_backward"; }
  void attrs(AttrVisitor& v) const override { v("axes", axes); }
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
};

/// Sums over the axes that broadcasting to the input's shape would have repeated. `dims` is the target shape; its first
/// dimension may be any_dim: the input's.
class OCELLUS_API SumTo final : public Op {
 public:
  std::vector<int64_t> dims;

  std::string_view name() const override { return "sum_to"; }
  void attrs(AttrVisitor& v) const override { v("dims", dims); }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

/// Repeats the input to `dims` (NumPy's broadcasting), multiplied by `scale`. dims[0] may be any_dim: the input's.
class OCELLUS_API BroadcastTo final : public Op {
 public:
  std::vector<int64_t> dims;
  double scale = 1;

  std::string_view name() const override { return "broadcast_to"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

namespace ops {
struct ReduceConfig {
  std::vector<int64_t> axes;  ///< empty: all; negative ones count from the end
  bool keep_dims = false;
};
OCELLUS_API Value reduce_sum(const Value& x, const ReduceConfig& config = {});
OCELLUS_API Value reduce_mean(const Value& x, const ReduceConfig& config = {});
OCELLUS_API Value reduce_max(const Value& x, const ReduceConfig& config = {});
OCELLUS_API Value sum_to(const Value& x, const Shape& shape);
OCELLUS_API Value broadcast_to(const Value& x, const Shape& shape, double scale = 1);
}  // namespace ops

}  // namespace ocellus

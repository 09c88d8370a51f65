// Reductions over axes, and their inverses.
#pragma once

#include <ocellus/graph/op.h>

namespace ocellus {

enum class ReduceKind : uint8_t { sum, mean, max, min, product, l1, l2 };
OCELLUS_API std::span<const std::string_view> enum_names(ReduceKind);

/// Sum, mean, maximum, minimum, product, sum of magnitudes (l1) or root of the sum of squares (l2) over `axes` (empty: all
/// of them). The gradient of max and min is split evenly among ties; that of l2 is 0 where all elements are.
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

/// The gradient of Reduce for all kinds but sum and mean. Inputs: dy, y, x (y as Reduce gave it).
class OCELLUS_API ReduceBackward final : public Op {
 public:
  ReduceKind kind = ReduceKind::max;
  std::vector<int64_t> axes;

  std::string_view name() const override { return "reduce_backward"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
};

/// Running sums along `axis`: y_i = x_0 + ... + x_i. `exclusive` leaves x_i out, `reverse` starts at the other end.
class OCELLUS_API CumulativeSum final : public Op {
 public:
  int64_t axis = 0;
  bool exclusive = false, reverse = false;

  std::string_view name() const override { return "cumulative_sum"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
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
OCELLUS_API Value reduce_min(const Value& x, const ReduceConfig& config = {});
OCELLUS_API Value reduce_product(const Value& x, const ReduceConfig& config = {});
OCELLUS_API Value reduce_l1(const Value& x, const ReduceConfig& config = {});
OCELLUS_API Value reduce_l2(const Value& x, const ReduceConfig& config = {});
struct CumulativeSumConfig {
  int64_t axis = -1;  ///< a negative one counts from the end
  bool exclusive = false, reverse = false;
};
OCELLUS_API Value cumulative_sum(const Value& x, const CumulativeSumConfig& config = {});
OCELLUS_API Value sum_to(const Value& x, const Shape& shape);
OCELLUS_API Value broadcast_to(const Value& x, const Shape& shape, double scale = 1);
}  // namespace ops

}  // namespace ocellus

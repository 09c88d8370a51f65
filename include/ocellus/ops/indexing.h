// Elements by their place: taking them by indices, and the indices of the largest.
#pragma once

#include <ocellus/graph/op.h>

namespace ocellus {

/// Slices of x along `axis`, in the order of the indices (i32, of any shape; NumPy's take): y has x's dimensions with
/// those of the indices in the place of `axis`. Inputs: x, indices. An index outside [0, size) is a UsageError.
class OCELLUS_API Gather final : public Op {
 public:
  int64_t axis = 0;

  std::string_view name() const override { return "gather"; }
  void attrs(AttrVisitor& v) const override { v("axis", axis); }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

/// Zeros of shape `dims` (dims[0] may be any_dim: dy's) to which each slice of dy is added where it was taken.
/// Inputs: dy, indices.
class OCELLUS_API GatherBackward final : public Op {
 public:
  int64_t axis = 0;
  std::vector<int64_t> dims;

  std::string_view name() const override { return "gather_backward"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

/// One element of x for each index, from the index's own line along `axis` (NumPy's take_along_axis). Inputs: x, indices
/// (i32, x's shape but for `axis`). An index outside [0, size) is a UsageError.
class OCELLUS_API GatherAlong final : public Op {
 public:
  int64_t axis = 0;

  std::string_view name() const override { return "gather_along"; }
  void attrs(AttrVisitor& v) const override { v("axis", axis); }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

/// Zeros with `size` elements along `axis`, to which each element of dy is added where it was taken. Inputs: dy, indices.
class OCELLUS_API GatherAlongBackward final : public Op {
 public:
  int64_t axis = 0, size = 0;

  std::string_view name() const override { return "gather_along_backward"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

/// For each index (i32) `depth` numbers f32 along a new axis: `on` in its place and `off` elsewhere; all are `off` for an
/// index outside [0, depth). `axis` is that of the output.
class OCELLUS_API OneHot final : public Op {
 public:
  int64_t depth = 0, axis = 0;
  double on = 1, off = 0;

  std::string_view name() const override { return "one_hot"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
};

/// The index (i32) of the largest element along `axis`, or of the smallest: the first of equal ones, and the first NaN
/// where there is any. `keep_dims` leaves a dimension of 1.
class OCELLUS_API ArgExtremum final : public Op {
 public:
  int64_t axis = 0;
  bool smallest = false, keep_dims = false;

  std::string_view name() const override { return "arg_extremum"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
};

/// The `k` largest elements along `axis`, or the smallest, best first, of equal ones the first. A NaN counts as the largest
/// number. Outputs: the values, and their indices i32.
class OCELLUS_API TopK final : public Op {
 public:
  int64_t k = 1, axis = 0;
  bool smallest = false;

  std::string_view name() const override { return "top_k"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

namespace ops {
/// A negative axis counts from the end, here and below.
OCELLUS_API Value gather(const Value& x, const Value& indices, int64_t axis);
OCELLUS_API Value gather_along(const Value& x, const Value& indices, int64_t axis);
struct OneHotConfig {
  int64_t depth = 0;  ///< how many classes
  int64_t axis = -1;
  double on = 1, off = 0;
};
OCELLUS_API Value one_hot(const Value& indices, const OneHotConfig& config);
struct ArgConfig {
  int64_t axis = -1;
  bool keep_dims = false;
};
OCELLUS_API Value argmax(const Value& x, const ArgConfig& config = {});
OCELLUS_API Value argmin(const Value& x, const ArgConfig& config = {});
struct TopKConfig {
  int64_t k = 1, axis = -1;
  bool smallest = false;
};
/// The values, and their indices.
OCELLUS_API Values top_k(const Value& x, const TopKConfig& config);
}  // namespace ops

}  // namespace ocellus

// Operators that move elements without arithmetic.
#pragma once

#include <ocellus/graph/op.h>

namespace ocellus {

/// The same elements, in plain order, under another shape. In `dims` -1 is inferred and 0 copies the input's dimension. Of an
/// unknown batch whole samples become rows, or rows samples: [N*T,C] to {-1,T,C}.
class OCELLUS_API Reshape final : public Op {
 public:
  std::vector<int64_t> dims;

  std::string_view name() const override { return "reshape"; }
  void attrs(AttrVisitor& v) const override { v("dims", dims); }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.view = true}; }
};

/// out dimension i is in dimension perm[i].
class OCELLUS_API Transpose final : public Op {
 public:
  std::vector<int64_t> perm;

  std::string_view name() const override { return "transpose"; }
  void attrs(AttrVisitor& v) const override { v("perm", perm); }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

/// Joins values along `axis`.
class OCELLUS_API Concat final : public Op {
 public:
  int64_t axis = 1;

  std::string_view name() const override { return "concat"; }
  void attrs(AttrVisitor& v) const override { v("axis", axis); }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

/// Elements begin, begin+step, ... below end of each axis; lists have one element per dimension, and an end of any_dim is the
/// dimension's. On a batch of unknown size dimension 0 must be whole: begin 0, end any_dim, step 1.
class OCELLUS_API Slice final : public Op {
 public:
  std::vector<int64_t> begin, end, step;

  std::string_view name() const override { return "slice"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

/// Zeros of shape `dims` (dims[0] may be any_dim: dy's) with dy written at the slice's places. Input: dy.
class OCELLUS_API SliceBackward final : public Op {
 public:
  std::vector<int64_t> begin, end, step, dims;

  std::string_view name() const override { return "slice_backward"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

/// The elements in the opposite order along each of `axes`.
class OCELLUS_API Reverse final : public Op {
 public:
  std::vector<int64_t> axes;

  std::string_view name() const override { return "reverse"; }
  void attrs(AttrVisitor& v) const override { v("axes", axes); }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

enum class PadMode : uint8_t { constant, reflect, replicate };
OCELLUS_API std::span<const std::string_view> enum_names(PadMode);

/// Adds elements around the input; lists have one element per dimension.
class OCELLUS_API Pad final : public Op {
 public:
  std::vector<int64_t> before, after;
  PadMode mode = PadMode::constant;
  double value = 0;

  std::string_view name() const override { return "pad"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

/// Gradient of Pad: sums what each input element was copied to. Input: dy.
class OCELLUS_API PadBackward final : public Op {
 public:
  std::vector<int64_t> before, after;
  PadMode mode = PadMode::constant;

  std::string_view name() const override { return "pad_backward"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
};

namespace ops {
OCELLUS_API Value reshape(const Value& x, std::vector<int64_t> dims);
/// [N, rest...] to [N, product of the rest].
OCELLUS_API Value flatten(const Value& x);
OCELLUS_API Value transpose(const Value& x, std::vector<int64_t> perm);
OCELLUS_API Value concat(const Values& values, int64_t axis = 1);
struct SliceConfig {
  int64_t axis = 0, begin = 0, end = 0, step = 1;  ///< negative begin and end count from the end
};
OCELLUS_API Value slice(const Value& x, const SliceConfig& config);
/// One (begin, end, step) per dimension at once.
OCELLUS_API Value slice(const Value& x, std::vector<int64_t> begin, std::vector<int64_t> end, std::vector<int64_t> step);
/// Negative axes count from the end.
OCELLUS_API Value reverse(const Value& x, std::vector<int64_t> axes);
struct PadConfig {
  std::vector<int64_t> before, after;  ///< one per dimension
  PadMode mode = PadMode::constant;
  double value = 0;
};
OCELLUS_API Value pad(const Value& x, const PadConfig& config);
}  // namespace ops

}  // namespace ocellus

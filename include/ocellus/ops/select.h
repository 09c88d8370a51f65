// Comparisons, and choice by a condition.
#pragma once

#include <ocellus/graph/op.h>

namespace ocellus {

enum class CompareKind : uint8_t { equal, not_equal, less, less_equal, greater, greater_equal };
OCELLUS_API std::span<const std::string_view> enum_names(CompareKind);

/// a (kind) b as booleans; shapes are broadcast. Both sides have one dtype. Nothing is equal to, less or greater than a NaN.
class OCELLUS_API Compare final : public Op {
 public:
  CompareKind kind = CompareKind::equal;

  std::string_view name() const override { return "compare"; }
  void attrs(AttrVisitor& v) const override { v("kind", kind); }
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
};

/// a where the condition holds and b elsewhere; the three shapes are broadcast. Inputs: condition (boolean), a, b. What
/// is not chosen gets a gradient of 0, be it infinite or NaN.
class OCELLUS_API Where final : public Op {
 public:
  std::string_view name() const override { return "where"; }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

namespace ops {
OCELLUS_API Value compare(CompareKind kind, const Value& a, const Value& b);
inline Value equal(const Value& a, const Value& b) { return compare(CompareKind::equal, a, b); }
inline Value not_equal(const Value& a, const Value& b) { return compare(CompareKind::not_equal, a, b); }
inline Value less(const Value& a, const Value& b) { return compare(CompareKind::less, a, b); }
inline Value less_equal(const Value& a, const Value& b) { return compare(CompareKind::less_equal, a, b); }
inline Value greater(const Value& a, const Value& b) { return compare(CompareKind::greater, a, b); }
inline Value greater_equal(const Value& a, const Value& b) { return compare(CompareKind::greater_equal, a, b); }
OCELLUS_API Value where(const Value& condition, const Value& a, const Value& b);
}  // namespace ops

}  // namespace ocellus

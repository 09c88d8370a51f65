// Conversion between element types.
#pragma once

#include <ocellus/graph/op.h>

namespace ocellus {

/// x in another dtype. Floating values are rounded to the nearest (ties to even). From floating to integer the fraction is cut
/// off, what is out of range takes the nearest number there is, and a NaN becomes 0. Boolean is x != 0.
class OCELLUS_API Cast final : public Op {
 public:
  DType dtype = DType::f32;

  std::string_view name() const override { return "cast"; }
  void attrs(AttrVisitor& v) const override { v("dtype", dtype); }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;  ///< cast back; nothing flows to or from integers
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.elementwise = true, .full_precision = true}; }
};

namespace ops {
/// x in another dtype; x itself if it has that dtype.
OCELLUS_API Value cast(const Value& x, DType dtype);
}  // namespace ops

}  // namespace ocellus

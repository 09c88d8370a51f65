// Element-wise operators that follow each other, as one operator: made by a pass, so that one loop runs them all.
#pragma once

#include <vector>

#include <ocellus/graph/op.h>

namespace ocellus {

/// One operator of a chain. Each of its inputs comes from input i of the chain (i >= 0) or is the result of link -1 - i.
struct Link {
  OpPtr op;
  std::vector<int> from;
};

/// The result of the last link; all links have results of its type. Inputs have that type too, or `spreads` is true of them.
class OCELLUS_API Chain final : public Op {
 public:
  std::vector<Link> links;

  std::string_view name() const override { return "chain"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.elementwise = true}; }
};

/// Whether a chain may hold the operator: arithmetic and functions of elements, with their slopes.
OCELLUS_API bool chainable(const Op& op);
/// Whether an operand is one number, or one for each channel (of each sample), for a result [N,C,...].
OCELLUS_API bool spreads(const Shape& operand, const Shape& result);

}  // namespace ocellus

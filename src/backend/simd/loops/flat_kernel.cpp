#include "backend/simd/flat_kernel.h"

namespace ocellus::simd {

std::string flat_refusal(const KernelRequest& request, bool keeps_zero) {
  const TensorType& out = request.node.types()[0];
  if (out.dtype != DType::f32 && out.dtype != DType::bf16)
    return "works on f32 and bf16, not " + std::string(to_string(out.dtype));
  for (const Value& v : request.node.inputs())
    if (!(v.type() == out)) return "shapes differ: " + to_string(v.type()) + " and " + to_string(out);
  if (keeps_zero) return "";
  for (const LayoutPtr& layout : request.inputs)
    if (layout && layout->bytes() > bytes_of(out)) return "would fill the padding of " + layout->to_string();
  return "";
}

}  // namespace ocellus::simd

#include <array>

#include <ocellus/ops/roi.h>

#include "ops/support/aligned.h"

namespace ocellus {

using namespace detail;

namespace {

template <class O>
void visit(AttrVisitor& v, const O& op) {
  v("scale", op.scale);
  v("sampling_ratio", op.sampling_ratio);
  v("aligned", op.aligned);
}

}  // namespace

void RoiAlign::attrs(AttrVisitor& v) const {
  v("output", output);
  visit(v, *this);
}

Types RoiAlign::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 2);
  expect_regions(inputs[0], inputs[1]);
  expect_bins(output);
  if (sampling_ratio < 0) throw ShapeError(fmt::format("sampling ratio must be at least 0, got {}", sampling_ratio));
  return {{inputs[0].dtype, {inputs[1].shape[0], inputs[0].shape[1], output[0], output[1]}}};
}

Values RoiAlign::gradient(GradCtx& ctx) const {
  if (!ctx.needs(0)) return {Value(), Value()};
  RoiAlignBackward op;
  op.scale = scale;
  op.sampling_ratio = sampling_ratio;
  op.aligned = aligned;
  return {apply(std::move(op), {ctx.dout(), ctx.in(1), ctx.in(0)}), Value()};
}

void RoiAlign::eval(EvalCtx& ctx) const {
  const auto make = aligned_maker(*this, ctx.in(0).shape(), ctx.out().shape());
  with_real(ctx.out(), [&]<class T>(T) { pool_regions<T>(ctx.in(0), ctx.in(1), scale, name(), make, ctx.out()); });
}

void RoiAlignBackward::attrs(AttrVisitor& v) const { visit(v, *this); }

Types RoiAlignBackward::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 3);
  expect_regions(inputs[2], inputs[1]);
  expect_pooled(inputs[0], inputs[1], inputs[2].shape[1]);
  return {{inputs[0].dtype, inputs[2].shape}};
}

void RoiAlignBackward::eval(EvalCtx& ctx) const {
  const auto make = aligned_maker(*this, ctx.out().shape(), ctx.in(0).shape());
  with_real(ctx.out(), [&]<class T>(T) { scatter_regions<T>(ctx.in(0), ctx.in(1), scale, name(), make, ctx.out()); });
}

Value ops::roi_align(const Value& x, const Value& regions, const RoiAlignConfig& config) {
  RoiAlign op;
  op.output = config.size;
  op.scale = config.scale;
  op.sampling_ratio = config.sampling_ratio;
  op.aligned = config.aligned;
  return apply(std::move(op), {x, regions});
}

std::span<const OpEntry> ops_in_roi_align() {
  static const std::array entries = {op_entry<RoiAlign>(), op_entry<RoiAlignBackward>()};
  return entries;
}

}  // namespace ocellus

#include <array>

#include <ocellus/ops/roi.h>

#include "ops/support/regions.h"

namespace ocellus {

using namespace detail;

namespace {

/// A region's elements from one rounded corner to before the other, one at least.
Elements elements(double from, double to) {
  const int64_t begin = std::llround(from);
  return {begin, std::max<int64_t>(std::llround(to) - begin, 1)};
}

struct PositionSensitive {
  Elements ys, xs;
  int64_t height, width, rows, columns;

  int64_t channel(int64_t c, int64_t bin) const { return c * rows * columns + bin; }

  template <class F>
  void each(int64_t bin, F&& f) const {
    const Bin y = ys.bin(bin / columns, rows, height - 1), x = xs.bin(bin % columns, columns, width - 1);
    const double share = 1 / static_cast<double>(std::max<int64_t>((y.end - y.begin) * (x.end - x.begin), 1));
    for (int64_t i = y.begin; i < y.end; ++i)
      for (int64_t j = x.begin; j < x.end; ++j) f(i * width + j, share);
  }
};

/// Makes the pooling of a region, for features and bins of these shapes.
auto maker(const Shape& features, const Shape& pooled) {
  return [height = features[2], width = features[3], rows = pooled[2], columns = pooled[3]](const Region& r) {
    return PositionSensitive{elements(r.y1, r.y2), elements(r.x1, r.x2), height, width, rows, columns};
  };
}

void expect_divisible(const TensorType& x, int64_t bins) {
  if (x.shape[1] % bins != 0)
    throw ShapeError(
        fmt::format("{} channels of input {} don't divide into {} bins", x.shape[1], x.shape.to_string(), bins));
}

}  // namespace

void PositionSensitiveRoiPool::attrs(AttrVisitor& v) const {
  v("output", output);
  v("scale", scale);
}

Types PositionSensitiveRoiPool::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 2);
  expect_regions(inputs[0], inputs[1]);
  expect_bins(output);
  const int64_t bins = output[0] * output[1];
  expect_divisible(inputs[0], bins);
  return {{inputs[0].dtype, {inputs[1].shape[0], inputs[0].shape[1] / bins, output[0], output[1]}}};
}

Values PositionSensitiveRoiPool::gradient(GradCtx& ctx) const {
  if (!ctx.needs(0)) return {Value(), Value()};
  PositionSensitiveRoiPoolBackward op;
  op.scale = scale;
  return {apply(std::move(op), {ctx.dout(), ctx.in(1), ctx.in(0)}), Value()};
}

void PositionSensitiveRoiPool::eval(EvalCtx& ctx) const {
  const auto make = maker(ctx.in(0).shape(), ctx.out().shape());
  with_real(ctx.out(), [&]<class T>(T) { pool_regions<T>(ctx.in(0), ctx.in(1), scale, name(), make, ctx.out()); });
}

Types PositionSensitiveRoiPoolBackward::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 3);
  expect_regions(inputs[2], inputs[1]);
  const Shape& dy = inputs[0].shape;
  const int64_t bins = dy.rank() == 4 ? std::max<int64_t>(dy[2] * dy[3], 1) : 1;
  expect_divisible(inputs[2], bins);
  expect_pooled(inputs[0], inputs[1], inputs[2].shape[1] / bins);
  return {{inputs[0].dtype, inputs[2].shape}};
}

void PositionSensitiveRoiPoolBackward::eval(EvalCtx& ctx) const {
  const auto make = maker(ctx.out().shape(), ctx.in(0).shape());
  with_real(ctx.out(), [&]<class T>(T) { scatter_regions<T>(ctx.in(0), ctx.in(1), scale, name(), make, ctx.out()); });
}

Value ops::position_sensitive_roi_pool(const Value& x, const Value& regions, const RoiPoolConfig& config) {
  PositionSensitiveRoiPool op;
  op.output = config.size;
  op.scale = config.scale;
  return apply(std::move(op), {x, regions});
}

std::span<const OpEntry> ops_in_position_sensitive_roi_pool() {
  static const std::array entries = {op_entry<PositionSensitiveRoiPool>(),
                                     op_entry<PositionSensitiveRoiPoolBackward>()};
  return entries;
}

}  // namespace ocellus

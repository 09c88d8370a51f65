#include <array>

#include <ocellus/ops/roi.h>

#include "ops/support/bins.h"
#include "ops/support/pooling.h"
#include "ops/support/regions.h"

namespace ocellus {

using namespace detail;

namespace {

/// Bin i of the elements from `first` to `last`, both included and one at least, cut to n elements.
Bin region_bin(double first, double last, int64_t i, int64_t bins, int64_t n) {
  const int64_t begin = std::llround(first), size = std::max<int64_t>(std::llround(last) - begin + 1, 1);
  const Bin whole = bin_of(i, size, bins);
  return {std::clamp<int64_t>(begin + whole.begin, 0, n), std::clamp<int64_t>(begin + whole.end, 0, n)};
}

/// The maxima of one region's bins in one plane.
template <class T>
void largest(const Region& region, const Shape& x, const Shape& pooled, const T* plane, T* y, int32_t* at) {
  const int64_t height = x[2], width = x[3], rows = pooled[2], columns = pooled[3];
  for (int64_t bin = 0; bin < rows * columns; ++bin) {
    const Bin ys = region_bin(region.y1, region.y2, bin / columns, rows, height);
    const Bin xs = region_bin(region.x1, region.x2, bin % columns, columns, width);
    y[bin] = 0;
    at[bin] = -1;
    for (int64_t i = ys.begin; i < ys.end; ++i)
      for (int64_t j = xs.begin; j < xs.end; ++j) {
        const int64_t from = i * width + j;
        if (at[bin] >= 0 && !exceeds(plane[from], y[bin])) continue;
        y[bin] = plane[from];
        at[bin] = static_cast<int32_t>(from);
      }
  }
}

}  // namespace

void RoiPool::attrs(AttrVisitor& v) const {
  v("output", output);
  v("scale", scale);
}

Types RoiPool::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 2);
  expect_regions(inputs[0], inputs[1]);
  expect_bins(output);
  const Shape y = {inputs[1].shape[0], inputs[0].shape[1], output[0], output[1]};
  return {{inputs[0].dtype, y}, {DType::i32, y}};
}

Values RoiPool::gradient(GradCtx& ctx) const {
  if (!ctx.needs(0)) return {Value(), Value()};
  return {apply(RoiPoolBackward(), {ctx.dout(), ctx.out(1), ctx.in(1), ctx.in(0)}), Value()};
}

void RoiPool::eval(EvalCtx& ctx) const {
  const Shape &x = ctx.in(0).shape(), &pooled = ctx.out().shape();
  const int64_t channels = x[1], plane = x[2] * x[3], bins = pooled[2] * pooled[3];
  with_real(ctx.out(), [&]<class T>(T) {
    expect_all_regions<T>(ctx.in(1), scale, x[0], name());
    parallel_for(pooled[0] * channels, 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const Region region = region_at<T>(ctx.in(1), i / channels, scale, x[0], name());
        const T* from = ctx.in(0).as<T>().data() + (region.image * channels + i % channels) * plane;
        largest(region, x, pooled, from, ctx.out(0).as<T>().data() + i * bins,
                ctx.out(1).as<int32_t>().data() + i * bins);
      }
    });
  });
}

Types RoiPoolBackward::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 4);
  expect_regions(inputs[3], inputs[2]);
  expect_pooled(inputs[0], inputs[2], inputs[3].shape[1]);
  expect_shape(inputs[1], inputs[0].shape, "positions");
  return {{inputs[0].dtype, inputs[3].shape}};
}

void RoiPoolBackward::eval(EvalCtx& ctx) const {
  const Shape &x = ctx.out().shape(), &pooled = ctx.in(0).shape();
  const int64_t channels = x[1], plane = x[2] * x[3], bins = pooled[2] * pooled[3];
  with_real(ctx.out(), [&]<class T>(T) {
    expect_all_regions<T>(ctx.in(2), 1, x[0], name());
    const T* dy = ctx.in(0).as<T>().data();
    const int32_t* at = ctx.in(1).as<int32_t>().data();
    T* dx = ctx.out().as<T>().data();
    std::ranges::fill(ctx.out().as<T>(), T(0));
    parallel_for(channels, 8, [&](int64_t begin, int64_t end) {
      for (int64_t r = 0; r < pooled[0]; ++r) {
        const int64_t image = region_at<T>(ctx.in(2), r, 1, x[0], name()).image;
        for (int64_t c = begin; c < end; ++c)
          for (int64_t i = (r * channels + c) * bins; i < (r * channels + c + 1) * bins; ++i)
            if (at[i] >= 0) dx[(image * channels + c) * plane + at[i]] += dy[i];
      }
    });
  });
}

Value ops::roi_pool(const Value& x, const Value& regions, const RoiPoolConfig& config) {
  RoiPool op;
  op.output = config.size;
  op.scale = config.scale;
  return apply(std::move(op), {x, regions});
}

std::span<const OpEntry> ops_in_roi_pool() {
  static const std::array entries = {op_entry<RoiPool>(), op_entry<RoiPoolBackward>()};
  return entries;
}

}  // namespace ocellus

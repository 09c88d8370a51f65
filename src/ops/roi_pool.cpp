#include <array>

#include <ocellus/ops/roi.h>

#include "ops/support/pooling.h"
#include "ops/support/regions.h"

namespace ocellus {

using namespace detail;

namespace {

/// The largest element of a plane between these rows and columns, and where it is.
template <class T>
void largest(const T* plane, int64_t width, const Bin& ys, const Bin& xs, T& y, int32_t& at) {
  T most = 0;
  int64_t where = -1;
  for (int64_t i = ys.begin; i < ys.end; ++i)
    for (int64_t from = i * width + xs.begin; from < i * width + xs.end; ++from) {
      if (where >= 0 && !exceeds(plane[from], most)) continue;
      most = plane[from];
      where = from;
    }
  y = most;
  at = static_cast<int32_t>(where);
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
  const int64_t channels = x[1], plane = x[2] * x[3], rows = pooled[2], columns = pooled[3];
  with_real(ctx.out(), [&]<class T>(T) {
    expect_all_regions<T>(ctx.in(1), scale, x[0], name());
    parallel_for(pooled[0] * channels, 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const Region region = region_at<T>(ctx.in(1), i / channels, scale, x[0], name());
        const Elements ys = whole_elements(region.y1, region.y2), xs = whole_elements(region.x1, region.x2);
        const T* from = ctx.in(0).as<T>().data() + (region.image * channels + i % channels) * plane;
        T* y = ctx.out(0).as<T>().data() + i * rows * columns;
        int32_t* at = ctx.out(1).as<int32_t>().data() + i * rows * columns;
        for (int64_t bin = 0; bin < rows * columns; ++bin)
          largest(from, x[3], ys.bin(bin / columns, rows, x[2]), xs.bin(bin % columns, columns, x[3]), y[bin], at[bin]);
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

#include <algorithm>
#include <array>
#include <cstring>

#include <ocellus/ops/indexing.h>

#include "ops/support/axis.h"
#include "ops/support/broadcast.h"
#include "ops/support/indices.h"

namespace ocellus {

using namespace detail;

namespace {

/// x's dimensions with those of the indices in the place of the axis.
Shape gathered_shape(const Shape& x, const Shape& indices, int64_t axis) {
  expect_axis(axis, x);
  std::vector<int64_t> dims(x.begin(), x.begin() + axis);
  dims.insert(dims.end(), indices.begin(), indices.end());
  dims.insert(dims.end(), x.begin() + axis + 1, x.end());
  if (std::find(dims.begin() + !dims.empty(), dims.end(), any_dim) != dims.end())
    throw ShapeError(fmt::format("indices {} along axis {} of {} would put the batch, whose size is not known, inside",
                                 indices.to_string(), axis, x.to_string()));
  return shape_of(dims);
}

}  // namespace

Types Gather::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 2);
  expect_indices(inputs[1]);
  return {{inputs[0].dtype, gathered_shape(inputs[0].shape, inputs[1].shape, axis)}};
}

Values Gather::gradient(GradCtx& ctx) const {
  const Shape& x = ctx.in(0).shape();
  if (axis == 0 && !x.known())
    throw ShapeError("gather", "",
                     "what is taken from the batch of " + x.to_string() + " has no gradient before its size is known");
  GatherBackward op;
  op.axis = axis;
  op.dims = dims_of(x);
  return {apply(std::move(op), {ctx.dout(), ctx.in(1)}), {}};
}

void Gather::eval(EvalCtx& ctx) const {
  const AxisView view(ctx.in(0).shape(), axis);
  const int64_t count = ctx.in(1).numel();
  const int32_t* indices = ctx.in(1).as<int32_t>().data();
  const size_t bytes = static_cast<size_t>(view.inner) * size_of(ctx.in(0).dtype());
  const char* x = static_cast<const char*>(ctx.in(0).data());
  char* y = static_cast<char*>(ctx.out().data());
  parallel_for(view.outer * count, 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t index = checked_index(indices, i % count, view.size, name());
      std::memcpy(y + static_cast<size_t>(i) * bytes, x + static_cast<size_t>(i / count * view.size + index) * bytes,
                  bytes);
    }
  });
}

void GatherBackward::attrs(AttrVisitor& v) const {
  v("axis", axis);
  v("dims", dims);
}

Types GatherBackward::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 2);
  expect_floating(inputs[0], "dy");
  expect_indices(inputs[1]);
  Shape x = shape_of(dims);
  if (!x.known() && axis > 0 && inputs[0].shape.rank() > 0) x = x.with(0, inputs[0].shape[0]);
  expect_shape(inputs[0], gathered_shape(x, inputs[1].shape, axis), "dy");
  return {{inputs[0].dtype, x}};
}

Values GatherBackward::gradient(GradCtx& ctx) const { return {ops::gather(ctx.dout(), ctx.in(1), axis), {}}; }

void GatherBackward::eval(EvalCtx& ctx) const {
  const AxisView view(ctx.out().shape(), axis);
  const int64_t count = ctx.in(1).numel(), inner = view.inner;
  const int32_t* indices = ctx.in(1).as<int32_t>().data();
  with_real(ctx.out(), [&]<class T>(T) {
    const T* dy = ctx.in(0).as<T>().data();
    T* dx = ctx.out().as<T>().data();
    parallel_for(view.outer, 1, [&](int64_t begin, int64_t end) {
      std::fill(dx + begin * view.size * inner, dx + end * view.size * inner, T{0});
      for (int64_t i = begin * count; i < end * count; ++i) {
        T* to = dx + (i / count * view.size + checked_index(indices, i % count, view.size, name())) * inner;
        for (int64_t j = 0; j < inner; ++j) to[j] += dy[i * inner + j];
      }
    });
  });
}

Value ops::gather(const Value& x, const Value& indices, int64_t axis) {
  Gather op;
  op.axis = from_front(axis, x.shape());
  return apply(std::move(op), {x, indices});
}

std::span<const OpEntry> ops_in_gather() {
  static const std::array entries = {op_entry<Gather>(), op_entry<GatherBackward>()};
  return entries;
}

}  // namespace ocellus

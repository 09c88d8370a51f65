#include <array>
#include <cstring>

#include <fmt/format.h>

#include <ocellus/ops/shape.h>

#include "ops/support/arguments.h"
#include "ops/support/loops.h"

namespace ocellus {
namespace {

struct SliceLists {
  const std::vector<int64_t>&begin, &end, &step;

  /// One past the last element along dimension i of x: an open end is x's.
  int64_t stop(size_t i, const Shape& x) const { return end[i] == any_dim ? x[i] : end[i]; }

  void expect_fits(const Shape& x) const {
    detail::expect_per_dimension("begin", begin, x);
    detail::expect_per_dimension("end", end, x);
    detail::expect_per_dimension("step", step, x);
    for (size_t i = 0; i < x.rank(); ++i) {
      if (x[i] == any_dim) {
        if (begin[i] != 0 || end[i] != any_dim || step[i] != 1)
          throw ShapeError(fmt::format("the batch of {} can't be sliced before its size is known", x.to_string()));
        continue;
      }
      const bool whole = begin[i] == 0 && end[i] == any_dim;  // also of an empty dimension
      if (begin[i] < 0 || stop(i, x) > x[i] || (begin[i] >= stop(i, x) && !whole))
        throw ShapeError(
            fmt::format("elements [{},{}) of dimension {} are not in {}", begin[i], stop(i, x), i, x.to_string()));
      if (step[i] < 1) throw ShapeError(fmt::format("step {} of dimension {} must be at least 1", step[i], i));
    }
  }

  Shape sliced(const Shape& x) const {
    Shape y = x;
    for (size_t i = 0; i < x.rank(); ++i)
      if (x[i] != any_dim) y = y.with(i, (stop(i, x) - begin[i] + step[i] - 1) / step[i]);
    return y;
  }

  /// The element of the whole at which the slice starts.
  int64_t start(const Shape& whole) const {
    const Shape strides = whole.strides();
    int64_t at = 0;
    for (size_t i = 0; i < whole.rank(); ++i) at += begin[i] * strides[i];
    return at;
  }

  /// Strides in the whole from one element of the slice to the next.
  detail::Strides strides(const Shape& whole) const {
    const Shape plain = whole.strides();
    detail::Strides strides{};
    for (size_t i = 0; i < whole.rank(); ++i) strides[i] = plain[i] * step[i];
    return strides;
  }
};

template <class O>
void visit_lists(AttrVisitor& v, const O& op) {
  v("begin", op.begin);
  v("end", op.end);
  v("step", op.step);
}

}  // namespace

void Slice::attrs(AttrVisitor& v) const { visit_lists(v, *this); }

Types Slice::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 1);
  const SliceLists lists{begin, end, step};
  lists.expect_fits(inputs[0].shape);
  return {{inputs[0].dtype, lists.sliced(inputs[0].shape)}};
}

Values Slice::gradient(GradCtx& ctx) const {
  SliceBackward op;
  op.begin = begin;
  op.end = end;
  op.step = step;
  op.dims = detail::dims_of(ctx.in(0).shape());
  return {apply(std::move(op), {ctx.dout()})};
}

void Slice::eval(EvalCtx& ctx) const {
  const Tensor& x = ctx.in(0);
  const SliceLists lists{begin, end, step};
  const Shape& shape = ctx.out().shape();
  const Shape to = shape.strides();
  const detail::Strides from = lists.strides(x.shape());
  detail::Loops<2> loops;
  for (size_t i = 0; i < shape.rank(); ++i) loops.add(shape[i], {to[i], from[i]});
  const size_t bytes = size_of(x.dtype()), start = static_cast<size_t>(lists.start(x.shape()));
  detail::copy(loops, bytes, ctx.out().data(), static_cast<const std::byte*>(x.data()) + start * bytes);
}

void SliceBackward::attrs(AttrVisitor& v) const {
  visit_lists(v, *this);
  v("dims", dims);
}

Types SliceBackward::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 1);
  const Shape& dy = inputs[0].shape;
  Shape whole = detail::shape_of(dims);
  if (!whole.known() && dy.rank() > 0) whole = whole.with(0, dy[0]);
  const SliceLists lists{begin, end, step};
  lists.expect_fits(whole);
  if (!(lists.sliced(whole) == dy))
    throw ShapeError(fmt::format("gradient {} is not that of the slice {} of {}", dy.to_string(),
                                 lists.sliced(whole).to_string(), whole.to_string()));
  return {{inputs[0].dtype, whole}};
}

Values SliceBackward::gradient(GradCtx& ctx) const { return {ops::slice(ctx.dout(), begin, end, step)}; }

void SliceBackward::eval(EvalCtx& ctx) const {
  const Tensor& dy = ctx.in(0);
  const SliceLists lists{begin, end, step};
  const Shape &shape = dy.shape(), &whole = ctx.out().shape();
  const Shape from = shape.strides();
  const detail::Strides to = lists.strides(whole);
  detail::Loops<2> loops;
  for (size_t i = 0; i < shape.rank(); ++i) loops.add(shape[i], {to[i], from[i]});
  const size_t bytes = size_of(dy.dtype()), start = static_cast<size_t>(lists.start(whole));
  std::memset(ctx.out().data(), 0, ctx.out().bytes());
  detail::copy(loops, bytes, static_cast<std::byte*>(ctx.out().data()) + start * bytes, dy.data());
}

Value ops::slice(const Value& x, const SliceConfig& config) {
  const Shape& shape = x.shape();
  const int64_t axis = detail::from_front(config.axis, shape);
  if (axis < 0 || axis >= static_cast<int64_t>(shape.rank()))
    throw ShapeError("slice", "", fmt::format("there is no dimension {} in {}", config.axis, shape.to_string()));
  const auto along = static_cast<size_t>(axis);
  std::vector<int64_t> begin(shape.rank(), 0), end = detail::dims_of(shape), step(shape.rank(), 1);
  if (along != 0) end[0] = any_dim;  // whatever the batch is later
  const auto place = [&](int64_t i) { return i < 0 && shape[along] != any_dim ? i + shape[along] : i; };
  begin[along] = place(config.begin);
  end[along] = place(config.end);
  step[along] = config.step;
  return slice(x, std::move(begin), std::move(end), std::move(step));
}

Value ops::slice(const Value& x, std::vector<int64_t> begin, std::vector<int64_t> end, std::vector<int64_t> step) {
  Slice op;
  op.begin = std::move(begin);
  op.end = std::move(end);
  op.step = std::move(step);
  return apply(std::move(op), {x});
}

std::span<const OpEntry> ops_in_slice() {
  static const std::array entries = {op_entry<Slice>(), op_entry<SliceBackward>()};
  return entries;
}

}  // namespace ocellus

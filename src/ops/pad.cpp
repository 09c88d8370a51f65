// Padding and its gradient share one walk over the padded tensor, which gives for each element where it comes from.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <ocellus/ops/shape.h>

#include "ops/support/arguments.h"
#include "ops/support/loops.h"

namespace ocellus {
namespace {

void expect_fits(const std::vector<int64_t>& before, const std::vector<int64_t>& after, const Shape& x) {
  detail::expect_per_dimension("before", before, x);
  detail::expect_per_dimension("after", after, x);
  for (size_t i = 0; i < x.rank(); ++i) {
    if (before[i] < 0 || after[i] < 0)
      throw ShapeError(fmt::format("dimension {} can't be padded by {} and {}", i, before[i], after[i]));
    if (x[i] == any_dim && (before[i] > 0 || after[i] > 0))
      throw ShapeError(fmt::format("the batch of {} can't be padded before its size is known", x.to_string()));
  }
}

void expect_enough(PadMode mode, const std::vector<int64_t>& before, const std::vector<int64_t>& after,
                   const Shape& x) {
  for (size_t i = 0; i < x.rank(); ++i) {
    const int64_t most = std::max(before[i], after[i]);
    if (mode == PadMode::reflect && most > 0 && most >= x[i])
      throw ShapeError(fmt::format("dimension {} of {} is too small to be reflected by {}: at most {}", i,
                                   x.to_string(), most, x[i] - 1));
    if (mode == PadMode::replicate && most > 0 && x[i] == 0)
      throw ShapeError(fmt::format("dimension {} of {} has no element to replicate", i, x.to_string()));
  }
}

/// Element i of a padded dimension, as an element of the n inside; -1 for the constant around them.
int64_t source(PadMode mode, int64_t i, int64_t n) {
  if (i >= 0 && i < n) return i;
  switch (mode) {
    case PadMode::reflect: return i < 0 ? -i : 2 * (n - 1) - i;
    case PadMode::replicate: return i < 0 ? 0 : n - 1;
    default: return -1;
  }
}

/// What both operators are told.
template <class O>
void visit_sides(AttrVisitor& v, const O& op) {
  v("before", op.before);
  v("after", op.after);
  v("mode", op.mode);
}

struct PadWalk {
  PadMode mode;
  const std::vector<int64_t>& before;
  Shape inside, outside, inside_strides, outside_strides;

  PadWalk(PadMode mode, const std::vector<int64_t>& before, const Shape& inside, const Shape& outside)
      : mode(mode),
        before(before),
        inside(inside),
        outside(outside),
        inside_strides(inside.strides()),
        outside_strides(outside.strides()) {}

  /// Calls f(element of the padded tensor, element of the inner one or -1) for all dimensions from `d` on.
  template <class F>
  void each(F&& f, size_t d = 0, int64_t to = 0, int64_t from = 0) const {
    if (d == outside.rank()) {
      f(to, from);
      return;
    }
    for (int64_t i = 0; i < outside[d]; ++i) {
      const int64_t j = from < 0 ? -1 : source(mode, i - before[d], inside[d]);
      each(f, d + 1, to + i * outside_strides[d], j < 0 ? -1 : from + j * inside_strides[d]);
    }
  }
};

}  // namespace

std::span<const std::string_view> enum_names(PadMode) {
  static constexpr std::array<std::string_view, 3> names = {"constant", "reflect", "replicate"};
  return names;
}

void Pad::attrs(AttrVisitor& v) const {
  visit_sides(v, *this);
  v("value", value);
}

Types Pad::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 1);
  const Shape& x = inputs[0].shape;
  expect_fits(before, after, x);
  expect_enough(mode, before, after, x);
  Shape y = x;
  for (size_t i = 0; i < x.rank(); ++i)
    if (x[i] != any_dim) y = y.with(i, before[i] + x[i] + after[i]);
  return {{inputs[0].dtype, y}};
}

Values Pad::gradient(GradCtx& ctx) const {
  PadBackward op;
  op.before = before;
  op.after = after;
  op.mode = mode;
  return {apply(std::move(op), {ctx.dout()})};
}

void Pad::eval(EvalCtx& ctx) const {
  const Tensor& x = ctx.in(0);
  const PadWalk walk(mode, before, x.shape(), ctx.out().shape());
  detail::with_word(size_of(x.dtype()), [&]<class T>(T) {
    T around{};  // the value in the elements' dtype
    Tensor::view(x.dtype(), {}, &around).fill(value);
    const T* from = static_cast<const T*>(x.data());
    T* to = static_cast<T*>(ctx.out().data());
    walk.each([&](int64_t i, int64_t j) { to[i] = j < 0 ? around : from[j]; });
  });
}

void PadBackward::attrs(AttrVisitor& v) const { visit_sides(v, *this); }

Types PadBackward::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 1);
  detail::expect_floating(inputs);
  const Shape& dy = inputs[0].shape;
  expect_fits(before, after, dy);
  Shape x = dy;
  for (size_t i = 0; i < dy.rank(); ++i) {
    if (dy[i] == any_dim) continue;
    if (dy[i] < before[i] + after[i])
      throw ShapeError(fmt::format("gradient {} is smaller than the padding {} and {} of dimension {}", dy.to_string(),
                                   before[i], after[i], i));
    x = x.with(i, dy[i] - before[i] - after[i]);
  }
  expect_enough(mode, before, after, x);
  return {{inputs[0].dtype, x}};
}

void PadBackward::eval(EvalCtx& ctx) const {
  const PadWalk walk(mode, before, ctx.out().shape(), ctx.in(0).shape());
  with_real(ctx.out(), [&]<class T>(T) {
    const auto dx = ctx.out().as<T>();
    const T* dy = ctx.in(0).as<T>().data();
    std::ranges::fill(dx, T{0});
    walk.each([&](int64_t i, int64_t j) {
      if (j >= 0) dx[static_cast<size_t>(j)] += dy[i];
    });
  });
}

Value ops::pad(const Value& x, const PadConfig& config) {
  Pad op;
  op.before = config.before;
  op.after = config.after;
  op.mode = config.mode;
  op.value = config.value;
  return apply(std::move(op), {x});
}

std::span<const OpEntry> ops_in_pad() {
  static const std::array entries = {op_entry<Pad>(), op_entry<PadBackward>()};
  return entries;
}

}  // namespace ocellus

#include <ocellus/ops/reduce.h>

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

#include <ocellus/ops/shape.h>

#include "ops/support/arguments.h"
#include "ops/support/loops.h"

namespace ocellus {
namespace {

bool reduces(const std::vector<int64_t>& axes, size_t dim) {
  return axes.empty() || std::ranges::find(axes, static_cast<int64_t>(dim)) != axes.end();
}

/// Output shape of a reduction of x; throws ShapeError for axes that x does not have.
Shape reduced_shape(const Shape& x, const std::vector<int64_t>& axes, bool keep_dims) {
  for (size_t i = 0; i < axes.size(); ++i) {
    detail::expect_axis(axes[i], x);
    if (i > 0 && axes[i] <= axes[i - 1])
      throw ShapeError(fmt::format("axes [{}] must be distinct and in order", fmt::join(axes, ",")));
  }
  std::vector<int64_t> dims;
  for (size_t i = 0; i < x.rank(); ++i) {
    if (!reduces(axes, i))
      dims.push_back(x[i]);
    else if (keep_dims)
      dims.push_back(1);
  }
  return detail::shape_of(dims);
}

/// x's dimensions in two nests: those that stay, which give the output in plain order, and those that are reduced.
struct Split {
  detail::Loops<1> kept, reduced;

  Split(const Shape& x, const std::vector<int64_t>& axes) {
    const Shape strides = x.strides();
    for (size_t i = 0; i < x.rank(); ++i) (reduces(axes, i) ? reduced : kept).add(x[i], {strides[i]});
  }

  /// Calls f(base) for each output element in plain order: base is where its first element lies in x.
  template <class F>
  void each_output(F&& f) const {
    kept.run([&](const auto& at, int64_t count, const auto& strides) {
      for (int64_t i = 0; i < count; ++i) f(at[0] + i * strides[0]);
    });
  }
  /// Calls f(offset) for each element of x that goes into one output element.
  template <class F>
  void each_element(int64_t base, F&& f) const {
    reduced.run([&](const auto& at, int64_t count, const auto& strides) {
      for (int64_t i = 0; i < count; ++i) f(base + at[0] + i * strides[0]);
    });
  }
};

int64_t reduced_count(const Shape& x, const std::vector<int64_t>& axes) {
  int64_t count = 1;
  for (size_t i = 0; i < x.rank(); ++i) {
    if (!reduces(axes, i)) continue;
    if (x[i] == any_dim)
      throw ShapeError("reduce", "",
                       "the mean over the batch of " + x.to_string() + " has no gradient before its size is known");
    count *= x[i];
  }
  return count;
}

Value reduce(ReduceKind kind, const Value& x, const ops::ReduceConfig& config) {
  Reduce op;
  op.kind = kind;
  op.keep_dims = config.keep_dims;
  for (int64_t axis : config.axes) op.axes.push_back(detail::from_front(axis, x.shape()));
  std::ranges::sort(op.axes);
  return apply(std::move(op), {x});
}

}  // namespace

std::span<const std::string_view> enum_names(ReduceKind) {
  static constexpr std::array<std::string_view, 3> names = {"sum", "mean", "max"};
  return names;
}

void Reduce::attrs(AttrVisitor& v) const {
  v("kind", kind);
  v("axes", axes);
  v("keep_dims", keep_dims);
}

Types Reduce::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 1);
  detail::expect_floating(inputs);
  return {{inputs[0].dtype, reduced_shape(inputs[0].shape, axes, keep_dims)}};
}

Values Reduce::gradient(GradCtx& ctx) const {
  const Value& x = ctx.in(0);
  if (kind == ReduceKind::max) {
    ReduceMaxBackward op;
    op.axes = axes;
    return {apply(std::move(op), {ctx.dout(), ctx.out(), x})};
  }
  Value dy = ctx.dout();
  const Shape with_ones = reduced_shape(x.shape(), axes, true);
  if (!(dy.shape() == with_ones)) dy = ops::reshape(dy, detail::dims_of(with_ones));
  const double scale = kind == ReduceKind::mean ? 1.0 / static_cast<double>(reduced_count(x.shape(), axes)) : 1.0;
  return {ops::broadcast_to(dy, x.shape(), scale)};
}

void Reduce::eval(EvalCtx& ctx) const {
  const Split split(ctx.in(0).shape(), axes);
  with_real(ctx.out(), [&]<class T>(T) {
    const T* x = ctx.in(0).as<T>().data();
    T* y = ctx.out().as<T>().data();
    if (kind == ReduceKind::max) {
      split.each_output([&](int64_t base) {
        T most = -std::numeric_limits<T>::infinity();
        split.each_element(base, [&](int64_t i) { most = x[i] > most || x[i] != x[i] ? x[i] : most; });
        *y++ = most;
      });
      return;
    }
    split.each_output([&](int64_t base) {
      double sum = 0;
      int64_t count = 0;
      split.each_element(base, [&](int64_t i) {
        sum += x[i];
        ++count;
      });
      *y++ = static_cast<T>(kind == ReduceKind::mean ? sum / static_cast<double>(count) : sum);
    });
  });
}

Types ReduceMaxBackward::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 3);
  detail::expect_floating(inputs);
  detail::expect_same_shape(inputs[0], "gradient", inputs[1], "maximum");
  const Shape& x = inputs[2].shape;
  const Shape &y = inputs[1].shape, plain = reduced_shape(x, axes, false);
  if (!(y == plain) && !(y == reduced_shape(x, axes, true)))
    throw ShapeError(
        fmt::format("maximum {} is not that of {}: expected {}", y.to_string(), x.to_string(), plain.to_string()));
  return {inputs[2]};
}

void ReduceMaxBackward::eval(EvalCtx& ctx) const {
  const Split split(ctx.in(2).shape(), axes);
  with_real(ctx.out(), [&]<class T>(T) {
    const T *dy = ctx.in(0).as<T>().data(), *y = ctx.in(1).as<T>().data(), *x = ctx.in(2).as<T>().data();
    T* dx = ctx.out().as<T>().data();
    split.each_output([&](int64_t base) {
      int64_t ties = 0;
      split.each_element(base, [&](int64_t i) { ties += x[i] == *y; });
      const T share = *dy / static_cast<T>(std::max<int64_t>(ties, 1));
      split.each_element(base, [&](int64_t i) { dx[i] = x[i] == *y ? share : T{0}; });
      ++y, ++dy;
    });
  });
}

Value ops::reduce_sum(const Value& x, const ReduceConfig& config) { return reduce(ReduceKind::sum, x, config); }
Value ops::reduce_mean(const Value& x, const ReduceConfig& config) { return reduce(ReduceKind::mean, x, config); }
Value ops::reduce_max(const Value& x, const ReduceConfig& config) { return reduce(ReduceKind::max, x, config); }

std::span<const OpEntry> ops_in_reduce() {
  static const std::array entries = {op_entry<Reduce>(), op_entry<ReduceMaxBackward>()};
  return entries;
}

}  // namespace ocellus

#include <ocellus/ops/reduce.h>

#include <algorithm>
#include <array>
#include <cmath>
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

/// What becomes of the elements that go into one output.
class Reduced {
 public:
  explicit Reduced(ReduceKind kind) : kind_(kind) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (kind == ReduceKind::max) value_ = -infinity;
    if (kind == ReduceKind::min) value_ = infinity;
    if (kind == ReduceKind::product) value_ = 1;
  }

  void take(double x) {
    ++count_;
    switch (kind_) {
      case ReduceKind::sum:
      case ReduceKind::mean: value_ += x; break;
      // The comparisons are written so that a NaN comes through.
      case ReduceKind::max: value_ = x > value_ || x != x ? x : value_; break;
      case ReduceKind::min: value_ = x < value_ || x != x ? x : value_; break;
      case ReduceKind::product: value_ *= x; break;
      case ReduceKind::l1: value_ += std::abs(x); break;
      case ReduceKind::l2: value_ += x * x; break;
    }
  }

  double value() const {
    if (kind_ == ReduceKind::mean) return value_ / static_cast<double>(count_);
    return kind_ == ReduceKind::l2 ? std::sqrt(value_) : value_;
  }

 private:
  ReduceKind kind_;
  double value_ = 0;
  int64_t count_ = 0;
};

/// Elements that go into one output, for their gradients: how many equal it, and their product with zeros left out.
struct Met {
  int64_t ties = 0, zeros = 0;
  double product = 1;

  void take(double x, double y) {
    ties += x == y;
    zeros += x == 0;
    if (x != 0) product *= x;
  }
};

/// The derivative of the output y with respect to one of its elements.
double slope(ReduceKind kind, const Met& met, double x, double y) {
  switch (kind) {
    case ReduceKind::sum:
    case ReduceKind::mean: break;
    case ReduceKind::max:
    case ReduceKind::min: return x == y ? 1.0 / static_cast<double>(met.ties) : 0;
    case ReduceKind::product: return met.zeros == 0 ? met.product / x : met.zeros == 1 && x == 0 ? met.product : 0;
    case ReduceKind::l1: return x > 0 ? 1 : x < 0 ? -1 : 0;
    case ReduceKind::l2: return y > 0 ? x / y : 0;
  }
  return 1;
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
  static constexpr std::array<std::string_view, 7> names = {"sum", "mean", "max", "min", "product", "l1", "l2"};
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
  if (kind != ReduceKind::sum && kind != ReduceKind::mean) {
    ReduceBackward op;
    op.kind = kind;
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
    split.each_output([&](int64_t base) {
      Reduced result(kind);
      split.each_element(base, [&](int64_t i) { result.take(x[i]); });
      *y++ = static_cast<T>(result.value());
    });
  });
}

void ReduceBackward::attrs(AttrVisitor& v) const {
  v("kind", kind);
  v("axes", axes);
}

Types ReduceBackward::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 3);
  detail::expect_floating(inputs);
  detail::expect_same_shape(inputs[0], "gradient", inputs[1], "output");
  const Shape& x = inputs[2].shape;
  const Shape &y = inputs[1].shape, plain = reduced_shape(x, axes, false);
  if (!(y == plain) && !(y == reduced_shape(x, axes, true)))
    throw ShapeError(
        fmt::format("output {} is not that of {}: expected {}", y.to_string(), x.to_string(), plain.to_string()));
  return {inputs[2]};
}

void ReduceBackward::eval(EvalCtx& ctx) const {
  const Split split(ctx.in(2).shape(), axes);
  with_real(ctx.out(), [&]<class T>(T) {
    const T *dy = ctx.in(0).as<T>().data(), *y = ctx.in(1).as<T>().data(), *x = ctx.in(2).as<T>().data();
    T* dx = ctx.out().as<T>().data();
    split.each_output([&](int64_t base) {
      Met met;
      split.each_element(base, [&](int64_t i) { met.take(x[i], *y); });
      split.each_element(base, [&](int64_t i) { dx[i] = static_cast<T>(*dy * slope(kind, met, x[i], *y)); });
      ++y, ++dy;
    });
  });
}

Value ops::reduce_sum(const Value& x, const ReduceConfig& config) { return reduce(ReduceKind::sum, x, config); }
Value ops::reduce_mean(const Value& x, const ReduceConfig& config) { return reduce(ReduceKind::mean, x, config); }
Value ops::reduce_max(const Value& x, const ReduceConfig& config) { return reduce(ReduceKind::max, x, config); }

Value ops::reduce_min(const Value& x, const ReduceConfig& config) { return reduce(ReduceKind::min, x, config); }
Value ops::reduce_product(const Value& x, const ReduceConfig& config) { return reduce(ReduceKind::product, x, config); }
Value ops::reduce_l1(const Value& x, const ReduceConfig& config) { return reduce(ReduceKind::l1, x, config); }
Value ops::reduce_l2(const Value& x, const ReduceConfig& config) { return reduce(ReduceKind::l2, x, config); }

std::span<const OpEntry> ops_in_reduce() {
  static const std::array entries = {op_entry<Reduce>(), op_entry<ReduceBackward>()};
  return entries;
}

}  // namespace ocellus

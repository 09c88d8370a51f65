// Resizing. Each output element is a weighted sum of input elements, whose weights are products over the dimensions:
// one input element a dimension for nearest, two for linear. One walk gives all (output, input, weight); the forward
// operator gathers along it and the backward one scatters. An output's place is a fraction of two integers, so rounding
// is exact.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <ocellus/base/threads.h>
#include <ocellus/ops/resize.h>
#include <ocellus/ops/window.h>

#include "ops/support/checks.h"

namespace ocellus {

using namespace detail;

namespace {

void expect_image(const TensorType& t, std::string_view what) {
  expect_floating(t, what);
  if (t.shape.rank() < 3 || t.shape.rank() > 5)
    throw ShapeError(fmt::format("{} must be [N,C] and 1 to 3 spatial dimensions, got {}", what, t.shape.to_string()));
  for (size_t i = 2; i < t.shape.rank(); ++i)
    if (t.shape[i] == 0) throw ShapeError(fmt::format("{} {} has no spatial positions", what, t.shape.to_string()));
}

/// [N, C] of a shape followed by `sizes`; throws ShapeError when they don't fit.
Shape resized(Shape shape, const std::vector<int64_t>& sizes, std::string_view what) {
  if (sizes.size() != shape.rank() - 2)
    throw ShapeError(fmt::format("{} [{}] has {} elements for {} spatial dimensions", what, fmt::join(sizes, ","),
                                 sizes.size(), shape.rank() - 2));
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 1) throw ShapeError(fmt::format("{} [{}] must be at least 1", what, fmt::join(sizes, ",")));
    shape = shape.with(i + 2, sizes[i]);
  }
  return shape;
}

/// The quotient towards minus infinity, for a positive divisor.
int64_t floor_quotient(int64_t a, int64_t b) { return a / b - (a % b < 0); }
int64_t ceil_quotient(int64_t a, int64_t b) { return -floor_quotient(-a, b); }

/// A place in the input, as a fraction.
struct Place {
  int64_t numerator, denominator;
};

Place place(ResizeCoordinates coordinates, int64_t i, int64_t in, int64_t out) {
  switch (coordinates) {
    case ResizeCoordinates::half_pixel: return {(2 * i + 1) * in - out, 2 * out};
    case ResizeCoordinates::align_corners: return out == 1 ? Place{0, 1} : Place{i * (in - 1), out - 1};
    default: return {i * in, out};
  }
}

int64_t nearest(ResizeRounding rounding, const Place& p) {
  switch (rounding) {
    case ResizeRounding::round_half_down: return ceil_quotient(2 * p.numerator - p.denominator, 2 * p.denominator);
    case ResizeRounding::round_half_up: return floor_quotient(2 * p.numerator + p.denominator, 2 * p.denominator);
    case ResizeRounding::floor: return floor_quotient(p.numerator, p.denominator);
    default: return ceil_quotient(p.numerator, p.denominator);
  }
}

/// An input element, and the weight of the one after it.
struct Tap {
  int64_t at;
  double next;
};

/// How the planes of two shapes belong together. O is one of the two operators.
template <class O>
struct Resizing {
  const O& op;
  size_t rank;
  std::array<int64_t, 3> in{}, out{};
  int64_t in_size = 1, out_size = 1;

  Resizing(const O& op, const Shape& x, const Shape& y) : op(op), rank(x.rank() - 2) {
    for (size_t i = 0; i < rank; ++i) {
      in_size *= in[i] = x[i + 2];
      out_size *= out[i] = y[i + 2];
    }
  }

  Tap tap(size_t dim, int64_t i) const {
    const Place p = place(op.coordinates, i, in[dim], out[dim]);
    const int64_t last = in[dim] - 1;
    if (op.mode == ResizeMode::nearest) return {std::clamp<int64_t>(nearest(op.rounding, p), 0, last), 0};
    const int64_t inside = std::clamp<int64_t>(p.numerator, 0, last * p.denominator);
    return {inside / p.denominator, static_cast<double>(inside % p.denominator) / static_cast<double>(p.denominator)};
  }

  /// Calls f(output element, input element, weight) for all of a plane.
  template <class F>
  void each(F&& f, size_t dim = 0, int64_t to = 0, int64_t from = 0, double weight = 1) const {
    if (dim == rank) {
      f(to, from, weight);
      return;
    }
    for (int64_t i = 0; i < out[dim]; ++i) {
      const Tap t = tap(dim, i);
      const int64_t to_i = to * out[dim] + i, from_i = from * in[dim] + t.at;
      each(f, dim + 1, to_i, from_i, weight * (1 - t.next));
      if (t.next > 0) each(f, dim + 1, to_i, from_i + 1, weight * t.next);
    }
  }
};

template <class O>
void visit(AttrVisitor& v, const O& op) {
  v("mode", op.mode);
  v("coordinates", op.coordinates);
  v("rounding", op.rounding);
}

/// The other operator of the two, with the same attributes but for its sizes.
template <class To, class From>
To counterpart(const From& from) {
  To to;
  to.mode = from.mode;
  to.coordinates = from.coordinates;
  to.rounding = from.rounding;
  return to;
}

}  // namespace

std::span<const std::string_view> enum_names(ResizeMode) {
  static constexpr std::array<std::string_view, 2> names = {"nearest", "linear"};
  return names;
}

std::span<const std::string_view> enum_names(ResizeCoordinates) {
  static constexpr std::array<std::string_view, 3> names = {"half_pixel", "align_corners", "asymmetric"};
  return names;
}

std::span<const std::string_view> enum_names(ResizeRounding) {
  static constexpr std::array<std::string_view, 4> names = {"round_half_down", "round_half_up", "floor", "ceil"};
  return names;
}

void Resize::attrs(AttrVisitor& v) const {
  v("size", size);
  visit(v, *this);
}

Types Resize::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 1);
  expect_image(inputs[0], "input");
  return {{inputs[0].dtype, resized(inputs[0].shape, size, "size")}};
}

Values Resize::gradient(GradCtx& ctx) const {
  auto op = counterpart<ResizeBackward>(*this);
  op.input = spatial(ctx.in(0).shape());
  return {apply(std::move(op), {ctx.dout()})};
}

void Resize::eval(EvalCtx& ctx) const {
  const Shape& shape = ctx.in(0).shape();
  const Resizing resizing(*this, shape, ctx.out().shape());
  with_real(ctx.out(), [&]<class T>(T) {
    const T* x = ctx.in(0).as<T>().data();
    T* y = ctx.out().as<T>().data();
    parallel_for(shape[0] * shape[1], 16, [&](int64_t begin, int64_t end) {
      for (int64_t plane = begin; plane < end; ++plane) {
        const T* in = x + plane * resizing.in_size;
        T* out = y + plane * resizing.out_size;
        std::fill_n(out, resizing.out_size, T(0));
        resizing.each([&](int64_t to, int64_t from, double weight) { out[to] += static_cast<T>(weight * in[from]); });
      }
    });
  });
}

void ResizeBackward::attrs(AttrVisitor& v) const {
  v("input", input);
  visit(v, *this);
}

Types ResizeBackward::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 1);
  expect_image(inputs[0], "dy");
  return {{inputs[0].dtype, resized(inputs[0].shape, input, "input")}};
}

Values ResizeBackward::gradient(GradCtx& ctx) const {
  auto op = counterpart<Resize>(*this);
  op.size = spatial(ctx.in(0).shape());
  return {apply(std::move(op), {ctx.dout()})};
}

void ResizeBackward::eval(EvalCtx& ctx) const {
  const Shape& shape = ctx.out().shape();
  const Resizing resizing(*this, shape, ctx.in(0).shape());
  with_real(ctx.out(), [&]<class T>(T) {
    const T* dy = ctx.in(0).as<T>().data();
    T* dx = ctx.out().as<T>().data();
    parallel_for(shape[0] * shape[1], 16, [&](int64_t begin, int64_t end) {
      for (int64_t plane = begin; plane < end; ++plane) {
        const T* from_dy = dy + plane * resizing.out_size;
        T* to_dx = dx + plane * resizing.in_size;
        std::fill_n(to_dx, resizing.in_size, T(0));
        resizing.each([&](int64_t i, int64_t j, double weight) { to_dx[j] += static_cast<T>(weight * from_dy[i]); });
      }
    });
  });
}

Value ops::resize(const Value& x, const ResizeConfig& config) {
  Resize op;
  op.size = config.size;
  if (op.size.size() == 1 && x.shape().rank() > 3) op.size.resize(x.shape().rank() - 2, config.size[0]);
  op.mode = config.mode;
  op.coordinates = config.coordinates;
  op.rounding = config.rounding;
  return apply(std::move(op), {x});
}

std::span<const OpEntry> ops_in_resize() {
  static const std::array entries = {op_entry<Resize>(), op_entry<ResizeBackward>()};
  return entries;
}

}  // namespace ocellus

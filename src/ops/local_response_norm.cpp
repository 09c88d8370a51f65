// Local response normalisation. With s_c = k + a sum x_j^2 over the window around c, y_c = x_c s_c^-beta and dx_i =
// dy_i s_i^-beta - 2 a beta x_i sum of dy_c x_c s_c^(-beta - 1) over the c whose windows hold i. The backward pass
// visits each c once and adds to its whole window, so that a power is taken once for each element.

#include <algorithm>
#include <array>
#include <cmath>

#include <ocellus/ops/channel_norm.h>

#include "ops/support/columns.h"

namespace ocellus {

using namespace detail;

namespace {

template <class O>
void visit(AttrVisitor& v, const O& op) {
  v("size", op.size);
  v("alpha", op.alpha);
  v("beta", op.beta);
  v("k", op.k);
  v("divide_alpha", op.divide_alpha);
}

/// Copies the attributes, which operators and builder name alike.
template <class To, class From>
To with_attributes(const From& from) {
  To to;
  to.size = from.size;
  to.alpha = from.alpha;
  to.beta = from.beta;
  to.k = from.k;
  to.divide_alpha = from.divide_alpha;
  return to;
}

/// With these constants no sum can be 0 or negative.
template <class O>
void expect_sound(const O& op) {
  if (op.size < 1 || op.size % 2 == 0) throw ShapeError(fmt::format("size {} must be odd and at least 1", op.size));
  if (!(op.k > 0) || !(op.alpha >= 0))
    throw ShapeError(fmt::format("k {} must be above 0, and alpha {} at least 0", op.k, op.alpha));
}

/// The channels around each channel, and the sum of squares over them.
struct Window1d {
  template <class O>
  Window1d(const O& op, const Columns& columns)
      : radius(std::min(op.size / 2, columns.channels)),
        channels(columns.channels),
        inner(columns.inner),
        factor(op.divide_alpha ? op.alpha / static_cast<double>(op.size) : op.alpha),
        k(op.k) {}

  int64_t begin(int64_t c) const { return std::max<int64_t>(c - radius, 0); }
  int64_t end(int64_t c) const { return std::min(c + radius + 1, channels); }

  /// k + a sum x_j^2 around channel c of the column that begins at x.
  template <class T>
  double sum(const T* x, int64_t c) const {
    double squares = 0;
    for (int64_t j = begin(c); j < end(c); ++j) squares += double(x[j * inner]) * x[j * inner];
    return k + factor * squares;
  }

  int64_t radius, channels, inner;
  double factor, k;
};

}  // namespace

void LocalResponseNorm::attrs(AttrVisitor& v) const { visit(v, *this); }

Types LocalResponseNorm::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 1);
  expect_sound(*this);
  expect_channels(inputs[0], "input");
  return {inputs[0]};
}

Values LocalResponseNorm::gradient(GradCtx& ctx) const {
  return {apply(with_attributes<LocalResponseNormBackward>(*this), {ctx.dout(), ctx.in(0)})};
}

void LocalResponseNorm::eval(EvalCtx& ctx) const {
  const Columns columns(ctx.in(0).shape());
  const Window1d window(*this, columns);
  with_real(ctx.out(), [&]<class T>(T) {
    const T* x = ctx.in(0).as<T>().data();
    T* y = ctx.out().as<T>().data();
    columns.for_each([&](int64_t, int64_t first) {
      for (int64_t c = 0; c < columns.channels; ++c) {
        const int64_t i = first + c * columns.inner;
        y[i] = static_cast<T>(x[i] * std::pow(window.sum(x + first, c), -beta));
      }
    });
  });
}

void LocalResponseNormBackward::attrs(AttrVisitor& v) const { visit(v, *this); }

Types LocalResponseNormBackward::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 2);
  expect_sound(*this);
  expect_channels(inputs[1], "input");
  expect_floating(inputs[0], "dy");
  expect_shape(inputs[0], inputs[1].shape, "dy");
  return {inputs[1]};
}

void LocalResponseNormBackward::eval(EvalCtx& ctx) const {
  const Columns columns(ctx.out().shape());
  const Window1d window(*this, columns);
  with_real(ctx.out(), [&]<class T>(T) {
    const T *dy = ctx.in(0).as<T>().data(), *x = ctx.in(1).as<T>().data();
    T* dx = ctx.out().as<T>().data();
    columns.for_each([&](int64_t, int64_t first) {
      for (int64_t c = 0; c < columns.channels; ++c) dx[first + c * columns.inner] = T(0);
      for (int64_t c = 0; c < columns.channels; ++c) {
        const int64_t i = first + c * columns.inner;
        const double sum = window.sum(x + first, c), power = std::pow(sum, -beta);
        const double through_sum = 2 * window.factor * beta * dy[i] * x[i] * power / sum;
        dx[i] += static_cast<T>(dy[i] * power);
        for (int64_t near = window.begin(c); near < window.end(c); ++near) {
          const int64_t j = first + near * columns.inner;
          dx[j] -= static_cast<T>(through_sum * x[j]);
        }
      }
    });
  });
}

Value ops::local_response_norm(const Value& x, const LocalResponseNormConfig& config) {
  return apply(with_attributes<LocalResponseNorm>(config), {x});
}

std::span<const OpEntry> ops_in_local_response_norm() {
  static const std::array entries = {op_entry<LocalResponseNorm>(), op_entry<LocalResponseNormBackward>()};
  return entries;
}

}  // namespace ocellus

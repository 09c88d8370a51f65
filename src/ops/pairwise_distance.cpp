// Distances between rows, each taken from the differences themselves: |x|^2 + |y|^2 - 2 xy would be quicker, but loses
// the digits of small distances, which are those that matter to nearest neighbours and to triplets.
//
// The gradient of a pair's distance with respect to x is p x + q y for all kinds but l1, whose is the sign of x - y;
// with respect to y the two change places.

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include <ocellus/base/threads.h>
#include <ocellus/ops/matmul.h>
#include <ocellus/ops/shape.h>

#include "ops/support/checks.h"

namespace ocellus {

using namespace detail;

namespace {

void expect_rows(const TensorType& t, std::string_view what) {
  expect_floating(t, what);
  if (t.shape.rank() != 2 && t.shape.rank() != 3)
    throw ShapeError(fmt::format("{} must be rows [N,D] or [B,N,D], got {}", what, to_string(t)));
}

/// Checks rows x and y, and gives [N,M] or [B,N,M].
Shape pairs_of(const TensorType& x, const TensorType& y) {
  expect_rows(x, "x");
  expect_rows(y, "y");
  const size_t rank = x.shape.rank();
  if (y.shape.rank() != rank || x.shape[rank - 1] != y.shape[rank - 1])
    throw ShapeError(fmt::format("rows of x {} and y {} differ in length", x.shape.to_string(), y.shape.to_string()));
  if (rank == 3 && x.shape[0] != y.shape[0])
    throw ShapeError(fmt::format("x {} and y {} have different batches", x.shape.to_string(), y.shape.to_string()));
  if (rank == 2 && !y.shape.known())
    throw ShapeError(fmt::format("the number of rows of y {} must be known", y.shape.to_string()));
  return x.shape.with(rank - 1, y.shape[rank - 2]);
}

/// How many tables of distances there are, and their sizes.
struct Sizes {
  int64_t batch, rows, columns, length;

  Sizes(const Shape& pairs, const Shape& x)
      : batch(pairs.rank() == 3 ? pairs[0] : 1),
        rows(pairs[pairs.rank() - 2]),
        columns(pairs[pairs.rank() - 1]),
        length(x[x.rank() - 1]) {}
};

struct Products {
  double xx = 0, yy = 0, xy = 0;
};

template <class T>
Products products_of(const T* x, const T* y, int64_t n) {
  Products p;
  for (int64_t i = 0; i < n; ++i) {
    p.xx += double(x[i]) * x[i];
    p.yy += double(y[i]) * y[i];
    p.xy += double(x[i]) * y[i];
  }
  return p;
}

template <class T>
double squared_distance(const T* x, const T* y, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += (double(x[i]) - y[i]) * (double(x[i]) - y[i]);
  return sum;
}

template <class T>
double distance_of(DistanceKind kind, const T* x, const T* y, int64_t n) {
  switch (kind) {
    case DistanceKind::squared_l2: return squared_distance(x, y, n);
    case DistanceKind::l2: return std::sqrt(squared_distance(x, y, n));
    case DistanceKind::l1: {
      double sum = 0;
      for (int64_t i = 0; i < n; ++i) sum += std::abs(double(x[i]) - y[i]);
      return sum;
    }
    case DistanceKind::cosine: break;
  }
  const Products p = products_of(x, y, n);
  return p.xx == 0 || p.yy == 0 ? 1 : 1 - p.xy / std::sqrt(p.xx * p.yy);
}

/// Adds g times the gradient of a pair's distance with respect to x.
template <class T>
void add_gradient(DistanceKind kind, double g, const T* x, const T* y, int64_t n, T* dx) {
  if (kind == DistanceKind::l1) {
    for (int64_t i = 0; i < n; ++i) dx[i] += static_cast<T>(x[i] > y[i] ? g : x[i] < y[i] ? -g : 0);
    return;
  }
  double p = 2 * g, q = -p;
  if (kind == DistanceKind::l2) {
    const double d = std::sqrt(squared_distance(x, y, n));
    p = d > 0 ? g / d : 0;
    q = -p;
  } else if (kind == DistanceKind::cosine) {
    const Products s = products_of(x, y, n);
    if (s.xx == 0 || s.yy == 0) return;
    q = -g / std::sqrt(s.xx * s.yy);
    p = -q * s.xy / s.xx;
  }
  for (int64_t i = 0; i < n; ++i) dx[i] = static_cast<T>(dx[i] + p * x[i] + q * y[i]);
}

constexpr int64_t grain = 4;  // rows worth a thread

}  // namespace

std::span<const std::string_view> enum_names(DistanceKind) {
  static constexpr std::array<std::string_view, 4> names = {"squared_l2", "l2", "l1", "cosine"};
  return names;
}

Types PairwiseDistance::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 2);
  return {{inputs[0].dtype, pairs_of(inputs[0], inputs[1])}};
}

Values PairwiseDistance::gradient(GradCtx& ctx) const {
  const auto op = std::make_shared<PairwiseDistanceBackward>();
  op->kind = kind;
  return emit(op, {ctx.dout(), ctx.in(0), ctx.in(1)});
}

void PairwiseDistance::eval(EvalCtx& ctx) const {
  const Sizes s(ctx.out().shape(), ctx.in(0).shape());
  const int64_t n = s.length;
  with_real(ctx.out(), [&]<class T>(T) {
    const T *x = ctx.in(0).as<T>().data(), *y = ctx.in(1).as<T>().data();
    T* d = ctx.out().as<T>().data();
    parallel_for(s.batch * s.rows, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T* others = y + i / s.rows * s.columns * n;
        for (int64_t j = 0; j < s.columns; ++j)
          d[i * s.columns + j] = static_cast<T>(distance_of(kind, x + i * n, others + j * n, n));
      }
    });
  });
}

int64_t PairwiseDistance::macs(std::span<const TensorType> inputs, std::span<const TensorType> outputs) const {
  return outputs[0].shape.numel() * inputs[0].shape[inputs[0].shape.rank() - 1];
}

Types PairwiseDistanceBackward::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 3);
  const Shape pairs = pairs_of(inputs[1], inputs[2]);
  expect_floating(inputs[0], "dd");
  expect_shape(inputs[0], pairs, "dd");
  return {inputs[1], inputs[2]};
}

void PairwiseDistanceBackward::eval(EvalCtx& ctx) const {
  const Sizes s(ctx.in(0).shape(), ctx.in(1).shape());
  const int64_t n = s.length;
  with_real(ctx.out(), [&]<class T>(T) {
    const T *g = ctx.in(0).as<T>().data(), *x = ctx.in(1).as<T>().data(), *y = ctx.in(2).as<T>().data();
    T *dx = ctx.out(0).as<T>().data(), *dy = ctx.out(1).as<T>().data();
    parallel_for(s.batch * s.rows, grain, [&](int64_t begin, int64_t end) {
      std::fill(dx + begin * n, dx + end * n, T{0});
      for (int64_t i = begin; i < end; ++i) {
        const T* others = y + i / s.rows * s.columns * n;
        for (int64_t j = 0; j < s.columns; ++j)
          add_gradient(kind, g[i * s.columns + j], x + i * n, others + j * n, n, dx + i * n);
      }
    });
    parallel_for(s.batch * s.columns, grain, [&](int64_t begin, int64_t end) {
      std::fill(dy + begin * n, dy + end * n, T{0});
      for (int64_t j = begin; j < end; ++j) {
        const int64_t first = j / s.columns * s.rows;  // of the rows of x that this row of y is compared with
        for (int64_t i = first; i < first + s.rows; ++i)
          add_gradient(kind, g[i * s.columns + j % s.columns], y + j * n, x + i * n, n, dy + j * n);
      }
    });
  });
}

Value ops::pairwise_distance(const Value& x, const Value& y, DistanceKind kind) {
  PairwiseDistance op;
  op.kind = kind;
  return apply(std::move(op), {x, y});
}

Value ops::distance(const Value& x, const Value& y, DistanceKind kind) {
  if (x.shape().rank() != 2 || !(x.shape() == y.shape()))
    throw ShapeError(
        "distance", "",
        fmt::format("takes rows of one shape [N,D], got {} and {}", to_string(x.type()), to_string(y.type())));
  const auto alone = [](const Value& v) { return reshape(v, {-1, 1, v.shape()[1]}); };
  return reshape(pairwise_distance(alone(x), alone(y), kind), {-1, 1});
}

std::span<const OpEntry> ops_in_pairwise_distance() {
  static const std::array entries = {op_entry<PairwiseDistance>(), op_entry<PairwiseDistanceBackward>()};
  return entries;
}

}  // namespace ocellus

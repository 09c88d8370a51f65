// Group, instance and layer normalisation. With x' = (x - mean) r, r = 1 / sqrt(variance + epsilon), and g = dy scale,
// over a block of m elements dx = r (g - sum(g) / m - x' sum(g x') / m); dscale = sum of dy x' and dshift = sum of dy
// over all elements that share the parameter.

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include <ocellus/base/threads.h>

#include "ops/support/checks.h"
#include "ops/support/norm_blocks.h"

namespace ocellus {

using namespace detail;

namespace {

template <class O>
void visit(AttrVisitor& v, const O& op) {
  v("blocks", op.blocks);
  v("count", op.count);
  v("scale", op.scale);
  v("shift", op.shift);
}

template <class O>
void expect_blocks(const O& op, const Shape& x) {
  const int64_t rank = static_cast<int64_t>(x.rank());
  if (op.blocks == NormBlocks::trailing) {
    if (op.count < 1 || op.count >= rank)
      throw ShapeError(
          fmt::format("can't normalise over the last {} dimensions of input {}, which begins with the batch", op.count,
                      x.to_string()));
    return;
  }
  if (rank < 2) throw ShapeError(fmt::format("input must be [N,C] and any further dimensions, got {}", x.to_string()));
  if (op.count < 1 || x[1] % op.count != 0)
    throw ShapeError(fmt::format("{} groups do not divide the {} channels of input {}", op.count, x[1], x.to_string()));
}

/// The shape of scale and shift, and that of mean and factor.
template <class O>
Shape parameter_shape(const O& op, const Shape& x) {
  if (op.blocks == NormBlocks::groups) return {x[1]};
  return Shape(std::span(x.begin(), x.end()).last(static_cast<size_t>(op.count)));
}
template <class O>
Shape statistics_shape(const O& op, const Shape& x) {
  if (op.blocks == NormBlocks::groups) return {x[0], op.count};
  return Shape(std::span(x.begin(), x.end()).first(x.rank() - static_cast<size_t>(op.count)));
}

/// Scale and shift, from input `first` on, as far as there are any.
template <class O>
void expect_parameters(const O& op, std::span<const TensorType> given, const Shape& x) {
  const Shape wanted = parameter_shape(op, x);
  for (size_t i = 0; i < given.size(); ++i) {
    const std::string_view what = i == 0 && op.scale ? "scale" : "shift";
    expect_floating(given[i], what);
    expect_shape(given[i], wanted, what);
  }
}

/// Calls f(block, its first element) for all blocks, in parallel.
template <class F>
void for_blocks(const BlockView& view, F&& f) {
  parallel_for(view.total(), 4, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) f(b, b * view.size);
  });
}

/// Elements of `t`, or null for none.
template <class T>
const T* elements(const EvalCtx& ctx, bool there, size_t input) {
  return there ? ctx.in(input).as<T>().data() : nullptr;
}

}  // namespace

std::span<const std::string_view> enum_names(NormBlocks) {
  static constexpr std::array<std::string_view, 2> names = {"groups", "trailing"};
  return names;
}

void SampleNorm::attrs(AttrVisitor& v) const {
  visit(v, *this);
  v("epsilon", epsilon);
}

Types SampleNorm::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, size_t{1} + scale + shift);
  const TensorType& x = inputs[0];
  expect_floating(x, "input");
  expect_blocks(*this, x.shape);
  expect_parameters(*this, inputs.subspan(1), x.shape);
  if (!(epsilon > 0)) throw ShapeError(fmt::format("epsilon {} must be above 0", epsilon));
  const TensorType statistics = {x.dtype, statistics_shape(*this, x.shape)};
  return {x, statistics, statistics};
}

Values SampleNorm::gradient(GradCtx& ctx) const {
  if (!ctx.dout()) return Values(ctx.inputs());
  const auto op = std::make_shared<SampleNormBackward>();
  op->blocks = blocks;
  op->count = count;
  op->scale = scale;
  op->shift = shift;
  Values inputs = {ctx.dout(), ctx.in(0), ctx.out(1), ctx.out(2)};
  if (scale) inputs.push_back(ctx.in(1));
  return emit(op, std::move(inputs));
}

void SampleNorm::eval(EvalCtx& ctx) const {
  const BlockView view(blocks, count, ctx.in(0).shape());
  with_real(ctx.out(), [&]<class T>(T) {
    const T* x = ctx.in(0).as<T>().data();
    const T *scales = elements<T>(ctx, scale, 1), *shifts = elements<T>(ctx, shift, 1 + scale);
    T *y = ctx.out(0).as<T>().data(), *means = ctx.out(1).as<T>().data(), *factors = ctx.out(2).as<T>().data();
    for_blocks(view, [&](int64_t b, int64_t first) {
      const double m = static_cast<double>(view.size);
      double sum = 0, squares = 0;
      for (int64_t i = first; i < first + view.size; ++i) sum += x[i];
      const double mean = sum / m;
      for (int64_t i = first; i < first + view.size; ++i) squares += (x[i] - mean) * (x[i] - mean);
      const double factor = 1 / std::sqrt(squares / m + epsilon);
      means[b] = static_cast<T>(mean);
      factors[b] = static_cast<T>(factor);
      for (int64_t i = 0; i < view.size; ++i) {
        const int64_t p = view.parameter(b, i / view.run);
        const double normal = (x[first + i] - mean) * factor;
        y[first + i] = static_cast<T>((scales ? scales[p] * normal : normal) + (shifts ? double(shifts[p]) : 0.0));
      }
    });
  });
}

void SampleNormBackward::attrs(AttrVisitor& v) const { visit(v, *this); }

Types SampleNormBackward::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, size_t{4} + scale);
  const TensorType& x = inputs[1];
  expect_floating(inputs[0], "dy");
  expect_floating(x, "input");
  expect_shape(inputs[0], x.shape, "dy");
  expect_blocks(*this, x.shape);
  expect_shape(inputs[2], statistics_shape(*this, x.shape), "mean");
  expect_shape(inputs[3], statistics_shape(*this, x.shape), "factor");
  expect_parameters(*this, inputs.subspan(4), x.shape);
  Types types(size_t{1} + scale + shift, TensorType{x.dtype, parameter_shape(*this, x.shape)});
  types[0] = x;
  return types;
}

void SampleNormBackward::eval(EvalCtx& ctx) const {
  const BlockView view(blocks, count, ctx.in(1).shape());
  with_real(ctx.out(), [&]<class T>(T) {
    const T *dy = ctx.in(0).as<T>().data(), *x = ctx.in(1).as<T>().data();
    const T *means = ctx.in(2).as<T>().data(), *factors = ctx.in(3).as<T>().data();
    const T* scales = elements<T>(ctx, scale, 4);
    T* dx = ctx.out(0).as<T>().data();
    const auto normal = [&](int64_t b, int64_t i) { return (double(x[i]) - means[b]) * factors[b]; };
    for_blocks(view, [&](int64_t b, int64_t first) {
      const auto arriving = [&](int64_t i) {
        return scales ? double(scales[view.parameter(b, i / view.run)]) * dy[first + i] : double(dy[first + i]);
      };
      double sum = 0, product = 0;
      for (int64_t i = 0; i < view.size; ++i) {
        sum += arriving(i);
        product += arriving(i) * normal(b, first + i);
      }
      const double m = static_cast<double>(view.size);
      for (int64_t i = 0; i < view.size; ++i)
        dx[first + i] = static_cast<T>(factors[b] * (arriving(i) - sum / m - normal(b, first + i) * product / m));
    });
    parallel_for(scale || shift ? view.parameters() : 0, 4, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        double sum = 0, product = 0;
        for (int64_t b = p / view.runs(); b < view.total(); b += view.groups) {
          const int64_t first = b * view.size + p % view.runs() * view.run;
          for (int64_t i = first; i < first + view.run; ++i) {
            sum += dy[i];
            product += dy[i] * normal(b, i);
          }
        }
        if (scale) ctx.out(1).as<T>()[static_cast<size_t>(p)] = static_cast<T>(product);
        if (shift) ctx.out(1 + scale).as<T>()[static_cast<size_t>(p)] = static_cast<T>(sum);
      }
    });
  });
}

namespace ops {
namespace {

Value sample_norm(const Value& x, NormBlocks blocks, int64_t count, const SampleNormConfig& config) {
  SampleNorm op;
  op.blocks = blocks;
  op.count = count;
  op.epsilon = config.epsilon;
  op.scale = static_cast<bool>(config.scale);
  op.shift = static_cast<bool>(config.shift);
  Values inputs = {x};
  if (op.scale) inputs.push_back(config.scale);
  if (op.shift) inputs.push_back(config.shift);
  return apply(std::move(op), std::move(inputs));
}

}  // namespace

Value group_norm(const Value& x, int64_t groups, const SampleNormConfig& config) {
  return sample_norm(x, NormBlocks::groups, groups, config);
}

Value instance_norm(const Value& x, const SampleNormConfig& config) {
  // Where there are no channels the operator says so.
  return sample_norm(x, NormBlocks::groups, x.shape().rank() < 2 ? 1 : x.shape()[1], config);
}

Value layer_norm(const Value& x, int64_t dimensions, const SampleNormConfig& config) {
  return sample_norm(x, NormBlocks::trailing, dimensions, config);
}

}  // namespace ops

std::span<const OpEntry> ops_in_sample_norm() {
  static const std::array entries = {op_entry<SampleNorm>(), op_entry<SampleNormBackward>()};
  return entries;
}

}  // namespace ocellus

// Space to depth, depth to space: one nest of loops pairs the elements of the wide tensor [N,C,spatial...] with those
// of the deep one [N, C block^d, spatial / block...], and each operator copies along it in its own direction, so that
// each is the other's inverse and gradient. Darknet's order is the same nest on the same memory, seen as tensors of
// other sizes.

#include <array>

#include <fmt/format.h>

#include <ocellus/ops/rearrange.h>

#include "ops/support/arguments.h"
#include "ops/support/loops.h"

namespace ocellus {
namespace {

void expect_blocks(const Shape& x, int64_t block) {
  if (x.rank() < 3 || x.rank() > 5)
    throw ShapeError(fmt::format("input must be [N,C] and 1 to 3 spatial dimensions, got {}", x.to_string()));
  if (block < 1) throw ShapeError(fmt::format("block {} must be at least 1", block));
}

/// Throws ShapeError unless the channels can be divided by block^power.
void expect_channels(const Shape& x, int64_t block, size_t power) {
  int64_t channels = x[1];
  for (size_t i = 0; i < power; ++i, channels /= block)
    if (channels < 1 || channels % block != 0)
      throw ShapeError(
          fmt::format("the {} channels of input {} must be a multiple of {}^{}", x[1], x.to_string(), block, power));
}

/// block elements of each spatial dimension moved into the channels.
Shape deepened(Shape x, int64_t block) {
  for (size_t i = 2; i < x.rank(); ++i) x = x.with(1, x[1] * block).with(i, x[i] / block);
  return x;
}

/// And back.
Shape widened(Shape x, int64_t block) {
  for (size_t i = 2; i < x.rank(); ++i) x = x.with(1, x[1] / block).with(i, x[i] * block);
  return x;
}

/// Which operand of the nest is the deep tensor: the one written to comes first.
enum Deep : size_t { first = 0, second = 1 };

detail::Loops<2> nest(Shape wide, int64_t block, BlockOrder order, Deep deep_operand) {
  if (order == BlockOrder::darknet) wide = widened(wide, block);
  const Shape deep = deepened(wide, block);
  const Shape wide_strides = wide.strides(), deep_strides = deep.strides();
  const bool channel_first = order == BlockOrder::crd;
  int64_t blocks = 1;
  for (size_t i = 2; i < wide.rank(); ++i) blocks *= block;

  detail::Loops<2> loops;
  const auto add = [&](int64_t size, int64_t in_deep, int64_t in_wide) {
    loops.add(size, deep_operand == first ? std::array{in_deep, in_wide} : std::array{in_wide, in_deep});
  };
  const auto add_channels = [&] { add(wide[1], deep_strides[1] * (channel_first ? blocks : 1), wide_strides[1]); };
  add(wide[0], deep_strides[0], wide_strides[0]);
  if (channel_first) add_channels();
  int64_t step = deep_strides[1] * (channel_first ? 1 : wide[1]) * blocks;
  for (size_t i = 2; i < wide.rank(); ++i) {
    step /= block;
    add(block, step, wide_strides[i]);
  }
  if (!channel_first) add_channels();
  for (size_t i = 2; i < wide.rank(); ++i) add(deep[i], deep_strides[i], wide_strides[i] * block);
  return loops;
}

}  // namespace

std::span<const std::string_view> enum_names(BlockOrder) {
  static constexpr std::array<std::string_view, 3> names = {"dcr", "crd", "darknet"};
  return names;
}

void SpaceToDepth::attrs(AttrVisitor& v) const {
  v("block", block);
  v("order", order);
}

Types SpaceToDepth::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 1);
  const Shape& x = inputs[0].shape;
  expect_blocks(x, block);
  for (size_t i = 2; i < x.rank(); ++i)
    if (x[i] < 1 || x[i] % block != 0)
      throw ShapeError(fmt::format("the spatial sizes of input {} must be multiples of {}", x.to_string(), block));
  if (order == BlockOrder::darknet) expect_channels(x, block, x.rank() - 2);
  return {{inputs[0].dtype, deepened(x, block)}};
}

Values SpaceToDepth::gradient(GradCtx& ctx) const {
  return {ops::depth_to_space(ctx.dout(), {.block = block, .order = order})};
}

void SpaceToDepth::eval(EvalCtx& ctx) const {
  const Tensor& x = ctx.in(0);
  detail::copy(nest(x.shape(), block, order, Deep::first), size_of(x.dtype()), ctx.out().data(), x.data());
}

void DepthToSpace::attrs(AttrVisitor& v) const {
  v("block", block);
  v("order", order);
}

Types DepthToSpace::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 1);
  const Shape& x = inputs[0].shape;
  expect_blocks(x, block);
  expect_channels(x, block, (x.rank() - 2) * (order == BlockOrder::darknet ? 2 : 1));
  return {{inputs[0].dtype, widened(x, block)}};
}

Values DepthToSpace::gradient(GradCtx& ctx) const {
  return {ops::space_to_depth(ctx.dout(), {.block = block, .order = order})};
}

void DepthToSpace::eval(EvalCtx& ctx) const {
  const Tensor& x = ctx.in(0);
  detail::copy(nest(ctx.out().shape(), block, order, Deep::second), size_of(x.dtype()), ctx.out().data(), x.data());
}

namespace ops {

Value space_to_depth(const Value& x, const BlockConfig& config) {
  SpaceToDepth op;
  op.block = config.block;
  op.order = config.order;
  return apply(std::move(op), {x});
}

Value depth_to_space(const Value& x, const BlockConfig& config) {
  DepthToSpace op;
  op.block = config.block;
  op.order = config.order;
  return apply(std::move(op), {x});
}

}  // namespace ops

std::span<const OpEntry> ops_in_rearrange() {
  static const std::array entries = {op_entry<SpaceToDepth>(), op_entry<DepthToSpace>()};
  return entries;
}

}  // namespace ocellus

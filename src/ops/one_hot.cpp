#include <array>

#include <ocellus/ops/indexing.h>

#include "ops/support/axis.h"
#include "ops/support/indices.h"

namespace ocellus {

void OneHot::attrs(AttrVisitor& v) const {
  v("depth", depth);
  v("axis", axis);
  v("on", on);
  v("off", off);
}

Types OneHot::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 1);
  detail::expect_indices(inputs[0]);
  const Shape& x = inputs[0].shape;
  if (depth < 1) throw ShapeError(fmt::format("depth {} must be at least 1", depth));
  if (axis < 0 || axis > static_cast<int64_t>(x.rank()))
    throw ShapeError(
        fmt::format("there is no axis {} in an output with one dimension more than {}", axis, x.to_string()));
  if (axis == 0 && !x.known())
    throw ShapeError("axis 0 would move the batch of " + x.to_string() + ", whose size is not known");
  std::vector<int64_t> dims = detail::dims_of(x);
  dims.insert(dims.begin() + axis, depth);
  return {{DType::f32, detail::shape_of(dims)}};
}

void OneHot::eval(EvalCtx& ctx) const {
  const detail::AxisView view(ctx.out().shape(), axis);
  const int32_t* indices = ctx.in(0).as<int32_t>().data();
  with_real(ctx.out(), [&]<class T>(T) {
    T* y = ctx.out().as<T>().data();
    view.for_each_line([&](int64_t line, int64_t base) {
      for (int64_t i = 0; i < depth; ++i) y[base + i * view.inner] = static_cast<T>(indices[line] == i ? on : off);
    });
  });
}

Value ops::one_hot(const Value& indices, const OneHotConfig& config) {
  OneHot op;
  op.depth = config.depth;
  op.axis = config.axis < 0 ? config.axis + static_cast<int64_t>(indices.shape().rank()) + 1 : config.axis;
  op.on = config.on;
  op.off = config.off;
  return apply(std::move(op), {indices});
}

std::span<const OpEntry> ops_in_one_hot() {
  static const std::array entries = {op_entry<OneHot>()};
  return entries;
}

}  // namespace ocellus

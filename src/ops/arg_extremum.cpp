#include <array>

#include <ocellus/ops/indexing.h>

#include "ops/support/arguments.h"
#include "ops/support/axis.h"

namespace ocellus {
namespace {

Value arg_extremum(const Value& x, const ops::ArgConfig& config, bool smallest) {
  ArgExtremum op;
  op.axis = detail::from_front(config.axis, x.shape());
  op.smallest = smallest;
  op.keep_dims = config.keep_dims;
  return apply(std::move(op), {x});
}

}  // namespace

void ArgExtremum::attrs(AttrVisitor& v) const {
  v("axis", axis);
  v("smallest", smallest);
  v("keep_dims", keep_dims);
}

Types ArgExtremum::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 1);
  detail::expect_floating(inputs);
  const Shape& x = inputs[0].shape;
  detail::expect_axis(axis, x);
  if (x[static_cast<size_t>(axis)] == 0)
    throw ShapeError("dimension " + std::to_string(axis) + " of " + x.to_string() + " has no elements");
  std::vector<int64_t> dims = detail::dims_of(x);
  if (keep_dims)
    dims[static_cast<size_t>(axis)] = 1;
  else
    dims.erase(dims.begin() + axis);
  return {{DType::i32, detail::shape_of(dims)}};
}

void ArgExtremum::eval(EvalCtx& ctx) const {
  const detail::AxisView view(ctx.in(0).shape(), axis);
  int32_t* y = ctx.out().as<int32_t>().data();
  with_real(ctx.in(0), [&]<class T>(T) {
    const T* x = ctx.in(0).as<T>().data();
    view.for_each_line([&](int64_t line, int64_t base) {
      int64_t found = 0;
      T most = x[base];
      for (int64_t i = 1; i < view.size && most == most; ++i) {
        const T v = x[base + i * view.inner];
        if (!(smallest ? v < most : v > most) && v == v) continue;
        most = v;
        found = i;
      }
      y[line] = static_cast<int32_t>(found);
    });
  });
}

Value ops::argmax(const Value& x, const ArgConfig& config) { return arg_extremum(x, config, false); }
Value ops::argmin(const Value& x, const ArgConfig& config) { return arg_extremum(x, config, true); }

std::span<const OpEntry> ops_in_arg_extremum() {
  static const std::array entries = {op_entry<ArgExtremum>()};
  return entries;
}

}  // namespace ocellus

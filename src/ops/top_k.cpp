// The k best of each line, kept sorted in the output while the line is read: an element that is not better than the worst
// one kept costs one comparison, and nothing is allocated. Elements come in order, so of equal ones the first stays ahead.

#include <array>
#include <cmath>

#include <fmt/format.h>

#include <ocellus/ops/indexing.h>

#include "ops/support/arguments.h"
#include "ops/support/axis.h"

namespace ocellus {
namespace {

/// Whether a goes before b; a NaN counts as larger than any number.
template <class T>
bool before(T a, T b, bool smallest) {
  if (smallest) return a < b || (std::isnan(b) && !std::isnan(a));
  return a > b || (std::isnan(a) && !std::isnan(b));
}

}  // namespace

void TopK::attrs(AttrVisitor& v) const {
  v("k", k);
  v("axis", axis);
  v("smallest", smallest);
}

Types TopK::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 1);
  detail::expect_floating(inputs);
  const Shape& x = inputs[0].shape;
  detail::expect_axis(axis, x);
  const int64_t size = x[static_cast<size_t>(axis)];
  if (size == any_dim)
    throw ShapeError("the best of the batch of " + x.to_string() + " can't be found before its size is known");
  if (k < 1 || k > size)
    throw ShapeError(
        fmt::format("k {} must be in [1,{}], the size of dimension {} of {}", k, size, axis, x.to_string()));
  const Shape best = x.with(static_cast<size_t>(axis), k);
  return {{inputs[0].dtype, best}, {DType::i32, best}};
}

Values TopK::gradient(GradCtx& ctx) const {
  GatherAlongBackward op;
  op.axis = axis;
  op.size = ctx.in(0).shape()[static_cast<size_t>(axis)];
  return {apply(std::move(op), {ctx.dout(), ctx.out(1)})};
}

void TopK::eval(EvalCtx& ctx) const {
  const detail::AxisView view(ctx.in(0).shape(), axis), best(ctx.out().shape(), axis);
  const int64_t inner = view.inner;
  with_real(ctx.in(0), [&]<class T>(T) {
    const T* x = ctx.in(0).as<T>().data();
    view.for_each_line([&](int64_t line, int64_t base) {
      T* values = ctx.out(0).as<T>().data() + best.base(line);
      int32_t* indices = ctx.out(1).as<int32_t>().data() + best.base(line);
      for (int64_t i = 0, kept = 0; i < view.size; ++i) {
        const T v = x[base + i * inner];
        if (kept == k && !before(v, values[(k - 1) * inner], smallest)) continue;
        int64_t at = kept < k ? kept++ : k - 1;
        for (; at > 0 && before(v, values[(at - 1) * inner], smallest); --at) {
          values[at * inner] = values[(at - 1) * inner];
          indices[at * inner] = indices[(at - 1) * inner];
        }
        values[at * inner] = v;
        indices[at * inner] = static_cast<int32_t>(i);
      }
    });
  });
}

Values ops::top_k(const Value& x, const TopKConfig& config) {
  auto op = std::make_shared<TopK>();
  op->k = config.k;
  op->axis = detail::from_front(config.axis, x.shape());
  op->smallest = config.smallest;
  return emit(std::move(op), {x});
}

std::span<const OpEntry> ops_in_top_k() {
  static const std::array entries = {op_entry<TopK>()};
  return entries;
}

}  // namespace ocellus

#include <array>

#include <fmt/format.h>

#include <ocellus/ops/elementwise.h>

#include "ops/support/arguments.h"
#include "ops/support/dropout_mask.h"

namespace ocellus {
namespace {

void expect_rate(double rate) {
  if (!(rate >= 0 && rate < 1))
    throw UsageError(fmt::format("[dropout] rate {} must be at least 0 and less than 1", rate));
}

}  // namespace

void Dropout::attrs(AttrVisitor& v) const {
  v("rate", rate);
  v("seed", seed);
}

Types Dropout::infer(std::span<const TensorType> inputs) const {
  expect_rate(rate);
  detail::expect_count(inputs, 1);
  detail::expect_floating(inputs);
  return {inputs[0]};
}

Values Dropout::gradient(GradCtx& ctx) const { return {ctx.dout()}; }

void Dropout::eval(EvalCtx& ctx) const {
  if (ctx.out().data() != ctx.in(0).data()) ctx.out().copy_from(ctx.in(0));
}

std::optional<Values> Dropout::for_mode(ModeCtx& ctx) const {
  if (ctx.mode() == Mode::inference || rate == 0) return Values{ctx.in(0)};
  DropoutTrain op;
  op.rate = rate;
  op.seed = seed;
  return Values{apply(std::move(op), {ctx.in(0), ctx.step()})};
}

void DropoutTrain::attrs(AttrVisitor& v) const {
  v("rate", rate);
  v("seed", seed);
}

Types DropoutTrain::infer(std::span<const TensorType> inputs) const {
  expect_rate(rate);
  detail::expect_count(inputs, 2);
  detail::expect_floating(inputs.first(1));
  if (!(inputs[1] == TensorType{DType::i64, {}}))
    throw TypeError("the step must be i64[], got " + to_string(inputs[1]));
  return {inputs[0]};
}

Values DropoutTrain::gradient(GradCtx& ctx) const { return {apply(DropoutTrain(*this), {ctx.dout(), ctx.in(1)}), {}}; }

void DropoutTrain::eval(EvalCtx& ctx) const {
  const detail::DropoutMask mask(rate, seed, ctx.in(1).as<int64_t>()[0]);
  with_real(ctx.out(), [&]<class T>(T) {
    T* y = ctx.out().as<T>().data();
    const T* x = ctx.in(0).as<T>().data();
    const T scale = static_cast<T>(1 / (1 - rate));
    mask.each(0, ctx.out().numel(), [&](int64_t i, bool stays) { y[i] = stays ? x[i] * scale : T{0}; });
  });
}

Value ops::dropout(const Value& x, double rate, int64_t seed) {
  Dropout op;
  op.rate = rate;
  op.seed = seed;
  return apply(std::move(op), {x});
}

std::span<const OpEntry> ops_in_dropout() {
  static const std::array entries = {op_entry<Dropout>(), op_entry<DropoutTrain>()};
  return entries;
}

}  // namespace ocellus

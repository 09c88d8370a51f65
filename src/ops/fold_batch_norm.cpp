#include <ocellus/ops/fold.h>

#include <cmath>

namespace ocellus {

void FoldBatchNorm::attrs(AttrVisitor& v) const {
  v("epsilon", epsilon);
  v("bias", bias);
}

Types FoldBatchNorm::infer(std::span<const TensorType> inputs) const {
  const size_t expected = bias ? 6 : 5;
  if (inputs.size() != expected)
    throw ShapeError("needs " + std::to_string(expected) + " inputs, got " + std::to_string(inputs.size()));
  if (inputs[0].shape.rank() < 2) throw ShapeError("weights " + to_string(inputs[0]) + " have no output channels");
  const Shape channels = {inputs[0].shape[0]};
  for (size_t i = 1; i < inputs.size(); ++i)
    if (!(inputs[i].shape == channels))
      throw ShapeError("input " + std::to_string(i) + " is " + inputs[i].shape.to_string() + ", expected " +
                       channels.to_string());
  return {inputs[0], {inputs[0].dtype, channels}};
}

void FoldBatchNorm::eval(EvalCtx& ctx) const {
  with_real(ctx.in(0), [&]<class T>(T) {
    const auto w = ctx.in(0).as<T>(), scale = ctx.in(1).as<T>(), offset = ctx.in(2).as<T>();
    const auto mean = ctx.in(3).as<T>(), variance = ctx.in(4).as<T>();
    const auto folded = ctx.out(0).as<T>(), shift = ctx.out(1).as<T>();
    const size_t per_channel = w.size() / shift.size();
    for (size_t k = 0; k < shift.size(); ++k) {
      const T s = scale[k] / std::sqrt(variance[k] + static_cast<T>(epsilon));
      const T b = bias ? ctx.in(5).as<T>()[k] : T(0);
      shift[k] = (b - mean[k]) * s + offset[k];
      for (size_t i = k * per_channel; i < (k + 1) * per_channel; ++i) folded[i] = w[i] * s;
    }
  });
}

std::span<const OpEntry> ops_in_fold_batch_norm() {
  static const OpEntry entries[] = {op_entry<FoldBatchNorm>()};
  return entries;
}

}  // namespace ocellus

#include <ocellus/nn/layers/radial_basis.h>

#include <fmt/format.h>

#include <ocellus/ops/dense.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>

namespace ocellus::nn {

RadialBasis::RadialBasis(RadialBasisConfig config) : Layer("RadialBasis", config.name), config_(std::move(config)) {
  if (!config_.centres || config_.centres.dtype() != DType::f32 || config_.centres.shape().rank() != 2)
    throw UsageError("RadialBasis: centres must be f32 [units,in]");
}

Values RadialBasis::call(Build&, const Values& inputs) const {
  const Value& x = single(inputs);
  const int64_t units = config_.centres.shape()[0], in = config_.centres.shape()[1];
  if (x.shape().rank() != 2 || x.shape()[1] != in)
    throw ShapeError(fmt::format("needs an input [N,{}], got {}", in, to_string(x.type())));
  Tensor squares(DType::f32, {units});
  const auto c = config_.centres.as<float>();
  for (int64_t i = 0; i < units * in; ++i) {
    const float value = c[static_cast<size_t>(i)];
    squares.as<float>()[static_cast<size_t>(i / in)] -= value * value;
  }
  // -|x - c|^2 = 2 x.c - |c|^2 - |x|^2: one matrix product instead of units * in differences a sample.
  const Value cross = ops::dense(ops::affine(x, 2), constant(config_.centres), constant(squares));
  const Value norm = ops::reduce_sum(ops::mul(x, x), {.axes = {1}, .keep_dims = true});
  return {ops::sub(cross, norm)};
}

}  // namespace ocellus::nn

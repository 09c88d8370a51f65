// The connections' planes are spread over a dense kernel [outputs,inputs,kernel] by a product with a constant matrix of zeros
// and ones, so that one ordinary convolution does the work and the planes' gradients come back through the same product.
#include <ocellus/nn/layers/table_conv2d.h>

#include <ocellus/ops/dense.h>
#include <ocellus/ops/shape.h>

#include "nn/layers/checks.h"

namespace ocellus::nn {
namespace {

/// Row (output, input) of the matrix [outputs*inputs, connections] has its one where that connection's plane is.
Tensor spread_matrix(const std::vector<std::vector<int64_t>>& table, int64_t inputs, int64_t connections) {
  Tensor matrix(DType::f32, {static_cast<int64_t>(table.size()) * inputs, connections});
  int64_t connection = 0;
  for (size_t k = 0; k < table.size(); ++k)
    for (const int64_t c : table[k]) {
      if (c < 0 || c >= inputs)
        throw ShapeError(fmt::format("the table names input channel {}, the input has {}", c, inputs));
      const int64_t row = static_cast<int64_t>(k) * inputs + c;
      matrix.as<float>()[static_cast<size_t>(row * connections + connection++)] = 1;
    }
  return matrix;
}

}  // namespace

TableConv2D::TableConv2D(TableConv2DConfig config) : Layer("TableConv2D", config.name), config_(std::move(config)) {
  at_least_one("TableConv2D", "kernel", config_.kernel);
  at_least_one("TableConv2D", "rows of the table", static_cast<int64_t>(config_.table.size()));
  for (const auto& row : config_.table)
    at_least_one("TableConv2D", "connections of an output", static_cast<int64_t>(row.size()));
}

Values TableConv2D::call(Build& build, const Values& inputs) const {
  const Value& x = single(inputs);
  if (x.shape().rank() != 4) throw ShapeError("needs an input [N,C,H,W], got " + to_string(x.type()));
  const int64_t channels = x.shape()[1], outputs = static_cast<int64_t>(config_.table.size());
  const int64_t height = config_.kernel.height, width = config_.kernel.width;
  int64_t connections = 0;
  for (const auto& row : config_.table) connections += static_cast<int64_t>(row.size());

  // Each output's fan is its own number of connections, which the kernel's shape does not tell: fill row by row.
  const Initialiser fill = [config = config_](Tensor& kernel, Rng& rng) {
    int64_t begin = 0;
    for (const auto& row : config.table) {
      const int64_t n = static_cast<int64_t>(row.size());
      Tensor part(DType::f32, {1, n, config.kernel.height, config.kernel.width});
      config.kernel_initialiser(part, rng);
      Tensor rows = kernel.rows(begin, begin + n);
      rows.copy_from(part);
      begin += n;
    }
  };
  const Value planes = build.parameter("kernel", {connections, 1, height, width}, ParamRole::kernel, fill);
  const Value bias = build.parameter("bias", {outputs}, ParamRole::bias, zeros());
  const Value columns = ops::transpose(ops::reshape(planes, {connections, height * width}), {1, 0});
  const Value spread = ops::dense(constant(spread_matrix(config_.table, channels, connections)), columns, {});
  const Value kernel = ops::reshape(spread, {outputs, channels, height, width});
  const Window window{{1}, {1}, config_.padding};
  return {ops::conv(x, kernel, bias, {.window = window, .groups = 1, .activation = config_.activation})};
}

}  // namespace ocellus::nn

// ONNX: products of matrices.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/ops/cast.h>
#include <ocellus/ops/dense.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/matmul.h>
#include <ocellus/ops/shape.h>

#include "io/onnx/support/compose.h"

#include "io/onnx/support/node.h"

namespace ocellus::io::onnx_io {
namespace {

/// A weight [in,out], or with `transposed` [out,in], as ours are: [out,in], times `factor`.
Tensor weights(const Tensor& t, bool transposed, float factor) {
  if (transposed && factor == 1) return t;
  const int64_t rows = t.shape()[transposed ? 0 : 1], columns = t.shape()[transposed ? 1 : 0];
  Tensor w(DType::f32, {rows, columns});
  const float* from = t.as<float>().data();
  float* to = w.as<float>().data();
  constexpr int64_t tile = 32;  // rows and columns at a time, so that neither side leaves the cache
  for (int64_t r0 = 0; r0 < rows; r0 += tile)
    for (int64_t c0 = 0; c0 < columns; c0 += tile)
      for (int64_t r = r0; r < std::min(r0 + tile, rows); ++r)
        for (int64_t c = c0; c < std::min(c0 + tile, columns); ++c)
          to[r * columns + c] = factor * from[transposed ? r * columns + c : c * rows + r];
  return w;
}

ParameterSpec kernel_spec(bool transposed, float factor) {
  return {.name = "kernel", .initialiser = nn::glorot_uniform(), .arrange = [=](const Tensor& t) {
            return weights(t, transposed, factor);
          }};
}

bool is_weight(const OnnxNode& node, size_t i) {
  return node.known(i) && !node.folding() && is_floating(node.dtype(i)) && node.rank(i) == 2;
}

/// Rows of the last dimension by a dense operator, whatever the dimensions before.
Value dense_rows(const Value& x, const Value& w, const Value& bias) {
  const Shape shape = x.shape();
  if (shape.rank() == 2) return ops::dense(x, w, bias);
  const int64_t in = shape[shape.rank() - 1];
  std::vector<int64_t> dims(shape.begin(), shape.end());
  dims.back() = w.shape()[0];
  return ops::reshape(ops::dense(ops::reshape(x, {-1, in}), w, bias), dims);
}

/// NumPy's product: a vector counts as a matrix of one row, or one column, which the result loses again.
Value product(Value a, Value b) {
  const Shape first = a.shape(), second = b.shape();
  if (first.rank() == 0 || second.rank() == 0) throw ShapeError("takes no scalars");
  if (first.rank() == 1) a = ops::reshape(a, {1, first[0]});
  if (second.rank() == 1) b = ops::reshape(b, {second[0], 1});
  Value y = ops::matmul(a, b);
  std::vector<int64_t> dims(y.shape().begin(), y.shape().end());
  if (second.rank() == 1) dims.pop_back();
  if (first.rank() == 1) dims.erase(dims.end() - (second.rank() == 1 ? 1 : 2));
  return dims.size() == y.shape().rank() ? y : reshaped(y, dims);
}

Operands matmul(OnnxNode& node) {
  if (is_weight(node, 1) && node.rank(0) >= 2) {
    node.set_kind("Dense");
    return {dense_rows(node.real(0), node.parameter(1, kernel_spec(false, 1)), {})};
  }
  return {product(node.real(0), node.parameter(1, {.name = "kernel", .initialiser = nn::glorot_uniform()}))};
}

Value scaled(const Value& v, double factor) { return factor == 1 ? v : ops::affine(v, factor); }

Operands gemm(OnnxNode& node) {
  const bool first = node.flag("transA", false), second = node.flag("transB", false);
  const double alpha = node.number("alpha", 1), beta = node.number("beta", 1);
  if (node.rank(0) != 2 || node.rank(1) != 2) throw ShapeError("takes matrices");
  if (!is_weight(node, 1)) {
    const Value y =
        scaled(ops::matmul(node.real(0), node.real(1), {.transpose_a = first, .transpose_b = second}), alpha);
    return {node.given(2) ? ops::add(y, scaled(node.real(2), beta)) : y};
  }
  node.set_kind("Dense");
  const Value x = first ? ops::transpose(node.real(0), {1, 0}) : node.real(0);
  const Value w = node.parameter(1, kernel_spec(second, static_cast<float>(alpha)));
  const int64_t units = w.shape()[0];
  const bool vector =
      node.known(2) && node.shape(2).numel() == units && node.shape(2)[node.shape(2).rank() - 1] == units;
  if (!node.given(2)) return {ops::dense(x, w, {})};
  if (!vector) return {ops::add(ops::dense(x, w, {}), scaled(node.real(2), beta))};
  const ParameterSpec bias = {.name = "bias", .role = ParamRole::bias, .arrange = [=](const Tensor& t) {
                                Tensor b = t.reshape({units}).clone();
                                for (float& v : b.as<float>()) v *= static_cast<float>(beta);
                                return b;
                              }};
  return {ops::dense(x, w, node.parameter(2, bias))};
}

/// Bytes less their zero points: a number for all, or one for each row of the first and each column of the second matrix.
Value centred(const OnnxNode& node, size_t i) {
  const Value q = ops::cast(node.value(i), DType::f32);
  if (!node.given(i + 2)) return q;
  Value zero = ops::cast(node.value(i + 2), DType::f32);
  if (i == 0 && node.rank(2) == 1 && node.shape(2).numel() > 1) zero = ops::reshape(zero, {node.shape(2)[0], 1});
  return ops::sub(q, zero);
}

/// In f32, which holds the sums exactly up to 2^24.
Operands matmul_integer(OnnxNode& node) { return {ops::cast(product(centred(node, 0), centred(node, 1)), DType::i32)}; }

constexpr std::array<OperatorEntry, 3> entries = {{
    {"Gemm", gemm},
    {"MatMul", matmul},
    {"MatMulInteger", matmul_integer},
}};

}  // namespace

std::span<const OperatorEntry> operators_in_matmul() { return entries; }

}  // namespace ocellus::io::onnx_io

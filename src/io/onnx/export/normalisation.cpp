// To ONNX: normalisation.

#include <array>
#include <cmath>

#include <ocellus/ops/channel_norm.h>
#include <ocellus/ops/norm.h>
#include <ocellus/ops/sample_norm.h>

#include "io/onnx/support/writer.h"

namespace ocellus::io::onnx_io {
namespace {

/// With epsilon outside of the root, (sqrt(v) + e)^2 stands where the variance does.
std::string variance(OpWriter& w, const BatchNorm& op) {
  if (!op.epsilon_outside) return w.in(4);
  Tensor v = w.weight(4).clone();
  for (float& x : v.as<float>()) x = static_cast<float>(std::pow(std::sqrt(x) + op.epsilon, 2));
  return w.tensor(v);
}

void batch_norm(OpWriter& w) {
  const auto& op = w.op<BatchNorm>();
  const Names inputs = {w.in(0), w.in(1), w.in(2), w.in(3), variance(w, op)};
  const double epsilon = op.epsilon_outside ? 0 : op.epsilon;
  w.give(w.activated(w.add("BatchNormalization", inputs, {{"epsilon", epsilon}, {"momentum", op.momentum}}),
                     op.activation));
}

/// Scale and shift of a normalisation, numbers that change nothing where it has none.
Names affine_of(OpWriter& w, const SampleNorm& op, const Shape& shape) {
  const std::string scale = op.scale ? w.in(1) : w.tensor(Tensor::full(DType::f32, shape, 1));
  const std::string shift = op.shift ? w.in(op.scale ? 2 : 1) : w.tensor(Tensor(DType::f32, shape));
  return {scale, shift};
}

/// Groups are instances of a tensor in which the channels of one lie behind each other.
std::string grouped(OpWriter& w, const SampleNorm& op) {
  const Shape& x = w.shape();
  const Tensor ones = Tensor::full(DType::f32, {op.count}, 1), zeros(DType::f32, {op.count});
  const std::string rows = w.add("Reshape", {w.in(0), w.integers({0, op.count, -1})});
  const std::string normal =
      w.add("InstanceNormalization", {rows, w.tensor(ones), w.tensor(zeros)}, {{"epsilon", op.epsilon}});
  std::vector<int64_t> dims(x.begin(), x.end());
  dims[0] = 0;
  std::string y = w.add("Reshape", {normal, w.integers(dims)});
  if (op.scale) y = w.add("Mul", {y, w.by_channel(1, w.rank())});
  if (op.shift) y = w.add("Add", {y, w.by_channel(op.scale ? 2 : 1, w.rank())});
  return y;
}

void sample_norm(OpWriter& w) {
  const auto& op = w.op<SampleNorm>();
  const Shape& x = w.shape();
  if (op.blocks == NormBlocks::trailing) {
    const Shape block(x.dims().last(static_cast<size_t>(op.count)));
    const Names affine = affine_of(w, op, block);
    w.give(
        w.add("LayerNormalization", {w.in(0), affine[0], affine[1]}, {{"axis", -op.count}, {"epsilon", op.epsilon}}));
  } else if (op.count == x[1] && x.rank() > 2) {
    const Names affine = affine_of(w, op, {x[1]});
    w.give(w.add("InstanceNormalization", {w.in(0), affine[0], affine[1]}, {{"epsilon", op.epsilon}}));
  } else {
    w.give(grouped(w, op));
  }
}

void local_response_norm(OpWriter& w) {
  const auto& op = w.op<LocalResponseNorm>();
  const double alpha = op.divide_alpha ? op.alpha : op.alpha * static_cast<double>(op.size);
  w.give(w.add("LRN", {w.in(0)}, {{"size", op.size}, {"alpha", alpha}, {"beta", op.beta}, {"bias", op.k}}));
}

void l2_normalize(OpWriter& w) {
  const auto& op = w.op<L2Normalize>();
  const std::string squares = w.add("ReduceSumSquare", {w.in(0), w.integers({1})}, {{"keepdims", int64_t{1}}});
  const std::string length = w.add("Sqrt", {w.add("Add", {squares, w.number(op.epsilon)})});
  w.give(w.add("Mul", {w.add("Div", {w.in(0), length}), w.by_channel(1, w.rank())}));
}

constexpr std::array<ExportEntry, 4> entries = {{
    {"batch_norm", batch_norm},
    {"l2_normalize", l2_normalize},
    {"local_response_norm", local_response_norm},
    {"sample_norm", sample_norm},
}};

}  // namespace

std::span<const ExportEntry> exported_in_normalisation() { return entries; }

}  // namespace ocellus::io::onnx_io

// To ONNX: matrix products and recurrences.

#include <array>
#include <cstring>
#include <numeric>

#include <ocellus/base/error.h>
#include <ocellus/ops/dense.h>
#include <ocellus/ops/matmul.h>
#include <ocellus/ops/recurrent.h>

#include "io/onnx/support/writer.h"

namespace ocellus::io::onnx_io {
namespace {

void dense(OpWriter& w) {
  const auto& op = w.op<Dense>();
  Names inputs = {w.in(0), w.in(1)};
  if (op.bias) inputs.push_back(w.in(2));
  w.give(w.activated(w.add("Gemm", inputs, {{"transB", int64_t{1}}}), op.activation));
}

std::string transposed(OpWriter& w, size_t i) {
  std::vector<int64_t> perm(w.shape(i).rank());
  std::iota(perm.begin(), perm.end(), 0);
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return w.add("Transpose", {w.in(i)}, {{"perm", perm}});
}

void matmul(OpWriter& w) {
  const auto& op = w.op<MatMul>();
  const std::string a = op.transpose_a ? transposed(w, 0) : w.in(0), b = op.transpose_b ? transposed(w, 1) : w.in(1);
  w.give(w.add("MatMul", {a, b}));
}

/// Which of our gates stand where the file has its own: i, o, f, c of i, f, c, o; and z, r, h of r, z, n.
constexpr std::array<int64_t, 4> lstm_order = {0, 3, 1, 2};
constexpr std::array<int64_t, 3> gru_order = {1, 0, 2};

/// Rows [gates*H,...] with their gates in the file's order, for one direction: [1,gates*H,...].
Tensor ordered(const Tensor& t, std::span<const int64_t> order) {
  const size_t block = t.bytes() / order.size();
  std::vector<int64_t> dims = {1};
  dims.insert(dims.end(), t.shape().begin(), t.shape().end());
  Tensor result(DType::f32, Shape(std::span<const int64_t>(dims)));
  for (size_t i = 0; i < order.size(); ++i)
    std::memcpy(static_cast<char*>(result.data()) + i * block,
                static_cast<const char*>(t.data()) + static_cast<size_t>(order[i]) * block, block);
  return result;
}

/// The input's share of the gates is computed before the recurrence here, so that there it is the input, and the weights of
/// the input only bring the gates into order.
Tensor passed_on(int64_t size, std::span<const int64_t> order) {
  Tensor identity(DType::f32, {size, size});
  for (int64_t i = 0; i < size; ++i) identity.as<float>()[static_cast<size_t>(i * size + i)] = 1;
  return ordered(identity, order);
}

/// Writes a recurrence over gates [N,T,gates*H] and gives h [N,T,H].
void recurrence(OpWriter& w, const char* kind, std::span<const int64_t> order, const Names& behind,
                Attributes attributes) {
  const int64_t gates = w.shape()[2], hidden = gates / static_cast<int64_t>(order.size());
  const std::string x = w.add("Transpose", {w.in(0)}, {{"perm", std::vector<int64_t>{1, 0, 2}}});
  Names inputs = {x, w.tensor(passed_on(gates, order)), w.tensor(ordered(w.weight(1), order))};
  inputs.insert(inputs.end(), behind.begin(), behind.end());
  attributes.push_back({"hidden_size", hidden});
  const std::string all = w.add("Squeeze", {w.add(kind, inputs, attributes), w.integers({1})});
  w.give(w.add("Transpose", {all}, {{"perm", std::vector<int64_t>{1, 0, 2}}}));
}

std::string start(OpWriter& w, size_t i) { return w.add("Unsqueeze", {w.in(i), w.integers({0})}); }

void lstm(OpWriter& w) {
  if (w.used(1)) throw Unsupported("the cell's states at all times");
  Names behind;
  if (w.op<Lstm>().initial) behind = {"", "", start(w, 2), start(w, 3)};
  recurrence(w, "LSTM", lstm_order, behind, {});
}

void gru(OpWriter& w) {
  const auto& op = w.op<Gru>();
  Names behind;
  if (op.bias) {
    const Tensor state = ordered(w.weight(2), gru_order);
    Tensor both(DType::f32, {1, 2 * state.numel()});  // none for the input, then the state's
    std::memcpy(both.as<float>().data() + state.numel(), state.data(), state.bytes());
    behind.push_back(w.tensor(both));
  }
  if (op.initial) {
    if (behind.empty()) behind.emplace_back("");
    behind.insert(behind.end(), {"", start(w, w.inputs() - 1)});
  }
  recurrence(w, "GRU", gru_order, behind, {{"linear_before_reset", int64_t{op.reset_after}}});
}

constexpr std::array<ExportEntry, 4> entries = {{
    {"dense", dense},
    {"gru", gru},
    {"lstm", lstm},
    {"matmul", matmul},
}};

}  // namespace

std::span<const ExportEntry> exported_in_products() { return entries; }

}  // namespace ocellus::io::onnx_io

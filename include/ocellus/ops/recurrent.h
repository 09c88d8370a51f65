// Recurrences over time: what a long short-term memory and a gated recurrent unit do with their input's share.
//
// Sequences are [N,T,features]. The input's share of the gates, x W^T + b for all times at once, is a dense operator's
// work; what is left are the steps that wait for each other, and these are the operators here. So the gradients of W and b
// are the dense operator's too. Weights are [gates * H, H], a gate after the other, as PyTorch has them:
//
//   LSTM  i, f, g, o: input, forget, cell, output. Keras' order is the same (it says c for g), its kernels transposed.
//   GRU   r, z, n: reset, update, candidate. Keras' order is z, r, h, its kernels transposed.
#pragma once

#include <ocellus/graph/op.h>

namespace ocellus {

/// Long short-term memory (Hochreiter & Schmidhuber 1997; Gers et al. 2000 for f). With a = gates + h' R^T at each step,
/// i, f, o the sigmoids and g the tanh of a's quarters: c = f c' + i g, h = o tanh(c). Inputs: gates [N,T,4H], weights R
/// [4H,H], and with `initial` h and c before the first step [N,H], otherwise zeros. Outputs: h [N,T,H], c [N,T,H], and
/// i, f, g, o [N,T,4H] for the backward pass, which take no gradient.
class OCELLUS_API Lstm final : public Op {
 public:
  bool initial = false;

  std::string_view name() const override { return "lstm"; }
  void attrs(AttrVisitor& v) const override { v("initial", initial); }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
  int64_t macs(std::span<const TensorType> inputs, std::span<const TensorType> outputs) const override;
};

/// Inputs: i, f, g, o [N,T,4H], c [N,T,H], weights [4H,H], then those that there are of dh [N,T,H] (`hidden`), dc [N,T,H]
/// (`cell`) and c before the first step [N,H] (`initial`). Outputs: the gradients of the gates [N,T,4H], and of h and c
/// before the first step [N,H].
class OCELLUS_API LstmBackward final : public Op {
 public:
  bool hidden = true, cell = false, initial = false;

  std::string_view name() const override { return "lstm_backward"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
  int64_t macs(std::span<const TensorType> inputs, std::span<const TensorType> outputs) const override;
};

/// Gated recurrent unit (Cho et al. 2014): h = z h' + (1 - z) n, where r and z are the sigmoids of gates + h' R^T + b, and
/// n = tanh(gates + (r h') R^T + b), or with `reset_after` n = tanh(gates + r (h' R^T + b)), which is the form of cuDNN,
/// PyTorch and Keras' default. Inputs: gates [N,T,3H], weights R [3H,H], with `bias` b [3H], and with `initial` h before the
/// first step [N,H], otherwise zeros. Outputs: h [N,T,H], and r, z, q, n [N,T,4H] for the backward pass, which take no
/// gradient; q is what the candidate sees of the state, r h' or h' R^T + b.
class OCELLUS_API Gru final : public Op {
 public:
  bool reset_after = true, bias = false, initial = false;

  std::string_view name() const override { return "gru"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
  int64_t macs(std::span<const TensorType> inputs, std::span<const TensorType> outputs) const override;
};

/// Inputs: dh [N,T,H], r, z, q, n [N,T,4H], h [N,T,H], weights [3H,H], and with `initial` h before the first step [N,H].
/// Outputs: the gradients of the gates [N,T,3H] and of h before the first step [N,H], and with `reset_after` of
/// h' R^T + b [N,T,3H], which is that of the gates but for the candidate.
class OCELLUS_API GruBackward final : public Op {
 public:
  bool reset_after = true, initial = false;

  std::string_view name() const override { return "gru_backward"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
  int64_t macs(std::span<const TensorType> inputs, std::span<const TensorType> outputs) const override;
};

namespace ops {
struct LstmConfig {
  Value hidden = {}, cell = {};  ///< before the first step [N,H]: both or neither
};
/// h and c [N,T,H] at all times, from gates [N,T,4H] and weights [4H,H].
OCELLUS_API Values lstm(const Value& gates, const Value& weights, const LstmConfig& config = {});

struct GruConfig {
  bool reset_after = true;
  Value bias = {};    ///< [3H], of the state's share
  Value hidden = {};  ///< before the first step [N,H]
};
/// h [N,T,H] at all times, from gates [N,T,3H] and weights [3H,H].
OCELLUS_API Value gru(const Value& gates, const Value& weights, const GruConfig& config = {});
}  // namespace ops

}  // namespace ocellus

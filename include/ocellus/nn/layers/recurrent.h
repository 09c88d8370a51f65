// Layers over time: long short-term memory and gated recurrent units.
#pragma once

#include <ocellus/nn/initialiser.h>
#include <ocellus/nn/layer.h>

namespace ocellus::nn {

struct LSTMConfig {
  int64_t units = 0;              ///< features of the state; must be given
  bool return_sequences = false;  ///< the states at all times instead of the last one
  bool bidirectional =
      false;  ///< a second one, with parameters of its own, reads from the end; their features are joined
  bool use_bias = true;
  bool unit_forget_bias = true;  ///< the forget gate's biases start at 1 (Jozefowicz et al. 2015)
  Initialiser kernel_initialiser = glorot_uniform();
  Initialiser recurrent_initialiser = orthogonal();
  Initialiser bias_initialiser = zeros();
  std::string name = {};
};

/// [N,T,C] to [N,units] or [N,T,units] by `ops::lstm`, from a state of zeros: "kernel" [4*units,C], "recurrent_kernel"
/// [4*units,units], "bias" [4*units], gates in the order i, f, g, o. PyTorch's weight_ih and weight_hh are these kernels, and
/// its two biases' sum is the bias; Keras' kernels are transposed. The second direction's parameters are called "backward_...".
class OCELLUS_API LSTM final : public Layer {
 public:
  explicit LSTM(LSTMConfig config);  ///< throws UsageError for units below 1

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  LSTMConfig config_;
};

struct GRUConfig {
  int64_t units = 0;              ///< features of the state; must be given
  bool return_sequences = false;  ///< the states at all times instead of the last one
  bool bidirectional =
      false;  ///< a second one, with parameters of its own, reads from the end; their features are joined
  bool use_bias = true;
  bool reset_after =
      true;  ///< the reset gate multiplies the state's product, as in PyTorch and Keras; false: the state
  Initialiser kernel_initialiser = glorot_uniform();
  Initialiser recurrent_initialiser = orthogonal();
  Initialiser bias_initialiser = zeros();
  std::string name = {};
};

/// [N,T,C] to [N,units] or [N,T,units] by `ops::gru`, from a state of zeros: "kernel" [3*units,C], "recurrent_kernel"
/// [3*units,units], "bias" [3*units], and with `reset_after` "recurrent_bias" [3*units], gates in the order r, z, n. PyTorch's
/// weight_ih, weight_hh, bias_ih and bias_hh are these; Keras' kernels are transposed, its gates in the order z, r, n, and its
/// bias has both biases as rows. The second direction's parameters are called "backward_...".
class OCELLUS_API GRU final : public Layer {
 public:
  explicit GRU(GRUConfig config);  ///< throws UsageError for units below 1

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  GRUConfig config_;
};

}  // namespace ocellus::nn

// Recurrent layers. Keras keeps kernels as [in, gates * units]; its LSTM has the gates i, f, c, o, as ours, its GRU z, r, h where
// ours has r, z, n.
#include <ocellus/nn/layers/recurrent.h>

#include "io/keras/curve.h"
#include "io/tensors.h"

namespace ocellus::io::keras {
namespace {

using Arrays = std::vector<std::pair<std::string, Tensor>>;

void expect_usual(const LayerSpec& spec) {
  expect_activation(spec, "activation", "tanh");
  expect_activation(spec, "recurrent_activation", "sigmoid");
  for (const char* key : {"go_backwards", "return_state", "time_major"})
    if (spec.flag(key, false)) spec.unsupported("has " + std::string(key));
}

/// [rows, gates * units] with the first two gates changed over.
Tensor gates_for_gru(const Tensor& t) {
  const int64_t rows = t.shape()[0], units = t.shape()[1] / 3;
  Tensor result(DType::f32, t.shape());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < 3 * units; ++i) {
      const int64_t gate = i / units, to = gate == 2 ? 2 : 1 - gate;
      result.as<float>()[static_cast<size_t>(r * 3 * units + to * units + i % units)] =
          t.as<float>()[static_cast<size_t>(r * 3 * units + i)];
    }
  return result;
}

int64_t features_of(const LayerSpec& spec, const Value& x) {
  if (x.shape().rank() != 3) spec.fail("needs a sequence [N,T,C], got " + x.shape().to_string());
  return x.shape()[2];
}

/// One direction's arrays, from number `at` on; gives how many there are.
size_t lstm_arrays(const LayerSpec& spec, const Variables& v, size_t at, int64_t features, const std::string& prefix,
                   Arrays& values) {
  const int64_t units = spec.integer("units");
  values.emplace_back(prefix + "kernel", transposed(v.at(at, "kernel", {features, 4 * units}), {1, 0}));
  values.emplace_back(prefix + "recurrent_kernel",
                      transposed(v.at(at + 1, "recurrent kernel", {units, 4 * units}), {1, 0}));
  if (!spec.flag("use_bias", true)) return 2;
  values.emplace_back(prefix + "bias", v.at(at + 2, "bias", {4 * units}));
  return 3;
}

bool resets_after(const LayerSpec& spec) { return spec.flag("reset_after", spec.version >= 3); }

size_t gru_arrays(const LayerSpec& spec, const Variables& v, size_t at, int64_t features, const std::string& prefix,
                  Arrays& values) {
  const int64_t units = spec.integer("units");
  values.emplace_back(prefix + "kernel", transposed(gates_for_gru(v.at(at, "kernel", {features, 3 * units})), {1, 0}));
  values.emplace_back(prefix + "recurrent_kernel",
                      transposed(gates_for_gru(v.at(at + 1, "recurrent kernel", {units, 3 * units})), {1, 0}));
  if (!spec.flag("use_bias", true)) return 2;
  const int64_t rows = resets_after(spec) ? 2 : 1;
  const Tensor& all = rows == 2 ? v.at(at + 2, "bias", {2, 3 * units}) : v.at(at + 2, "bias", {3 * units});
  const Tensor biases = gates_for_gru(all.reshape({rows, 3 * units}));
  values.emplace_back(prefix + "bias", biases.rows(0, 1).reshape({3 * units}));
  if (rows == 2) values.emplace_back(prefix + "recurrent_bias", biases.rows(1, 2).reshape({3 * units}));
  return 3;
}

template <class Layer, class Arrange>
Call recurrent(const LayerSpec& named, const LayerSpec& spec, const Variables& variables, Layer layer, bool both,
               Arrange arrange) {
  return [=, &named, &spec](const Helds& in) mutable {
    const Value x = plain(only(named, in));
    const int64_t features = features_of(named, x);
    Arrays values;
    const size_t count = arrange(spec, variables, 0, features, "", values);
    if (both) arrange(spec, variables, count, features, "backward_", values);
    const Value y = layer(x);
    fill(layer, named, values);
    return Held{.value = y};
  };
}

/// `named` is the layer or the wrapper that makes it bidirectional, `spec` the layer with the settings.
Call make_lstm(const LayerSpec& named, const LayerSpec& spec, const Variables& variables, bool both) {
  expect_usual(spec);
  return recurrent(named, spec, variables,
                   nn::LSTM({.units = spec.integer("units"),
                             .return_sequences = spec.flag("return_sequences", false),
                             .bidirectional = both,
                             .use_bias = spec.flag("use_bias", true),
                             .name = named.name}),
                   both, lstm_arrays);
}

Call make_gru(const LayerSpec& named, const LayerSpec& spec, const Variables& variables, bool both) {
  expect_usual(spec);
  return recurrent(named, spec, variables,
                   nn::GRU({.units = spec.integer("units"),
                            .return_sequences = spec.flag("return_sequences", false),
                            .bidirectional = both,
                            .use_bias = spec.flag("use_bias", true),
                            .reset_after = resets_after(spec),
                            .name = named.name}),
                   both, gru_arrays);
}

Call lstm(const LayerSpec& spec, const Variables& variables) { return make_lstm(spec, spec, variables, false); }
Call gru(const LayerSpec& spec, const Variables& variables) { return make_gru(spec, spec, variables, false); }

Call bidirectional(const LayerSpec& spec, const Variables& variables) {
  if (spec.inner.empty()) spec.fail("wraps no layer");
  if (spec.text("merge_mode", "") != "concat")
    spec.unsupported("joins both directions in another way than one after the other");
  const LayerSpec& inner = spec.inner.front();
  if (inner.class_name == "LSTM") return make_lstm(spec, inner, variables, true);
  if (inner.class_name == "GRU") return make_gru(spec, inner, variables, true);
  spec.unsupported("wraps a layer " + inner.class_name);
}

}  // namespace

std::span<const KerasLayer> keras_in_recurrent() {
  static constexpr KerasLayer layers[] = {{"LSTM", lstm}, {"GRU", gru}, {"Bidirectional", bidirectional}};
  return layers;
}

}  // namespace ocellus::io::keras

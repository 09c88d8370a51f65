// ONNX: recurrences. A direction is a dense operator on all times at once and the steps that wait for each other.

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/ops/dense.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/recurrent.h>
#include <ocellus/ops/shape.h>

#include "io/onnx/support/node.h"

namespace ocellus::io::onnx_io {
namespace {

/// Which of a file's gates stand where ours do.
using Order = std::vector<int64_t>;

/// A direction's gates [gates*H,...] out of [directions,gates*H,...], in our order; `from` gates are skipped before.
struct Part {
  int64_t direction = 0, hidden = 0, from = 0;
  Order order;
};

Value taken(const Value& all, const Part& part) {
  const Value own = ops::slice(all, {.axis = 0, .begin = part.direction, .end = part.direction + 1});
  Values gates;
  for (int64_t gate : part.order) {
    const int64_t begin = (part.from + gate) * part.hidden;
    gates.push_back(ops::slice(own, {.axis = 1, .begin = begin, .end = begin + part.hidden}));
  }
  const Value joined = ops::concat(gates, 1);
  return ops::reshape(joined, std::vector<int64_t>(joined.shape().begin() + 1, joined.shape().end()));
}

Tensor taken(const Tensor& all, const Part& part) {
  const auto gates = static_cast<int64_t>(part.order.size());
  std::vector<int64_t> dims(all.shape().begin() + 1, all.shape().end());
  int64_t inner = 1;
  for (size_t i = 1; i < dims.size(); ++i) inner *= dims[i];
  const int64_t rows = dims[0], block = part.hidden * inner;
  dims[0] = gates * part.hidden;
  Tensor own(DType::f32, Shape(std::span<const int64_t>(dims)));
  const float* from = all.as<float>().data() + (part.direction * rows * inner);
  for (int64_t i = 0; i < gates; ++i)
    std::memcpy(own.as<float>().data() + i * block, from + (part.from + part.order[static_cast<size_t>(i)]) * block,
                static_cast<size_t>(block) * sizeof(float));
  return own;
}

/// What both kinds of recurrence share.
struct Recurrence {
  const OnnxNode& node;
  int64_t hidden, gates;
  Order order;
  bool batch_first;
  int64_t directions;
  bool starts_reversed;

  Recurrence(const OnnxNode& node, int64_t gates, Order order, size_t activations)
      : node(node),
        hidden(node.integer("hidden_size", 0)),
        gates(gates),
        order(std::move(order)),
        batch_first(node.flag("layout", false)) {
    const std::string direction = node.text("direction", "forward");
    if (direction != "forward" && direction != "reverse" && direction != "bidirectional")
      throw ShapeError(fmt::format("attribute direction can't be \"{}\"", direction));
    directions = direction == "bidirectional" ? 2 : 1;
    starts_reversed = direction == "reverse";
    if (node.has("clip")) throw Unsupported("attribute clip");
    if (node.given(4)) throw Unsupported("sequences of different lengths (input sequence_lens)");
    check_activations(activations);
    check_weights();
  }

  void check_activations(size_t count) const {
    static constexpr std::array<std::string_view, 3> usual = {"Sigmoid", "Tanh", "Tanh"};
    const auto given = node.texts("activations");
    for (size_t i = 0; i < given.size(); ++i)
      if (given[i] != usual[i % count]) throw Unsupported("activation " + given[i]);
  }

  void check_weights() const {
    const Shape x = node.shape(0), w = node.shape(1), r = node.shape(2);
    const bool fits = x.rank() == 3 && x.known() && hidden > 0 && w == Shape({directions, gates * hidden, x[2]}) &&
                      r == Shape({directions, gates * hidden, hidden}) &&
                      (!node.given(3) || node.shape(3) == Shape({directions, 2 * gates * hidden}));
    if (!x.known()) throw Unsupported("an open number of steps or sequences");
    if (!fits)
      throw ShapeError(fmt::format("input {} and weights {} and {} don't fit a state of {}", x.to_string(),
                                   w.to_string(), r.to_string(), hidden));
  }

  Part part(int64_t direction, int64_t from = 0) const { return {direction, hidden, from, order}; }

  Value weights(size_t i, int64_t direction, const char* name) const {
    const Part own = part(direction);
    if (!node.known(i)) return taken(node.value(i), own);
    const std::string full = direction == 1 ? fmt::format("backward_{}", name) : name;
    return node.parameter(i, {.name = full, .initialiser = nn::glorot_uniform(), .arrange = [own](const Tensor& t) {
                                return taken(t, own);
                              }});
  }

  /// Biases of the input's share (`from` 0) or of the state's (`from` gates), or nothing.
  Value bias(int64_t direction, int64_t from) const {
    return node.given(3) ? taken(node.real(3), part(direction, from)) : Value();
  }

  /// x as [N,T,I], from the end where this direction reads so.
  Value sequence(int64_t direction) const {
    const Value x = batch_first ? node.real(0) : ops::transpose(node.real(0), {1, 0, 2});
    return backwards(direction) ? ops::reverse(x, {1}) : x;
  }
  bool backwards(int64_t direction) const { return starts_reversed || direction == 1; }

  /// The input's share of the gates [N,T,gates*H].
  Value share(int64_t direction, const Value& bias) const {
    const Value x = sequence(direction);
    const int64_t rows = x.shape()[0] * x.shape()[1];
    const Value flat = ops::dense(ops::reshape(x, {rows, x.shape()[2]}), weights(1, direction, "kernel"), bias);
    return ops::reshape(flat, {x.shape()[0], x.shape()[1], gates * hidden});
  }

  /// A state before the first step [N,H], out of [directions,N,H] or, batch first, [N,directions,H]; or nothing.
  Value start(size_t i, int64_t direction) const {
    if (!node.given(i)) return {};
    const Value own = ops::slice(node.real(i), {.axis = batch_first ? 1 : 0, .begin = direction, .end = direction + 1});
    const int64_t batch = node.shape(0)[batch_first ? 0 : 1];
    return ops::reshape(own, {batch, hidden});
  }

  /// States at all times [N,T,H] of each direction as the file has them: [T,directions,N,H], or [N,T,directions,H].
  Value all_times(const Values& states) const {
    Values each;
    for (size_t d = 0; d < states.size(); ++d) {
      Value h = backwards(static_cast<int64_t>(d)) ? ops::reverse(states[d], {1}) : states[d];
      const Shape s = h.shape();
      if (!batch_first) h = ops::transpose(h, {1, 0, 2});
      each.push_back(batch_first ? ops::reshape(h, {s[0], s[1], 1, s[2]}) : ops::reshape(h, {s[1], 1, s[0], s[2]}));
    }
    return each.size() == 1 ? each[0] : ops::concat(each, batch_first ? 2 : 1);
  }

  /// The last states: [directions,N,H], or [N,directions,H].
  Value last(const Values& states) const {
    Values each;
    for (const Value& h : states) {
      const Shape s = h.shape();
      const Value end = ops::slice(h, {.axis = 1, .begin = s[1] - 1, .end = s[1]});
      each.push_back(batch_first ? end : ops::reshape(end, {1, s[0], s[2]}));
    }
    return each.size() == 1 ? each[0] : ops::concat(each, batch_first ? 1 : 0);
  }
};

/// The file's gates are i, o, f, c; ours i, f, c, o.
Operands lstm(OnnxNode& node) {
  node.set_kind("LSTM");
  const Recurrence of(node, 4, {0, 2, 3, 1}, 3);
  if (node.given(7)) throw Unsupported("peepholes (input P)");
  if (node.flag("input_forget", false)) throw Unsupported("attribute input_forget");
  Values hidden, cell;
  for (int64_t d = 0; d < of.directions; ++d) {
    const Value bias = node.given(3) ? ops::add(of.bias(d, 0), of.bias(d, 4)) : Value();
    ops::LstmConfig config{.hidden = of.start(5, d), .cell = of.start(6, d)};
    const Value gates = of.share(d, bias);
    const Value zeros = ocellus::constant(Tensor(DType::f32, {gates.shape()[0], of.hidden}));
    if (config.hidden || config.cell) {
      if (!config.hidden) config.hidden = zeros;
      if (!config.cell) config.cell = zeros;
    }
    const Values states = ops::lstm(gates, of.weights(2, d, "recurrent_kernel"), config);
    hidden.push_back(states[0]);
    cell.push_back(states[1]);
  }
  return {of.all_times(hidden), of.last(hidden), of.last(cell)};
}

/// The file's gates are z, r, h; ours r, z, n.
Operands gru(OnnxNode& node) {
  node.set_kind("GRU");
  const Recurrence of(node, 3, {1, 0, 2}, 2);
  Values hidden;
  for (int64_t d = 0; d < of.directions; ++d)
    hidden.push_back(ops::gru(
        of.share(d, of.bias(d, 0)), of.weights(2, d, "recurrent_kernel"),
        {.reset_after = node.flag("linear_before_reset", false), .bias = of.bias(d, 3), .hidden = of.start(5, d)}));
  return {of.all_times(hidden), of.last(hidden)};
}

constexpr std::array<OperatorEntry, 2> entries = {{
    {"GRU", gru},
    {"LSTM", lstm},
}};

}  // namespace

std::span<const OperatorEntry> operators_in_recurrent() { return entries; }

}  // namespace ocellus::io::onnx_io

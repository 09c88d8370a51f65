// Recurrences step by step: a product by the library for all sequences at once, in place where the gates lie, then vector
// loops over each sequence. The library's own recurrent primitives want the input's product inside, in an order of time
// first, and note what they like for the backward pass; here the input's product is one for all steps, a dense operator's,
// and every value stays where the graph knows it.

#include <ocellus/ops/recurrent.h>

#include <algorithm>
#include <array>
#include <type_traits>

#include <ocellus/base/threads.h>

#include "backend/onednn/onednn_backend.h"
#include "backend/simd/loops/recurrent.h"

namespace ocellus {
namespace onednn {
namespace {

constexpr int64_t grain = 2048;          // units of vector loops worth a thread
constexpr int64_t step_grain = 1 << 19;  // multiplications of a step that are worth waiting for other threads

/// While it lives, the calling thread's products and loops run on that thread alone.
class OneThread {
 public:
  OneThread() : before_(num_threads()) { set_num_threads(1); }
  ~OneThread() { set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

/// Rows of a matrix that lie `stride` apart.
template <class T>
struct Rows {
  T* data = nullptr;
  int64_t stride = 0;

  T* operator[](int64_t n) const { return data ? data + n * stride : nullptr; }
  /// From another column on.
  Rows from(int64_t column) const { return {data + column, stride}; }
  operator Rows<const T>() const { return {data, stride}; }
};
using In = Rows<const float>;
using Out = Rows<float>;

/// Sizes, and how sequences are addressed: those from `first` on, `batch` of them.
struct Walk {
  int64_t batch, steps, units, first = 0;

  explicit Walk(const TensorType& h) : batch(h.shape[0]), steps(h.shape[1]), units(h.shape[2]) {}
  size_t width() const { return static_cast<size_t>(units); }

  /// Step t of a value [N,T,count*H], null if there is none.
  template <class T>
  Rows<T> at(T* values, int64_t t, int64_t count = 1) const {
    return {values ? values + (first * steps + t) * count * units : nullptr, steps * count * units};
  }
  /// A value [N,H], null if there is none.
  template <class T>
  Rows<T> state(T* values) const {
    return {values ? values + first * units : nullptr, units};
  }
  /// The state before step t of [N,T,H].
  In before(const float* states, const float* initial, int64_t t) const {
    return t > 0 ? at(states, t - 1) : state(initial);
  }
  void clear(const Out& state) const { std::fill_n(state.data, batch * units, 0.0f); }

  /// Calls f(walk) for parts of the sequences, one a thread, each of which goes through time by itself: threads that wait
  /// for each other at every step do little else. Fewer sequences than threads stay together; where a step is large its
  /// products are shared out. Little work is for one thread.
  template <class F>
  void split(F&& f) const {
    const int64_t of_step = 4 * batch * units * units;
    if (of_step < step_grain && (batch < num_threads() || of_step * steps < step_grain)) {
      const OneThread alone;
      return f(*this);
    }
    if (batch < num_threads()) return f(*this);
    parallel_for(batch, 1, [&](int64_t begin, int64_t end) {
      Walk part = *this;
      part.first = begin;
      part.batch = end - begin;
      f(part);
    });
  }

  /// Calls f(n) for all sequences, in parallel.
  template <class F>
  void each(F&& f) const {
    parallel_for(batch, std::max<int64_t>(1, grain / std::max<int64_t>(units, 1)), [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) f(n);
    });
  }
};

/// y [n,out] = beta y + x [n,in] W^T, W being [out,in] in plain order; nothing where there is no x.
void times_transposed(const Walk& walk, const In& x, const float* w, int64_t out, const Out& y, float beta = 1) {
  if (!x.data) return;
  dnnl::sgemm('N', 'T', walk.batch, out, walk.units, 1, x.data, x.stride, w, walk.units, beta, y.data, y.stride);
}

/// y [n,H] = beta y + x [n,rows] W, W being [rows,H].
void times(const Walk& walk, const In& x, const float* w, int64_t rows, const Out& y, float beta = 1) {
  dnnl::sgemm('N', 'N', walk.batch, walk.units, rows, 1, x.data, x.stride, w, walk.units, beta, y.data, y.stride);
}

class RecurrentKernel : public Kernel {
 public:
  RecurrentKernel(const Walk& walk, size_t inputs, size_t outputs) : walk_(walk), in_(inputs), out_(outputs) {}

  /// Outputs that nobody reads are written to scratch memory.
  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void* scratch) final {
    for (size_t i = 0; i < in_.size(); ++i) in_[i] = static_cast<const float*>(inputs[i]);
    auto* spare = static_cast<float*>(scratch);
    for (size_t i = 0; i < out_.size(); ++i) {
      out_[i] = static_cast<float*>(outputs[i]);
      if (out_[i]) continue;
      out_[i] = spare;
      spare += spare_[i] / sizeof(float);
    }
  }

  /// Bytes for outputs of these types, of which some are not used.
  size_t spare(const Types& types, const std::vector<bool>& used) {
    size_t total = 0;
    for (const TensorType& type : types) spare_.push_back(bytes_of(type));
    for (size_t i = 0; i < types.size(); ++i) total += used[i] ? 0 : spare_[i];
    return total;
  }

 protected:
  Walk walk_;
  std::vector<const float*> in_;
  std::vector<float*> out_;

 private:
  std::vector<size_t> spare_;
};

class LstmForward final : public RecurrentKernel {
 public:
  explicit LstmForward(const Node& node)
      : RecurrentKernel(Walk(node.types()[0]), node.inputs().size(), 3), initial_(node.as<Lstm>()->initial) {}

  void run() override {
    walk_.split([this](const Walk& walk) { go(walk); });
  }

 private:
  void go(const Walk& walk) const {
    const size_t gates = 4 * walk.width();
    for (int64_t t = 0; t < walk.steps; ++t) {
      const In a = walk.at(in_[0], t, 4), h_before = walk.before(out_[0], initial_ ? in_[2] : nullptr, t);
      const In c_before = walk.before(out_[1], initial_ ? in_[3] : nullptr, t);
      const Out h = walk.at(out_[0], t), c = walk.at(out_[1], t), ifgo = walk.at(out_[2], t, 4);
      if (in_[0] != out_[2]) walk.each([&](int64_t n) { std::copy_n(a[n], gates, ifgo[n]); });
      times_transposed(walk, h_before, in_[1], 4 * walk.units, ifgo);
      walk.each([&](int64_t n) { simd::lstm_step(ifgo[n], c_before[n], c[n], h[n], walk.width()); });
    }
  }

  bool initial_;
};

class LstmBackwards final : public RecurrentKernel {
 public:
  explicit LstmBackwards(const Node& node)
      : RecurrentKernel(Walk(node.inputs()[1].type()), node.inputs().size(), 3), op_(*node.as<LstmBackward>()) {}

  void run() override {
    walk_.split([this](const Walk& walk) { go(walk); });
  }

 private:
  void go(const Walk& walk) const {
    const float* dh = op_.hidden ? in_[3] : nullptr;
    const float* dc = op_.cell ? in_[size_t{3} + op_.hidden] : nullptr;
    const float* initial = op_.initial ? in_.back() : nullptr;
    const Out dh_next = walk.state(out_[1]), dc_next = walk.state(out_[2]);
    walk.clear(dh_next);
    walk.clear(dc_next);
    for (int64_t t = walk.steps - 1; t >= 0; --t) {
      const In ifgo = walk.at(in_[0], t, 4), c = walk.at(in_[1], t), c_before = walk.before(in_[1], initial, t);
      const In dh_here = walk.at(dh, t), dc_here = walk.at(dc, t);
      const Out gates = walk.at(out_[0], t, 4);
      walk.each([&](int64_t n) {
        simd::lstm_step_backward({ifgo[n], c[n], c_before[n], dh_here[n], dc_here[n], dh_next[n], dc_next[n], gates[n]},
                                 walk.width());
      });
      times(walk, gates, in_[2], 4 * walk.units, dh_next, 0);
    }
  }

  LstmBackward op_;
};

class GruForward final : public RecurrentKernel {
 public:
  explicit GruForward(const Node& node)
      : RecurrentKernel(Walk(node.types()[0]), node.inputs().size(), 2), op_(*node.as<Gru>()) {}

  void run() override {
    walk_.split([this](const Walk& walk) { go(walk); });
  }

 private:
  void go(const Walk& walk) const {
    const float* initial = op_.initial ? in_.back() : nullptr;
    for (int64_t t = 0; t < walk.steps; ++t) {
      const In before = walk.before(out_[0], initial, t);
      if (op_.reset_after)
        step_after(walk, t, before);
      else
        step_before(walk, t, before);
    }
  }

  const float* bias() const { return op_.bias ? in_[2] : nullptr; }

  /// `to` = a + b, where either may be missing.
  void start(const float* a, int64_t b_from, int64_t count, float* to) const {
    const float* b = bias() ? bias() + b_from : nullptr;
    for (int64_t j = 0; j < count; ++j) to[j] = (a ? a[j] : 0) + (b ? b[j] : 0);
  }

  void step_after(const Walk& walk, int64_t t, const In& before) const {
    const int64_t units = walk.units;
    const In a = walk.at(in_[0], t, 3);
    const Out h = walk.at(out_[0], t), rzqn = walk.at(out_[1], t, 4);
    walk.each([&](int64_t n) {
      start(a[n], 0, 2 * units, rzqn[n]);
      start(nullptr, 2 * units, units, rzqn[n] + 2 * units);
    });
    times_transposed(walk, before, in_[1], 3 * units, rzqn);
    walk.each([&](int64_t n) {
      float *r = rzqn[n], *z = r + units, *q = z + units;
      simd::gru_gates(r, walk.width());
      simd::gru_state({a[n] + 2 * units, r, q, z, before[n], q + units, h[n]}, walk.width());
    });
  }

  void step_before(const Walk& walk, int64_t t, const In& before) const {
    const int64_t units = walk.units;
    const In a = walk.at(in_[0], t, 3);
    const Out h = walk.at(out_[0], t), rzqn = walk.at(out_[1], t, 4);
    walk.each([&](int64_t n) {
      start(a[n], 0, 2 * units, rzqn[n]);
      start(a[n] + 2 * units, 2 * units, units, rzqn[n] + 3 * units);
    });
    times_transposed(walk, before, in_[1], 2 * units, rzqn);
    walk.each([&](int64_t n) {
      simd::gru_gates(rzqn[n], walk.width());
      simd::gated(rzqn[n], before[n], rzqn[n] + 2 * units, walk.width());
    });
    if (before.data)
      times_transposed(walk, rzqn.from(2 * units), in_[1] + 2 * units * units, units, rzqn.from(3 * units));
    walk.each([&](int64_t n) {
      float* candidate = rzqn[n] + 3 * units;
      simd::gru_state({nullptr, nullptr, candidate, rzqn[n] + units, before[n], candidate, h[n]}, walk.width());
    });
  }

  Gru op_;
};

class GruBackwards final : public RecurrentKernel {
 public:
  explicit GruBackwards(const Node& node)
      : RecurrentKernel(Walk(node.inputs()[0].type()), node.inputs().size(), node.types().size()),
        op_(*node.as<GruBackward>()) {}

  void run() override {
    walk_.split([this](const Walk& walk) { go(walk); });
  }

 private:
  void go(const Walk& walk) const {
    const float* initial = op_.initial ? in_[4] : nullptr;
    const Out dh_next = walk.state(out_[1]);
    walk.clear(dh_next);
    for (int64_t t = walk.steps - 1; t >= 0; --t) {
      const In dh = walk.at(in_[0], t), rzqn = walk.at(in_[1], t, 4), before = walk.before(in_[2], initial, t);
      const Out gates = walk.at(out_[0], t, 3);
      walk.each([&](int64_t n) {
        simd::gru_step_backward({rzqn[n], before[n], dh[n], dh_next[n], gates[n]}, walk.width());
      });
      if (op_.reset_after)
        reset_after(walk, rzqn, gates, walk.at(out_[2], t, 3), dh_next);
      else
        reset_before(walk, rzqn, before, gates, dh_next);
    }
  }

  void reset_after(const Walk& walk, const In& rzqn, const Out& gates, const Out& sums, const Out& dh_next) const {
    walk.each([&](int64_t n) { simd::gru_reset_after(rzqn[n], gates[n], sums[n], walk.width()); });
    times(walk, sums, in_[3], 3 * walk.units, dh_next);
  }

  void reset_before(const Walk& walk, const In& rzqn, const In& before, const Out& gates, const Out& dh_next) const {
    const int64_t units = walk.units;
    times(walk, gates.from(2 * units), in_[3] + 2 * units * units, units, gates, 0);
    walk.each([&](int64_t n) { simd::gru_reset_before(rzqn[n], before[n], dh_next[n], gates[n], walk.width()); });
    times(walk, gates, in_[3], 2 * units, dh_next);
  }

  GruBackward op_;
};

template <class K>
KernelAnswer make(const KernelRequest& request, Backend&) {
  const Node& node = request.node;
  for (const Value& v : node.inputs())
    if (v.dtype() != DType::f32) return "works on f32";
  auto kernel = std::make_unique<K>(node);
  KernelPlan plan;
  plan.name = "onednn gemm and simd";
  plan.inputs.resize(node.inputs().size());
  plan.outputs.resize(node.types().size());
  plan.scratch = kernel->spare(node.types(), request.used);
  if constexpr (std::is_same_v<K, LstmForward>) plan.in_place = {{2, 0}};
  plan.kernel = std::move(kernel);
  return plan;
}

}  // namespace
}  // namespace onednn

std::span<const KernelEntry> onednn_kernels_in_recurrent() {
  static constexpr std::array<KernelEntry, 4> table = {{
      {"lstm", "gemm and simd", 0, onednn::make<onednn::LstmForward>},
      {"lstm_backward", "gemm and simd", 0, onednn::make<onednn::LstmBackwards>},
      {"gru", "gemm and simd", 0, onednn::make<onednn::GruForward>},
      {"gru_backward", "gemm and simd", 0, onednn::make<onednn::GruBackwards>},
  }};
  return table;
}

}  // namespace ocellus

// A session is a few programs compiled alike. The first packs the weights, the others read what it has packed; a caller takes a
// program that nobody is using and gives it back.

#include <ocellus/model/session.h>

#include <atomic>
#include <cstring>
#include <semaphore>
#include <thread>

#include <fmt/format.h>

#include <ocellus/base/threads.h>

#include "model/state.h"

namespace ocellus {
namespace {

/// The calling thread computes with `threads` threads while this lives.
class ThreadCount {
 public:
  explicit ThreadCount(int threads) : before_(num_threads()) { set_num_threads(threads); }
  ~ThreadCount() { set_num_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
};

int cores() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

}  // namespace

struct Session::Impl {
  struct Place {
    explicit Place(Program made) : program(std::move(made)) {}
    Program program;
    std::atomic<bool> taken = false;
  };

  /// A place is free as long as the lease lives: the semaphore lets in as many callers as there are places.
  class Lease {
   public:
    explicit Lease(Impl& impl) : impl_(impl) {
      impl_.free->acquire();
      size_t i = std::hash<std::thread::id>()(std::this_thread::get_id()) % impl_.places.size();
      while (impl_.places[i]->taken.exchange(true, std::memory_order_acquire)) i = (i + 1) % impl_.places.size();
      place_ = impl_.places[i].get();
    }
    ~Lease() {
      place_->taken.store(false, std::memory_order_release);
      impl_.free->release();
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Program& program() const { return place_->program; }

   private:
    Impl& impl_;
    Place* place_;
  };

  std::string name;
  std::vector<std::string> input_names;
  Types inputs, outputs;  // with open batches
  int64_t batch = 1;
  int threads = 1;
  std::vector<std::unique_ptr<Place>> places;
  std::unique_ptr<std::counting_semaphore<>> free;

  /// The number of samples, the same in all inputs.
  int64_t check(std::span<const Tensor> given) const;
  void run_rows(Program& program, std::span<const Tensor> given, int64_t begin, int64_t end,
                std::vector<Tensor>& results) const;
};

int64_t Session::Impl::check(std::span<const Tensor> given) const {
  if (given.size() != inputs.size())
    throw UsageError(fmt::format("model {} has {} inputs, got {}", name, inputs.size(), given.size()));
  for (size_t i = 0; i < given.size(); ++i) {
    const Tensor& t = given[i];
    const Shape& wanted = inputs[i].shape;
    bool fits = t && t.dtype() == inputs[i].dtype && t.shape().rank() == wanted.rank() && wanted.rank() > 0 &&
                t.shape()[0] > 0 && t.shape()[0] == given[0].shape()[0];
    for (size_t d = 0; fits && d < wanted.rank(); ++d) fits = wanted[d] == any_dim || wanted[d] == t.shape()[d];
    if (!fits)
      throw ShapeError("model", name,
                       fmt::format("input {} expects {}, got {}", input_names[i], to_string(inputs[i]),
                                   t ? to_string(TensorType{t.dtype(), t.shape()}) : "nothing"));
  }
  return given[0].shape()[0];
}

/// A last part that is smaller than the batch leaves samples of an earlier run behind it, whose results nobody takes.
void Session::Impl::run_rows(Program& program, std::span<const Tensor> given, int64_t begin, int64_t end,
                             std::vector<Tensor>& results) const {
  for (size_t i = 0; i < given.size(); ++i) {
    const Tensor part = given[i].rows(begin, end);
    std::memcpy(program.input(i).data(), part.data(), part.bytes());
  }
  program.run();
  for (size_t i = 0; i < results.size(); ++i) {
    const Tensor& out = program.output(i);
    const bool batched = outputs[i].shape.rank() > 0 && outputs[i].shape[0] == any_dim;
    if (batched)
      results[i].rows(begin, end).copy_from(out.rows(0, end - begin));
    else
      results[i].copy_from(out);
  }
}

Session::Session(const Model& model, const SessionConfig& config) : impl_(std::make_unique<Impl>()) {
  if (config.batch < 1 || config.callers < 0 || config.threads < 1)
    throw UsageError("a session has a batch and threads of at least 1, and callers of 0 or more");
  impl_->name = model.name();
  impl_->input_names = model.input_names();
  impl_->threads = config.threads;
  ProgramSpec spec;
  spec.graph.inputs = model.graph().inputs;
  spec.graph.outputs = model.graph().outputs;
  if (!config.outputs.empty()) spec.graph.outputs.clear();
  for (const std::string& name : config.outputs) spec.graph.outputs.push_back(model.value(name));
  impl_->batch = config.batch;
  for (const Value& v : spec.graph.inputs) {
    impl_->inputs.push_back(v.type());
    spec.inputs.push_back(with_batch(v.type(), config.batch));
    if (v.shape().rank() > 0 && v.shape()[0] != any_dim) impl_->batch = v.shape()[0];
  }
  for (const Value& v : spec.graph.outputs) impl_->outputs.push_back(v.type());

  const ThreadCount threads(config.threads);
  const int callers = config.callers > 0 ? config.callers : cores();
  CompileOptions options{.compute = model.precision()};
  if (const Calibration* calibration = model.calibration())
    options.calibration = std::make_shared<const Calibration>(*calibration);
  for (int i = 0; i < callers; ++i) {
    impl_->places.push_back(std::make_unique<Impl::Place>(compile(spec, *model.backend(), options)));
    options.packed = &impl_->places[0]->program;
  }
  impl_->places[0]->program.run();  // packs the weights
  impl_->free = std::make_unique<std::counting_semaphore<>>(callers);
}

Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

std::vector<Tensor> Session::run(std::span<const Tensor> inputs) const {
  const int64_t count = impl_->check(inputs);
  std::vector<Tensor> results;
  for (const TensorType& type : impl_->outputs) {
    const TensorType known = with_batch(type, count);
    results.emplace_back(known.dtype, known.shape);
  }
  const Impl::Lease lease(*impl_);
  const ThreadCount threads(impl_->threads);
  for (int64_t begin = 0; begin < count; begin += impl_->batch)
    impl_->run_rows(lease.program(), inputs, begin, std::min(count, begin + impl_->batch), results);
  return results;
}

Tensor Session::run(const Tensor& samples) const { return run(std::span(&samples, 1)).front(); }

size_t Session::bytes_of_caller() const { return impl_->places[0]->program.memory().arena_bytes; }

size_t Session::shared_bytes() const {
  const MemoryReport m = impl_->places[0]->program.memory();
  return m.parameter_bytes + m.packed_bytes;
}

}  // namespace ocellus

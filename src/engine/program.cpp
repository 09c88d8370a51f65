#include <ocellus/engine/program.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "engine/passes/passes.h"

namespace ocellus {
namespace {

using Place = Buffer::Place;
using Clock = std::chrono::steady_clock;

std::string layout_text(const LayoutPtr& layout) { return layout ? layout->to_string() : "plain"; }

bool finite(const float* data, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (!std::isfinite(data[i])) return false;
  return true;
}

const Calibration& calibration_of(const ProgramSpec& spec, const CompileOptions& options) {
  if (spec.mode != Mode::inference || !spec.wrt.empty())
    throw UsageError("programs compute in i8 for inference only: train in f32 or bf16");
  if (!options.calibration) throw UsageError("programs compute in i8 with a calibration: the ranges of activations");
  return *options.calibration;
}

}  // namespace

struct Program::Impl {
  Graph graph;
  Plan plan;
  CompileOptions options;
  size_t gradients = 0;  // how many of the last outputs are gradients
  Tensor step;           // i64 scalar: memory of the step input, or of its own
  std::shared_ptr<void> arena, packing;
  std::vector<std::shared_ptr<void>> kept;
  bool shares = false;           // kept memory is another program's, which also fills it
  std::vector<void*> addresses;  // per buffer
  std::vector<Tensor> outputs;
  std::vector<Kernel*> once, always;
  std::vector<double> milliseconds;      // per step
  uint64_t seen_version = ~uint64_t{0};  // no sum of versions: a program without parameters computes its constants too

  void allocate_memory();
  /// Takes over the kept memory of a program with the same plan; the steps that fill it stay with that one.
  void share_packed(const Impl& other);
  void bind();
  void refresh();
  void run();
  void finish();
  uint64_t version() const {
    uint64_t sum = 0;
    for (const ParameterPtr& p : plan.parameters) sum += p->version();
    return sum;
  }
  void poison() {
    if (!options.poison || plan.arena_bytes == 0) return;
    float* data = static_cast<float*>(arena.get());
    std::fill(data, data + plan.arena_bytes / sizeof(float), std::numeric_limits<float>::quiet_NaN());
  }
};

void Program::Impl::share_packed(const Impl& other) {
  const auto sizes = [](const Plan& plan) {
    std::vector<size_t> bytes;
    for (const Buffer& b : plan.buffers)
      if (b.place == Place::kept && b.alias == none) bytes.push_back(b.bytes);
    return bytes;
  };
  if (plan.steps.size() != other.plan.steps.size() || sizes(plan) != sizes(other.plan))
    throw UsageError("packed values can only be shared with a program of the same spec on the same backend");
  kept = other.kept;
}

void Program::Impl::allocate_memory() {
  if (shares) share_packed(*options.packed->impl_);
  size_t next_kept = 0;
  arena = allocate(plan.arena_bytes);
  if (!shares) packing = allocate(plan.packing_bytes);
  addresses.assign(plan.buffers.size(), nullptr);
  for (size_t b = 0; b < plan.buffers.size(); ++b) {
    Buffer& buffer = plan.buffers[b];
    if (buffer.alias != none) continue;
    switch (buffer.place) {
      case Place::arena: addresses[b] = static_cast<std::byte*>(arena.get()) + buffer.offset; break;
      case Place::packing: addresses[b] = static_cast<std::byte*>(packing.get()) + buffer.offset; break;
      case Place::input:
      case Place::constant: addresses[b] = buffer.tensor.data(); break;
      case Place::parameter: addresses[b] = buffer.parameter->data(); break;
      case Place::kept:
        if (!shares) kept.push_back(allocate(buffer.bytes));
        addresses[b] = kept[next_kept++].get();
        break;
    }
  }
  for (int b = 0; b < static_cast<int>(plan.buffers.size()); ++b)
    if (plan.buffers[static_cast<size_t>(b)].alias != none)
      addresses[static_cast<size_t>(b)] =
          static_cast<std::byte*>(addresses[static_cast<size_t>(plan.root(b))]) + plan.offset_in_root(b);
  for (int b : plan.outputs) {
    const Buffer& buffer = plan.buffers[static_cast<size_t>(b)];
    outputs.push_back(Tensor::view(buffer.type.dtype, buffer.type.shape, addresses[static_cast<size_t>(b)]));
  }
}

void Program::Impl::bind() {
  const auto at = [&](int b) { return b == none ? nullptr : addresses[static_cast<size_t>(b)]; };
  for (Step& step : plan.steps) {
    std::vector<void*> in, out;
    for (int b : step.inputs) in.push_back(at(b));
    for (int b : step.outputs) out.push_back(at(b));
    step.kernel.kernel->bind(in, out, at(step.scratch));
    if (!step.once)
      always.push_back(step.kernel.kernel.get());
    else if (!shares)
      once.push_back(step.kernel.kernel.get());
  }
  milliseconds.assign(plan.steps.size(), 0);
}

/// Recomputes what depends on parameters alone, if any of them changed.
void Program::Impl::refresh() {
  if (once.empty()) return;
  const uint64_t now = version();
  if (now == seen_version) return;
  for (Kernel* kernel : once) kernel->run();
  seen_version = now;
}

/// Parameter updates happen at the end, when nobody reads the old values any more.
void Program::Impl::finish() {
  for (const auto& [parameter, b] : plan.updates) {
    std::memcpy(parameter->data(), addresses[static_cast<size_t>(b)], parameter->storage_bytes());
    parameter->touch();
  }
  ++step.as<int64_t>()[0];
}

void Program::Impl::run() {
  refresh();
  poison();
  for (Kernel* kernel : always) kernel->run();
  finish();
}

Program::Program(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Program::Program(Program&&) noexcept = default;
Program& Program::operator=(Program&&) noexcept = default;
Program::~Program() = default;

Tensor& Program::input(size_t i) { return impl_->plan.buffers[static_cast<size_t>(impl_->plan.inputs.at(i))].tensor; }

const Tensor& Program::output(size_t i) const { return impl_->outputs.at(i); }

std::span<float> Program::gradient(size_t i) const {
  const int b = impl_->plan.outputs.at(impl_->plan.outputs.size() - impl_->gradients + i);
  const Buffer& buffer = impl_->plan.buffers[static_cast<size_t>(b)];
  return {static_cast<float*>(impl_->addresses[static_cast<size_t>(b)]), buffer.bytes / sizeof(float)};
}

void Program::run() { impl_->run(); }

void Program::profile(int times) {
  Impl& p = *impl_;
  std::fill(p.milliseconds.begin(), p.milliseconds.end(), 0);
  p.refresh();
  for (int t = 0; t < times; ++t) {
    p.poison();
    for (size_t s = 0; s < p.plan.steps.size(); ++s) {
      if (p.plan.steps[s].once && (t > 0 || p.shares)) continue;
      const auto start = Clock::now();
      p.plan.steps[s].kernel.kernel->run();
      const double ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
      p.milliseconds[s] += p.plan.steps[s].once ? ms : ms / times;
    }
    p.finish();
  }
}

int64_t Program::step() const { return impl_->step.as<int64_t>()[0]; }

void Program::set_step(int64_t step) { impl_->step.as<int64_t>()[0] = step; }

std::vector<StepReport> Program::report() const {
  std::vector<StepReport> rows;
  const Plan& plan = impl_->plan;
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    const Step& step = plan.steps[s];
    StepReport row;
    row.op = step.node ? std::string(step.node->op().name()) : "reorder";
    row.layer = step.layer;
    row.kernel = step.kernel.name + (step.once ? " (once)" : step.again ? " (again)" : "");
    row.milliseconds = impl_->milliseconds[s];
    if (step.node) row.macs = step.node->op().macs(step.node->input_types(), step.node->types());
    const auto list = [&](const std::vector<int>& buffers, std::string& layouts, std::string& shapes) {
      for (int b : buffers) {
        if (b == none) continue;
        const Buffer& buffer = plan.buffers[static_cast<size_t>(b)];
        layouts += (layouts.empty() ? "" : ", ") + layout_text(buffer.layout);
        shapes += (shapes.empty() ? "" : ", ") + buffer.type.shape.to_string();
        row.bytes += buffer.bytes;
      }
    };
    std::string out_layouts, out_shapes;
    list(step.inputs, row.layouts, row.shapes);
    list(step.outputs, out_layouts, out_shapes);
    row.layouts += " -> " + out_layouts;
    row.shapes += " -> " + out_shapes;
    for (const Refusal& r : step.refusals) row.refusals.push_back(r.kernel + ": " + r.reason);
    rows.push_back(std::move(row));
  }
  return rows;
}

MemoryReport Program::memory() const {
  MemoryReport m;
  m.arena_bytes = impl_->plan.arena_bytes;
  m.live_bytes = impl_->plan.live_bytes;
  for (const ParameterPtr& p : impl_->plan.parameters) m.parameter_bytes += p->storage_bytes();
  for (const Buffer& b : impl_->plan.buffers)
    if (b.place == Place::kept && b.alias == none) m.packed_bytes += b.bytes;
  if (impl_->packing) m.packed_bytes += impl_->plan.packing_bytes;
  return m;
}

const Graph& Program::graph() const { return impl_->graph; }

std::string Program::first_non_finite() {
  Impl& p = *impl_;
  for (const ParameterPtr& parameter : p.plan.parameters)
    if (!finite(parameter->flat().data(), parameter->flat().size())) return "parameter " + parameter->path();
  p.refresh();
  p.poison();
  for (Step& step : p.plan.steps) {
    if (step.once && p.shares) continue;
    if (!step.once) step.kernel.kernel->run();
    for (int b : step.outputs) {
      if (b == none || !step.node) continue;
      const Buffer& buffer = p.plan.buffers[static_cast<size_t>(b)];
      const auto* data = static_cast<const float*>(p.addresses[static_cast<size_t>(b)]);
      if (buffer.type.dtype == DType::f32 && !finite(data, buffer.bytes / sizeof(float)))
        return std::string(step.node->op().name()) + (step.layer.empty() ? "" : " " + step.layer);
    }
  }
  return "";
}

std::span<const std::string_view> enum_names(Pass) {
  static constexpr std::array<std::string_view, 5> names = {"simplify", "share", "decompose", "chain", "schedule"};
  return names;
}

namespace {

bool wants(const CompileOptions& options, Pass pass) {
  return std::ranges::find(options.skip, pass) == options.skip.end();
}

Graph shared(const Graph& graph, const CompileOptions& options) {
  return wants(options, Pass::share) ? passes::share(graph) : graph;
}

Graph tidy(const Graph& graph, const CompileOptions& options, bool differentiated) {
  return shared(wants(options, Pass::simplify) ? passes::simplify(graph, differentiated) : graph, options);
}

Graph in_precision(const Graph& graph, const ProgramSpec& spec, const CompileOptions& options) {
  switch (options.compute) {
    case DType::f32: return graph;
    case DType::bf16: return shared(passes::precision(graph, DType::bf16), options);
    case DType::i8: return shared(passes::quantize(graph, calibration_of(spec, options)), options);
    default: throw UsageError("programs compute in f32, bf16 or i8, not in " + std::string(to_string(options.compute)));
  }
}

}  // namespace

passes::Prepared passes::prepare(const ProgramSpec& spec, const CompileOptions& options) {
  const auto results = static_cast<std::ptrdiff_t>(spec.graph.outputs.size());
  Graph graph = spec.graph;
  graph.outputs.insert(graph.outputs.end(), spec.wrt.begin(), spec.wrt.end());
  graph = tidy(specialise(graph, spec.inputs, spec.mode), options, false);
  if (options.fuse) {
    const ValueSet wanted(graph.outputs.begin() + results, graph.outputs.end());
    graph = fuse(fold_padding(graph, wanted), wanted);
  }
  Values wrt(graph.outputs.begin() + results, graph.outputs.end());
  graph.outputs.resize(static_cast<size_t>(results));
  if (!wrt.empty()) graph = differentiate(graph, wrt);
  return {tidy(graph, options, true), std::move(wrt)};
}

Program compile(const ProgramSpec& spec, Backend& backend, const CompileOptions& options) {
  auto [graph, wrt] = passes::prepare(spec, options);
  graph = in_precision(graph, spec, options);
  if (wants(options, Pass::decompose))
    graph = shared(passes::decompose(graph, backend, spec.mode == Mode::train), options);
  if (options.fuse && wants(options, Pass::chain)) graph = passes::chain(graph);
#ifndef NDEBUG
  verify(graph);
#endif

  auto impl = std::make_unique<Program::Impl>();
  impl->plan = passes::choose_layouts(graph, backend, spec.mode, wrt);
  if (wants(options, Pass::schedule)) passes::schedule(impl->plan);
  if (options.memory_limit > 0) passes::recompute(impl->plan, backend, spec.mode, options.memory_limit);
  passes::plan_memory(impl->plan);
  impl->graph = std::move(graph);
  impl->options = options;
  impl->shares = options.packed != nullptr;
  impl->gradients = wrt.size();
  impl->allocate_memory();
  const bool counted = impl->plan.inputs.size() > spec.inputs.size();
  impl->step =
      counted ? impl->plan.buffers[static_cast<size_t>(impl->plan.inputs.back())].tensor : Tensor(DType::i64, {});
  impl->bind();
  impl->options.packed = nullptr;
  return Program(std::move(impl));
}

std::string to_text(std::span<const StepReport> steps) {
  std::string text = fmt::format("{:<28} {:<22} {:<24} {:>9} {:>9} {:>9}  {}\n", "layer", "operator", "kernel", "ms",
                                 "GFLOP/s", "MB", "layouts");
  double total = 0;
  for (const StepReport& s : steps) {
    const double gflops = s.milliseconds > 0 ? 2e-6 * static_cast<double>(s.macs) / s.milliseconds : 0;
    text += fmt::format("{:<28} {:<22} {:<24} {:>9.3f} {:>9} {:>9.2f}  {}\n", s.layer, s.op, s.kernel, s.milliseconds,
                        s.macs > 0 ? fmt::format("{:.1f}", gflops) : "", static_cast<double>(s.bytes) / 1e6, s.layouts);
    for (const std::string& r : s.refusals) text += fmt::format("{:<28}   not {}\n", "", r);
    total += s.milliseconds;
  }
  return text + fmt::format("{:<28} {:<22} {:<24} {:>9.3f}\n", "total", "", "", total);
}

}  // namespace ocellus

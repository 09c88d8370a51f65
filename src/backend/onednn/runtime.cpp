#include "backend/onednn/runtime.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include <ocellus/base/threads.h>
#include <ocellus/tensor/tensor.h>

namespace ocellus::onednn {
namespace {

std::string isa_name() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41: return "sse41";
    case dnnl::cpu_isa::avx: return "avx";
    case dnnl::cpu_isa::avx2: return "avx2";
    case dnnl::cpu_isa::avx2_vnni: return "avx2_vnni";
    case dnnl::cpu_isa::avx512_core: return "avx512_core";
    case dnnl::cpu_isa::avx512_core_vnni: return "avx512_core_vnni";
    case dnnl::cpu_isa::avx512_core_bf16: return "avx512_core_bf16";
    default: return fmt::format("isa{:x}", static_cast<unsigned>(dnnl::get_effective_cpu_isa()));
  }
}

/// Asks how a convolution in the middle of a network would like its input.
int64_t probe_channel_block(const dnnl::engine& engine) {
  using tag = dnnl::memory::format_tag;
  const auto any = [](const Dims& dims) { return Desc(dims, dnnl::memory::data_type::f32, tag::any); };
  const dnnl::convolution_forward::desc desc(dnnl::prop_kind::forward_training, dnnl::algorithm::convolution_direct,
                                             any({1, 32, 8, 8}), any({32, 32, 3, 3}), any({1, 32, 8, 8}), {1, 1},
                                             {1, 1}, {1, 1});
  const auto& blocking = dnnl::convolution_forward::primitive_desc(desc, engine).src_desc().data.format_desc.blocking;
  return blocking.inner_nblks == 1 ? blocking.inner_blks[0] : 1;
}

double seconds_of(const dnnl::primitive& primitive, dnnl_stream_t stream, const std::vector<dnnl_exec_arg_t>& args) {
  const auto start = std::chrono::steady_clock::now();
  dnnl::error::wrap_c_api(dnnl_primitive_execute(primitive.get(), stream, static_cast<int>(args.size()), args.data()),
                          "a primitive failed while it was timed");
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The best of at least three times, and of more until the best two agree: on a busy machine most runs are interrupted.
/// Short runs are repeated in any case.
template <class F>
double settled(F&& seconds) {
  constexpr int least_runs = 3, most_runs = 60;
  constexpr double least_total = 4e-3, most_total = 0.25, agreement = 1.05;
  double best = seconds(), next = std::numeric_limits<double>::infinity(), total = best;
  for (int run = 1; run < most_runs; ++run) {
    if (run >= least_runs && (total > most_total || (total > least_total && next < agreement * best))) break;
    const double time = seconds();
    next = std::min(next, std::max(best, time));
    best = std::min(best, time);
    total += time;
  }
  return best;
}

}  // namespace

Runtime::Runtime()
    : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_), channel_block_(probe_channel_block(engine_)) {}

std::string Runtime::machine() const { return fmt::format("{}, {} threads", isa_name(), num_threads()); }

double Runtime::measure(const dnnl::primitive& primitive, const std::vector<std::pair<int, Desc>>& args) {
  std::vector<std::shared_ptr<void>> buffers;
  std::vector<dnnl::memory> memories;
  std::vector<dnnl_exec_arg_t> exec;
  for (const auto& [id, desc] : args) {
    if (desc.get_size() == 0) continue;
    buffers.push_back(allocate(desc.get_size()));
    memories.emplace_back(desc, engine_, buffers.back().get());
    exec.push_back({id, memories.back().get()});
  }
  count_primitive();
  seconds_of(primitive, stream(), exec);  // touches the memory for the first time
  return settled([&] { return seconds_of(primitive, stream(), exec); });
}

double Runtime::measure(const std::function<void()>& run) const {
  run();
  return settled([&] {
    const auto start = std::chrono::steady_clock::now();
    run();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  });
}

dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

}  // namespace ocellus::onednn

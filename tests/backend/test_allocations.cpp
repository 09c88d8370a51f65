// A program's run allocates nothing and creates no primitive. The allocator is replaced by one that can keep a record of who called
// it; what oneDNN allocates inside itself for each call (a small map of arguments) is told apart by the caller's address.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include <ocellus/backend/backends.h>
#include <ocellus/engine/program.h>
#include <ocellus/ops/conv.h>
#include <ocellus/ops/dense.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/norm.h>
#include <ocellus/ops/pool.h>
#include <ocellus/ops/shape.h>
#include <ocellus/ops/softmax.h>

#include "backend/onednn/onednn_backend.h"

namespace {

std::atomic<bool> recording{false};
std::atomic<size_t> calls{0};
std::array<std::atomic<void*>, 4096> callers;

void* record_and_try(size_t bytes, void* caller) noexcept {
  if (recording) {
    const size_t i = calls++;
    if (i < callers.size()) callers[i] = caller;
  }
  return std::malloc(bytes == 0 ? 1 : bytes);
}

void* record_and_allocate(size_t bytes, void* caller) {
  if (void* memory = record_and_try(bytes, caller)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(size_t bytes) { return record_and_allocate(bytes, __builtin_return_address(0)); }
void* operator new[](size_t bytes) { return record_and_allocate(bytes, __builtin_return_address(0)); }
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return record_and_try(bytes, __builtin_return_address(0));
}
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept {
  return record_and_try(bytes, __builtin_return_address(0));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

namespace ocellus {
namespace {

struct Counts {
  size_t ours = 0, library = 0;
};

/// Allocations of `f`, by whether their caller lies in oneDNN.
template <class F>
Counts count_allocations(const F& f) {
  calls = 0;
  recording = true;
  f();
  recording = false;
  Counts counts;
  for (size_t i = 0; i < std::min<size_t>(calls, callers.size()); ++i) {
    Dl_info info{};
    const bool known = ::dladdr(callers[i], &info) != 0 && info.dli_fname != nullptr;
    ++(known && std::string(info.dli_fname).find("libdnnl") != std::string::npos ? counts.library : counts.ours);
  }
  if (calls > callers.size()) counts.ours += calls - callers.size();
  return counts;
}

Value learnt(Values& all, const Shape& shape, ParamRole role, float value) {
  auto p = std::make_shared<Parameter>("p" + std::to_string(all.size()), shape, role, nullptr, nullptr);
  p->set_value(Tensor::full(DType::f32, shape, value));
  return all.emplace_back(parameter(p));
}

/// Convolutions small and large, batch normalisation, a residual, pooling, dropout, dense layers and a loss.
ProgramSpec network(Mode mode) {
  Values all, learning;
  const Value x = input("x", {DType::f32, {any_dim, 3, 16, 16}}), labels = input("labels", {DType::i32, {any_dim}});
  Value y = ops::conv(x, learnt(all, {6, 3, 5, 5}, ParamRole::kernel, 0.01f), learnt(all, {6}, ParamRole::bias, 0),
                      {.window = {.padding = same}, .activation = relu});
  y = ops::conv(y, learnt(all, {32, 6, 3, 3}, ParamRole::kernel, 0.02f), {}, {.window = {.padding = same}});
  const Value block = ops::conv(y, learnt(all, {32, 32, 3, 3}, ParamRole::kernel, 0.01f), {}, {.window = {.padding = same}});
  const Values norm = {learnt(all, {32}, ParamRole::norm_scale, 1), learnt(all, {32}, ParamRole::norm_offset, 0)};
  Values statistics;
  const Value mean = learnt(statistics, {32}, ParamRole::statistic, 0), var = learnt(statistics, {32}, ParamRole::statistic, 1);
  y = ops::activation(ops::add(ops::batch_norm(block, {norm[0], norm[1], mean, var}), y), relu);
  y = ops::max_pool(y, {.kernel = {2, 2}, .window = {.stride = {}}});
  y = ops::dropout(ops::flatten(ops::global_average_pool(y)), 0.25, 3);
  y = ops::dense(y, learnt(all, {10, 32}, ParamRole::kernel, 0.1f), learnt(all, {10}, ParamRole::bias, 0));
  ProgramSpec spec;
  spec.graph.inputs = {x, labels};
  spec.graph.outputs = {ops::softmax_cross_entropy(y, labels)[0], y};
  spec.inputs = {{DType::f32, {8, 3, 16, 16}}, {DType::i32, {8}}};
  spec.mode = mode;
  if (mode == Mode::train) spec.wrt = all;
  return spec;
}

class Allocations : public ::testing::TestWithParam<Mode> {};

TEST_P(Allocations, RunAllocatesNothingAndCreatesNoPrimitive) {
  const auto backend = make_backend("onednn", {.algorithms = Algorithms::standard});
  Program program = compile(network(GetParam()), *backend);
  program.run();
  program.run();
  const auto& onednn = dynamic_cast<const onednn::OneDnnBackend&>(*backend);
  const int64_t primitives = onednn.runtime()->primitives();
  const Counts counts = count_allocations([&] {
    for (int i = 0; i < 3; ++i) program.run();
  });
  EXPECT_EQ(counts.ours, 0u);
  EXPECT_EQ(onednn.runtime()->primitives(), primitives);
  EXPECT_GT(primitives, 0);
  RecordProperty("allocations_inside_onednn_per_run", static_cast<int>(counts.library / 3));
}

TEST(Allocations, AreSeen) {
  const Counts counts = count_allocations([] { delete new std::string(100, 'x'); });
  EXPECT_GE(counts.ours, 1u);
}

INSTANTIATE_TEST_SUITE_P(Modes, Allocations, ::testing::Values(Mode::inference, Mode::train),
                         [](const auto& info) { return info.param == Mode::train ? "train" : "inference"; });

}  // namespace
}  // namespace ocellus

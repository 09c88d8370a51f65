// Tables of op_check's cases: how long each takes on every backend, and which kernels take it (test_engine --mode).
#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include <ocellus/backend/backends.h>

#include "engine/op_setting.h"

namespace ocellus::op_check {
namespace {

using Clock = std::chrono::steady_clock;

/// "Dense/wide".
std::string name_of(const OpCase& c) {
  const std::string suite = ::testing::UnitTest::GetInstance()->current_test_info()->test_suite_name();
  return suite.substr(0, suite.find('/') + 1) + c.name;
}

/// Calls f(backend's name, "alone" or "in network", program) for each backend of the build.
template <class F>
void for_programs(const OpCase& c, F f) {
  for (const std::string& name : backend_names()) {
    const BackendPtr backend = make_backend(name);
    const auto compiled = [&](const Setting& s, const char* where) {
      Program program = compile(s.spec(), *backend);
      for (size_t i = 0; i < s.fed.size(); ++i) program.input(i).copy_from(s.fed[i]);
      f(name, where, program);
    };
    compiled(alone(c), "alone");
    compiled(in_network(c, 0, parameters_of(c)), "in network");
  }
}

/// The median of the runs that fit into 5 ms, of at least 5 and at most 500.
double median_microseconds(Program& program) {
  program.run();
  std::vector<double> times;
  const Clock::time_point end = Clock::now() + std::chrono::milliseconds(5);
  while (times.size() < 5 || (times.size() < 500 && Clock::now() < end)) {
    const Clock::time_point begin = Clock::now();
    program.run();
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
  }
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::ranges::nth_element(times, middle);
  return *middle;
}

/// "dense onednn gemm, relu simd": each once.
std::string kernels_of(const Program& program) {
  std::vector<std::string> kernels;
  for (const StepReport& step : program.report()) {
    const std::string kernel = step.op + " " + step.kernel;
    if (std::ranges::find(kernels, kernel) == kernels.end()) kernels.push_back(kernel);
  }
  return fmt::format("{}", fmt::join(kernels, ", "));
}

std::string times_row(std::string_view name, std::string_view backend, std::string_view where, std::string_view us,
                      std::string_view kernels) {
  return fmt::format("{:<46} {:<10} {:<10} {:>10}  {}\n", name, backend, where, us, kernels);
}

std::string kernels_row(std::string_view name, std::string_view backend, std::string_view where,
                        const StepReport& step) {
  return fmt::format("{:<46} {:<10} {:<10} {:<31} {:<32} {}\n", name, backend, where, step.op, step.kernel,
                     fmt::join(step.refusals, "; "));
}

}  // namespace

std::string times_header() { return times_row("case", "backend", "where", "us", "kernels"); }

std::string kernels_header() {
  return kernels_row("case", "backend", "where", {.op = "operator", .kernel = "kernel", .refusals = {"refused by"}});
}

}  // namespace ocellus::op_check

namespace oc = ocellus::op_check;

TEST_P(OpCheck, PrintsTimes) {
  oc::for_programs(GetParam(), [&](const std::string& backend, const char* where, ocellus::Program& program) {
    const std::string us = fmt::format("{:.1f}", oc::median_microseconds(program));
    fmt::print("{}", oc::times_row(oc::name_of(GetParam()), backend, where, us, oc::kernels_of(program)));
  });
}

TEST_P(OpCheck, PrintsKernels) {
  oc::for_programs(GetParam(), [&](const std::string& backend, const char* where, const ocellus::Program& program) {
    for (const ocellus::StepReport& step : program.report())
      fmt::print("{}", oc::kernels_row(oc::name_of(GetParam()), backend, where, step));
  });
}

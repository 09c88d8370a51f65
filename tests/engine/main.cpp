// The program of the engine's tests: the case tables of op_check serve as tests and as tables (--mode).
//
// Whatever a mode leaves out is added to the part of GoogleTest's filter that excludes, so that a filter given by the
// user narrows every mode.
#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "engine/op_setting.h"

namespace {

enum class Mode { test, grad, perf, support };

constexpr const char* help = R"(test_engine [--mode=MODE] [--gtest_filter=PATTERN] ...

  --mode=test      runs every test (default)
  --mode=grad      runs the comparisons of gradients with central differences only
  --mode=perf      prints, for each case of op_check and each backend, the median microseconds of a run and the kernels
  --mode=support   prints, for each case of op_check and each backend, the kernel that takes each operator ("reference"
                   where none does) and why the others refused

A case runs alone, as in prediction, and in a network with its gradients. --gtest_filter='Dense/*' keeps to one family's
cases, --gtest_filter='*/wide' to one case. On a machine with other work, OMP_NUM_THREADS=1 makes times steadier.
GoogleTest's own options follow.

)";

std::optional<Mode> mode_called(std::string_view name) {
  if (name == "test") return Mode::test;
  if (name == "grad") return Mode::grad;
  if (name == "perf") return Mode::perf;
  if (name == "support") return Mode::support;
  return std::nullopt;
}

bool belongs(Mode mode, std::string_view test) {
  switch (mode) {
    case Mode::grad: return test == "GradientAgreesWithDifferences";
    case Mode::perf: return test == "PrintsTimes";
    case Mode::support: return test == "PrintsKernels";
    default: return test != "PrintsTimes" && test != "PrintsKernels";
  }
}

/// `filter`, less the tests that don't belong to the mode.
std::string narrowed(std::string filter, Mode mode) {
  std::set<std::string> excluded;
  const auto& tests = *testing::UnitTest::GetInstance();
  for (int s = 0; s < tests.total_test_suite_count(); ++s) {
    const auto& suite = *tests.GetTestSuite(s);
    for (int t = 0; t < suite.total_test_count(); ++t) {
      const std::string_view test = suite.GetTestInfo(t)->name();
      const std::string_view name = test.substr(0, test.find('/'));  // the rest is the case
      if (!belongs(mode, name)) excluded.insert(fmt::format("{}.{}{}", suite.name(), name, name == test ? "" : "/*"));
    }
  }
  if (excluded.empty()) return filter;
  filter += filter.find('-') == std::string::npos ? '-' : ':';
  return filter + fmt::format("{}", fmt::join(excluded, ":"));
}

/// Of a table's run, says only what failed.
class Failures : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (result.failed()) std::fprintf(stderr, "%s\n", result.message());
  }
};

void print_table(Mode mode) {
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new Failures);
  std::fputs((mode == Mode::perf ? ocellus::op_check::times_header() : ocellus::op_check::kernels_header()).c_str(),
             stdout);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (std::string_view(argv[i]) == "--help" || std::string_view(argv[i]) == "-h") std::fputs(help, stdout);
  testing::InitGoogleTest(&argc, argv);
  Mode mode = Mode::test;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--help" || argument == "-h") continue;
    const auto given = argument.starts_with("--mode=") ? mode_called(argument.substr(7)) : std::nullopt;
    if (!given) {
      std::fprintf(stderr, "test_engine: unknown argument '%s'; see --help\n", argv[i]);
      return 2;
    }
    mode = *given;
  }
  GTEST_FLAG_SET(filter, narrowed(GTEST_FLAG_GET(filter), mode));
  if ((mode == Mode::perf || mode == Mode::support) && !GTEST_FLAG_GET(list_tests)) print_table(mode);
  return RUN_ALL_TESTS();
}

// Random graphs, compiled in every way that there is, against the reference interpreter.
//
// In the tests a fixed list of seeds is gone through for some seconds; `make fuzz` goes on for FUZZ_SECONDS from a fresh seed.
// What fails is made smaller and printed as text, and `test_fuzz --seed=N` does it again.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <random>
#include <string_view>

#include <fmt/format.h>

#include <ocellus/engine/reference.h>

#include "fuzz/check.h"
#include "fuzz/shrink.h"

namespace ocellus::fuzz {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct Counts {
  int graphs = 0, programs = 0, compared = 0, undecided = 0, failures = 0;
};

/// The plain ways, which every graph is compiled in, and some of the others.
std::vector<Setup> setups(uint64_t seed) {
  std::vector<Setup> list = {{.mode = Mode::inference}, {.mode = Mode::train}};
  Rng rng(seed, 0x5e7);
  for (int i = 0; i < 6; ++i) list.push_back(any_setup(rng));
  return list;
}

std::string story(uint64_t seed, const Setup& setup, const RandomGraph& whole) {
  Checker first(whole);
  std::string text = fmt::format("test_fuzz --seed={}\n{}\n{}\n{}\n", seed, to_text(setup), first.check(setup).failure,
                                 to_text(whole.graph));
  const RandomGraph small =
      shrink(whole, [&](const RandomGraph& g) { return !Checker(g).check(setup).failure.empty(); });
  Checker last(small);
  return text + fmt::format("made smaller:\n{}\n{}", last.check(setup).failure, to_text(small.graph));
}

void check_seed(uint64_t seed, Counts& counts) {
  const RandomGraph graph = random_graph(seed);
  Checker checker(graph);
  ++counts.graphs;
  for (const Setup& setup : setups(seed)) {
    const Verdict verdict = checker.check(setup);
    ++counts.programs;
    counts.compared += verdict.compared;
    counts.undecided += verdict.undecided;
    if (verdict.failure.empty()) continue;
    ++counts.failures;
    std::printf("seed %llu, %s:\n%s\n", static_cast<unsigned long long>(seed), to_text(setup).c_str(),
                verdict.failure.c_str());
    ADD_FAILURE() << story(seed, setup, graph);
    return;
  }
}

Counts check_seeds(uint64_t first, double seconds, int most) {
  Counts counts;
  const auto start = Clock::now();
  while (counts.graphs < most && seconds_since(start) < seconds)
    check_seed(first + static_cast<uint64_t>(counts.graphs), counts);
  std::printf("%d graphs in %d programs, seeds %llu to %llu: %d results compared, %d undecided, %d graphs failed\n",
              counts.graphs, counts.programs, static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(first) + static_cast<unsigned long long>(counts.graphs) - 1,
              counts.compared, counts.undecided, counts.failures);
  return counts;
}

/// What the command line asks for instead of the tests.
struct Request {
  std::optional<uint64_t> seed;
  double seconds = 0;
  bool show = false;
};

int fulfil(const Request& r) {
  const uint64_t seed = r.seed ? *r.seed : std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  if (r.show) {
    std::puts(to_text(random_graph(seed).graph).c_str());
    for (const Setup& setup : setups(seed)) std::puts(to_text(setup).c_str());
  }
  const Counts counts = r.seconds > 0 ? check_seeds(seed, r.seconds, 1 << 30) : check_seeds(seed, 1e9, 1);
  return counts.failures == 0 ? 0 : 1;
}

TEST(Fuzz, RandomGraphsAgreeWithTheReference) {
  const Counts counts = check_seeds(1, 10, 40);
  EXPECT_GT(counts.graphs, 0);
  // Tolerances that follow the graph must not excuse everything.
  EXPECT_LT(counts.undecided, counts.compared / 4);
}

/// x, and in single precision a little more.
class SlightlyWrong final : public Op {
 public:
  std::string_view name() const override { return "slightly_wrong"; }
  Types infer(std::span<const TensorType> inputs) const override { return {inputs[0]}; }
  Values gradient(GradCtx& ctx) const override { return {ctx.dout()}; }
  void eval(EvalCtx& ctx) const override {
    with_real(ctx.out(), [&]<class T>(T) {
      for (size_t i = 0; i < ctx.out().as<T>().size(); ++i)
        ctx.out().as<T>()[i] = ctx.in(0).as<T>()[i] + (sizeof(T) == 4 ? T(1e-3) : T(0));
    });
  }
};

TEST(Fuzz, FindsAWrongOperatorAndCutsItOut) {
  for (const uint64_t seed : {3, 4, 5}) {
    RandomGraph g = random_graph(seed);
    const auto nodes = g.graph.order();
    const auto middle = std::ranges::find_if(nodes, [&](const auto& n) {
      return n->types()[0].dtype == DType::f32 && !n->inputs().empty() && n->types()[0].shape.rank() > 1;
    });
    ASSERT_NE(middle, nodes.end());
    Checker right(g);
    EXPECT_EQ(right.check({}).failure, "");
    g.graph.outputs = {g.graph.outputs[0], apply(SlightlyWrong(), {Value(*middle, 0)})};
    Checker wrong(g);
    EXPECT_THAT(wrong.check({}).failure, testing::HasSubstr("output 1: off by 0.00"));
    const RandomGraph small = shrink(g, [](const RandomGraph& c) { return !Checker(c).check({}).failure.empty(); });
    EXPECT_THAT(to_text(small.graph), testing::HasSubstr("slightly_wrong"));
    EXPECT_LE(small.graph.order().size(), 5u) << to_text(small.graph);  // input, it, and its loss
  }
}

TEST(Fuzz, SeedsMakeTheSameGraphs) {
  for (uint64_t seed = 100; seed < 120; ++seed) {
    const RandomGraph a = random_graph(seed), b = random_graph(seed);
    EXPECT_NO_THROW(verify(a.graph));
    ASSERT_EQ(a.graph.order().size(), b.graph.order().size());
    const auto of_a = evaluate(a.graph, a.fed), of_b = evaluate(b.graph, b.fed);
    for (size_t i = 0; i < of_a.size(); ++i)
      for (int64_t e = 0; e < of_a[i].numel(); ++e) ASSERT_EQ(of_a[i].at(e), of_b[i].at(e)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace ocellus::fuzz

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // so that a crash leaves what was said before it
  ocellus::fuzz::Request request;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with("--seed=")) {
      request.seed = std::stoull(argument.substr(7));
    } else if (argument.starts_with("--seconds=")) {
      request.seconds = std::stod(argument.substr(10));
    } else if (argument == "--show") {
      request.show = true;
    } else {
      std::fprintf(stderr, "test_fuzz: unknown argument '%s': there are --seed=N, --seconds=S and --show\n", argv[i]);
      return 2;
    }
  }
  if (request.seed || request.seconds > 0) return ocellus::fuzz::fulfil(request);
  return RUN_ALL_TESTS();
}

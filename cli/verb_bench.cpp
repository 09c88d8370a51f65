// ocellus bench MODEL: how long each layer takes, how near it is to the machine's peak, and how much memory a run
// needs.

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ocellus/backend/peak.h>
#include <ocellus/base/error.h>
#include <ocellus/base/threads.h>
#include <ocellus/zoo/zoo.h>

#include "common.h"
#include "comparison.h"
#include "verb.h"

namespace cli {
namespace {

using namespace ocellus;

struct State {
  std::string model, memory_limit, chart;
  int64_t batch = 1, repeat = 0;
  bool train = false, json = false, compare = false;
  Machine machine;
};

struct Timing {
  double median = 0, best = 0, worst = 0;  // ms
};

/// Runs for about a second, at least ten times.
Timing time_runs(Program& program, int64_t repeat) {
  using Clock = std::chrono::steady_clock;
  const auto run = [&] {
    const auto start = Clock::now();
    program.run();
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  };
  run();
  const double first = run();
  if (repeat <= 0) repeat = std::clamp<int64_t>(static_cast<int64_t>(1000 / std::max(first, 1e-3)), 10, 2000);
  std::vector<double> times;
  for (int64_t i = 0; i < repeat; ++i) times.push_back(run());
  std::ranges::sort(times);
  return {times[times.size() / 2], times.front(), times.back()};
}

void fill_inputs(Program& program, const Graph& graph) {
  Rng rng(1);
  for (float& v : program.input(0).as<float>()) v = rng.uniform();
  for (size_t i = 1; i < graph.inputs.size(); ++i)
    if (program.input(i).dtype() == DType::f32)
      for (float& v : program.input(i).as<float>()) v = rng.uniform();
}

nlohmann::ordered_json as_json(const State& s, const Timing& t, const std::vector<StepReport>& steps,
                               const MemoryReport& m, double peak, double gflops) {
  nlohmann::ordered_json j = {{"model", s.model},
                              {"batch", s.batch},
                              {"train", s.train},
                              {"threads", num_threads()},
                              {"ms", {{"median", t.median}, {"min", t.best}, {"max", t.worst}}},
                              {"images_per_second", 1000.0 * static_cast<double>(s.batch) / t.median},
                              {"gflops", gflops},
                              {"peak_gflops", peak},
                              {"share_of_peak", gflops / peak},
                              {"memory",
                               {{"arena_bytes", m.arena_bytes},
                                {"live_bytes", m.live_bytes},
                                {"parameter_bytes", m.parameter_bytes},
                                {"packed_bytes", m.packed_bytes}}}};
  for (const StepReport& r : steps)
    j["layers"].push_back({{"layer", r.layer},
                           {"op", r.op},
                           {"kernel", r.kernel},
                           {"layouts", r.layouts},
                           {"shapes", r.shapes},
                           {"ms", r.milliseconds},
                           {"macs", r.macs},
                           {"bytes", r.bytes},
                           {"refusals", r.refusals}});
  return j;
}

/// Ranges for a network that has none: its accuracy would be worth nothing, its times are what they are.
void calibrate_on_noise(Model& model, const Machine& machine) {
  model.set_backend(machine.open());
  Shape shape = model.graph().inputs.front().shape();
  shape = shape.with(0, 1);
  Tensor x(DType::f32, shape);
  Rng rng(1);
  for (float& v : x.as<float>()) v = rng.uniform();
  model.set_calibration(model.calibrate(data::InMemory({.inputs = x}), {.calibration = {CalibrationMethod::minmax}}));
}

/// The comparison has works of its own, with batches, precisions and algorithms that are the same for all.
int compare(const State& s) {
  const State usual;
  if (s.batch != usual.batch || s.repeat != usual.repeat || s.json || !s.memory_limit.empty() ||
      !s.machine.backend.empty() || !s.machine.dtype.empty() || s.machine.algorithms != usual.machine.algorithms)
    throw UsageError(
        "--compare measures as bench/compare.py does: of the other options it takes --train, --chart and "
        "--threads");
  const std::string chart = s.chart.empty() ? s.model + (s.train ? "-train.png" : "-predict.png") : s.chart;
  return run_comparison({.model = s.model, .train = s.train, .threads = s.machine.threads, .chart = chart});
}

int run(const State& s) {
  if (s.compare) return compare(s);
  if (!s.chart.empty()) throw UsageError("--chart is for --compare");
  if (s.batch < 1) throw UsageError("--batch must be at least 1");
  Model model = open_model(s.model);
  const bool guessed = s.machine.in_bytes() && !model.calibration();
  if (guessed) calibrate_on_noise(model, s.machine);
  s.machine.run(model);
  if (s.train && s.machine.in_bytes()) throw UsageError("--train computes in f32 or bf16, int8 is for predictions");
  const size_t limit = parse_bytes("--memory-limit", s.memory_limit);
  if (limit > 0 && !s.train) throw UsageError("--memory-limit is for --train");
  if (s.train && (limit > 0 || !model.compiled())) {
    CompileConfig config{.optimizer = optim::SGD({.lr = 0.01, .momentum = 0.9}), .loss = loss::softmax_cross_entropy()};
    if (model.compiled()) config = model.configuration();
    config.memory_limit = limit;
    model.compile(config);
  }
  std::optional<Program> training;
  if (s.train) training.emplace(model.training_program(s.batch));
  Program& program = s.train ? *training : model.inference_program(s.batch);
  fill_inputs(program, program.graph());
  const double peak = measure_peak();
  const Timing t = time_runs(program, s.repeat);
  program.profile(static_cast<int>(std::clamp(300.0 / std::max(t.median, 1e-3), 3.0, 200.0)));
  const auto steps = program.report();
  const MemoryReport m = program.memory();
  double macs = 0;
  for (const StepReport& r : steps) macs += static_cast<double>(r.macs);
  const double gflops = 2e-6 * macs / t.median;
  if (s.json) {
    fmt::print("{}\n", as_json(s, t, steps, m, peak, gflops).dump(2));
    return 0;
  }
  fmt::print("{}", to_text(steps));
  fmt::print("\n{} {}, batch {}, {}, {} threads, {}\n", s.model, s.train ? "training step" : "prediction", s.batch,
             to_string(model.precision()), num_threads(), model.backend()->describe());
  if (guessed) fmt::print("ranges    from random input, for timing only: see `ocellus quantize`\n");
  fmt::print("time      {:.3f} ms (median; {:.3f} to {:.3f}), {:.1f} images/s\n", t.median, t.best, t.worst,
             1000.0 * static_cast<double>(s.batch) / t.median);
  fmt::print("speed     {:.1f} GFLOP/s of arithmetic as defined, {:.0f} % of the measured peak of {:.1f} GFLOP/s\n",
             gflops, 100 * gflops / peak, peak);
  fmt::print("memory    arena {:.2f} MB, {:.2f} times the live bytes; parameters {:.2f} MB, packed copies {:.2f} MB\n",
             static_cast<double>(m.arena_bytes) / 1e6,
             static_cast<double>(m.arena_bytes) / static_cast<double>(std::max<size_t>(m.live_bytes, 1)),
             static_cast<double>(m.parameter_bytes) / 1e6, static_cast<double>(m.packed_bytes) / 1e6);
  return 0;
}

std::function<int()> declare(Options& options) {
  auto s = std::make_shared<State>();
  options.argument("MODEL", s->model, "a network of the zoo, or a saved model");
  options.add("--batch", s->batch, "images at once");
  options.flag("--train", s->train, "time a training step (forward, loss, backward) instead of a prediction");
  options.add("--repeat", s->repeat, "runs; 0: for about a second");
  options.add(
      "--memory-limit", s->memory_limit,
      "with --train: bytes (800M, 1.5G) for the values of a step; cheap ones are computed again instead of kept");
  options.flag("--json", s->json, "for machines");
  options.flag("--compare", s->compare, "measure against ONNX Runtime, OpenVINO, PyTorch and ncnn, and draw bars");
  options.add("--chart", s->chart, "with --compare: the PNG; default: MODEL-predict.png or MODEL-train.png");
  s->machine.declare(options);
  return [s] { return run(*s); };
}

}  // namespace

const Verb bench_verb = {"bench", "Time a network layer by layer, against the machine's peak",
                         "  ocellus bench lenet5\n"
                         "  ocellus bench resnet20 --train --batch 128\n"
                         "  ocellus bench resnet50 --compare --chart bars.png",
                         declare};

}  // namespace cli

#include "fuzz/check.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include <ocellus/base/rng.h>
#include <ocellus/engine/reference.h>

#include "engine/passes/passes.h"

namespace ocellus::fuzz {
namespace {

/// An arithmetic: by how much it may change a number, relative to it, and the share of a result beyond which it is undecided.
/// A disturbance is that of a whole operator with its sums and its function, so it is larger than one rounding.
struct Arithmetic {
  double disturbance, limit;
};
constexpr double f32_roundoff = 0x1p-24, bf16_roundoff = 0x1p-9;
constexpr Arithmetic direct{64 * f32_roundoff, 1e-3};
/// F(4x4) loses about two decimal digits (Lavin & Gray 2016).
constexpr Arithmetic winograd{2048 * f32_roundoff, 2e-2};
constexpr Arithmetic narrow{4 * bf16_roundoff, 0.3};
/// Results below this count as being of this size: numbers in the graph are near 1, and where they cancel inside an operator, as
/// in the gradient of a softmax, rounding alone is left.
constexpr double least_size = 0.1;
constexpr uint64_t samples = 4, samples_in_doubt = 60;

const Arithmetic& arithmetic_of(const Setup& s) {
  if (s.options.compute == DType::bf16) return narrow;
  return s.algorithms == Algorithms::exact ? direct : winograd;
}

/// Moves every number by up to `size` of itself, or of the others where it is smaller. Zeros stay: they are the kind that
/// rounding does not make (padding, what relu cuts off).
void move(Tensor t, double size, Rng& rng) {  // a tensor is a handle: this reaches what the interpreter goes on with
  const auto numbers = t.as<double>();
  double squares = 0;
  for (double v : numbers) squares += v * v;
  const double rms = std::sqrt(squares / static_cast<double>(numbers.size()));
  for (double& v : numbers) {
    const double by = size * rng.uniform(0.5f, 1.0f) * std::max(std::abs(v), rms);
    if (v != 0) v += rng.chance(0.5f) ? by : -by;
  }
}

double root_of_squares(const Tensor& t) {
  double sum = 0;
  for (int64_t i = 0; i < t.numel(); ++i) sum += t.at(i) * t.at(i);
  return std::sqrt(sum / static_cast<double>(t.numel()));
}

double largest(const Tensor& t) {
  double most = 0;
  for (int64_t i = 0; i < t.numel(); ++i) most = std::max(most, std::abs(t.at(i)));
  return most;
}

/// The largest difference, or in bf16, where a maximum somewhere nearly always changes its place, the root of their squares.
double distance(const Tensor& a, const Tensor& b, double disturbance) {
  Tensor difference(DType::f64, a.shape());
  for (int64_t i = 0; i < a.numel(); ++i) difference.as<double>()[static_cast<size_t>(i)] = a.at(i) - b.at(i);
  for (double d : difference.as<double>())
    if (std::isnan(d)) return INFINITY;
  return disturbance == narrow.disturbance ? root_of_squares(difference) : largest(difference);
}

double size_of_result(const Tensor& t, double disturbance) {
  return disturbance == narrow.disturbance ? root_of_squares(t) : largest(t);
}

std::string worst_element(const Tensor& actual, const Tensor& expected) {
  int64_t worst = 0;
  for (int64_t i = 0; i < actual.numel(); ++i) {
    if (std::abs(actual.at(i) - expected.at(i)) > std::abs(actual.at(worst) - expected.at(worst))) worst = i;
    if (std::isnan(actual.at(i)) && !std::isnan(expected.at(i)))
      return fmt::format("element {} is nan, not {}", i, expected.at(i));
  }
  return fmt::format("element {} is {}, not {}", worst, actual.at(worst), expected.at(worst));
}

std::string name_of(const Value& v) {
  if (const auto* p = v.node().as<ParameterOp>()) return p->parameter->path();
  const auto* in = v.node().as<InputOp>();
  return in ? in->label : std::string(v.node().op().name());
}

bool same_bits(const Tensor& a, const Tensor& b) { return std::memcmp(a.data(), b.data(), a.bytes()) == 0; }

}  // namespace

std::string to_text(const Setup& s) {
  std::string text = fmt::format("{}, algorithms {}, {}, compute {}{}", s.backend,
                                 enum_names(s.algorithms)[static_cast<size_t>(s.algorithms)],
                                 s.mode == Mode::train ? "training" : "inference", to_string(s.options.compute),
                                 s.options.fuse ? "" : ", without fuse");
  if (s.memory < 1) text += fmt::format(", with {:.2f} of the memory", s.memory);
  for (Pass p : s.options.skip) text += fmt::format(", without {}", enum_names(p)[static_cast<size_t>(p)]);
  return text;
}

Setup any_setup(Rng& rng) {
  Setup s;
  s.backend = rng.chance(0.25f) ? "reference" : "onednn";
  s.algorithms = rng.chance(0.5f) ? Algorithms::exact : Algorithms::standard;
  s.mode = rng.chance(0.6f) ? Mode::train : Mode::inference;
  if (s.mode == Mode::train && rng.chance(0.3f)) s.memory = rng.uniform(0.5f, 0.95f);
  s.options.fuse = rng.chance(0.7f);
  s.options.compute = rng.chance(0.35f) ? DType::bf16 : DType::f32;
  if (rng.chance(0.5f))
    for (size_t p = 0; p < enum_names(Pass{}).size(); ++p)
      if (rng.chance(0.4f)) s.options.skip.push_back(static_cast<Pass>(p));
  return s;
}

Checker::Oracle& Checker::oracle(Mode mode) {
  if (const auto it = oracles_.find(mode); it != oracles_.end()) return it->second;
  Oracle& o = oracles_[mode];
  const ProgramSpec spec = g_.spec(mode);
  Graph graph = spec.graph;
  graph.outputs.insert(graph.outputs.end(), spec.wrt.begin(), spec.wrt.end());
  o.graph = passes::specialise(graph, spec.inputs, mode);
  const Values wrt(o.graph.outputs.end() - static_cast<std::ptrdiff_t>(spec.wrt.size()), o.graph.outputs.end());
  o.graph.outputs.resize(spec.graph.outputs.size());
  for (size_t i = 0; i < o.graph.outputs.size(); ++i) o.names.push_back(fmt::format("output {}", i));
  for (const Value& v : gradients(o.graph.outputs[0], wrt)) {
    o.names.push_back("gradient of " + name_of(wrt[o.names.size() - spec.graph.outputs.size()]));
    o.graph.outputs.push_back(v);
  }
  for (const Update& u : o.graph.updates) {
    o.names.push_back("update of " + name_of(u.target));
    o.graph.outputs.push_back(u.value);
  }
  o.fed = g_.fed;
  if (o.graph.inputs.size() > o.fed.size()) o.fed.push_back(Tensor::of<int64_t>({}, {g_.step}));
  g_.restore();
  o.expected = evaluate(o.graph, o.fed, DType::f64);
  return o;
}

void Checker::disturb(Oracle& o, double size, uint64_t from, uint64_t count) {
  std::vector<double>& deviations = o.deviations[size];
  deviations.resize(o.expected.size());
  g_.restore();
  for (uint64_t sample = from; sample < from + count; ++sample) {
    Rng rng(sample, 0xd157);
    const auto moved = evaluate(o.graph, o.fed, DType::f64, [&](const Node& node, std::span<const Tensor> outputs) {
      if (node.inputs().empty() && size != narrow.disturbance) return;  // what is fed is exact
      for (const Tensor& t : outputs)
        if (t.dtype() == DType::f64) move(t, size, rng);
    });
    for (size_t i = 0; i < moved.size(); ++i)
      deviations[i] = std::max(deviations[i], distance(moved[i], o.expected[i], size));
  }
}

std::vector<Tensor> Checker::results(Program& program, const Oracle& o, Mode mode) const {
  g_.restore();
  for (size_t i = 0; i < g_.fed.size(); ++i) program.input(i).copy_from(g_.fed[i]);
  program.set_step(g_.step);
  program.run();
  std::vector<Tensor> all;
  for (size_t i = 0; i < g_.graph.outputs.size(); ++i) all.push_back(program.output(i).clone());
  for (size_t i = 0; mode == Mode::train && i < g_.wrt.size(); ++i) {
    Tensor& plain = all.emplace_back(DType::f32, g_.wrt[i].shape());
    const auto* p = g_.wrt[i].node().as<ParameterOp>();
    const std::span<const float> physical = program.gradient(i);
    if (p && p->parameter->layout())
      p->parameter->layout()->unpack(physical.data(), plain);
    else
      std::memcpy(plain.data(), physical.data(), plain.bytes());
  }
  for (const Update& u : o.graph.updates) all.push_back(u.target.node().as<ParameterOp>()->parameter->value());
  return all;
}

void Checker::compare(const std::vector<Tensor>& results, const Setup& setup, Verdict& verdict) {
  Oracle& o = oracle(setup.mode);
  const Arithmetic& a = arithmetic_of(setup);
  if (!o.deviations.contains(a.disturbance)) disturb(o, a.disturbance, 0, samples);
  bool doubted = false;
  for (size_t i = 0; i < results.size(); ++i) {
    const double size = size_of_result(o.expected[i], a.disturbance),
                 off = distance(results[i], o.expected[i], a.disturbance);
    const auto tolerance = [&] {
      return 2 * o.deviations[a.disturbance][i] + a.disturbance * std::max(size, least_size);
    };
    // A few samples may have been lucky; where that matters, many decide.
    if (off > tolerance() && std::exchange(doubted, true) == false)
      disturb(o, a.disturbance, samples, samples_in_doubt);
    if (tolerance() > a.limit * std::max(size, least_size)) {
      ++verdict.undecided;
      continue;
    }
    ++verdict.compared;
    if (off > tolerance())
      verdict.failure += fmt::format("{}: off by {:.3g}, tolerance {:.3g}: {}\n", o.names[i], off, tolerance(),
                                     worst_element(results[i], o.expected[i]));
  }
}

namespace {

/// A program with the share of memory that the setup allows, or with all of it where that is too little.
Program compiled(const ProgramSpec& spec, Backend& backend, const Setup& setup) {
  Program whole = compile(spec, backend, setup.options);
  if (setup.memory >= 1) return whole;
  CompileOptions options = setup.options;
  options.memory_limit = static_cast<size_t>(setup.memory * static_cast<double>(whole.memory().arena_bytes)) + 1;
  try {
    return compile(spec, backend, options);
  } catch (const UsageError&) {
    return whole;
  }
}

}  // namespace

Verdict Checker::check(const Setup& setup) {
  Verdict verdict;
  try {
    const Oracle& o = oracle(setup.mode);
    BackendPtr& backend = backends_[{setup.backend, setup.algorithms}];
    if (!backend) backend = make_backend(setup.backend, {.algorithms = setup.algorithms});
    g_.restore();
    Program program = compiled(g_.spec(setup.mode), *backend, setup);
    const std::vector<Tensor> first = results(program, o, setup.mode), second = results(program, o, setup.mode);
    for (size_t i = 0; i < first.size(); ++i)
      if (!same_bits(first[i], second[i])) verdict.failure += o.names[i] + ": the second run gives other bits\n";
    compare(first, setup, verdict);
    if (!verdict.failure.empty()) verdict.failure += to_text(program.report());
  } catch (const std::exception& e) {
    verdict.failure += fmt::format("throws: {}\n", e.what());
  }
  return verdict;
}

}  // namespace ocellus::fuzz

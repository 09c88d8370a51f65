// Whole networks in bytes: what the pass makes of them, and how ranges are found.
#include <gmock/gmock.h>

#include <cmath>

#include <ocellus/backend/backends.h>
#include <ocellus/engine/calibration.h>
#include <ocellus/engine/reference.h>
#include <ocellus/ops/conv.h>
#include <ocellus/ops/dense.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/norm.h>
#include <ocellus/ops/pool.h>
#include <ocellus/ops/shape.h>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

/// A network is put together layer by layer; each has its name and its parameters.
class Builder {
 public:
  Value conv(const std::string& name, const Value& x, int64_t filters, ops::ConvConfig config = {}) {
    const int64_t channels = x.shape()[1];
    config.window.padding = Padding(1);
    return scoped(name, x,
                  ops::conv(x, weights(name, {filters, channels / config.groups, 3, 3}), bias(name, filters), config));
  }
  Value dense(const std::string& name, const Value& x, int64_t units) {
    return scoped(name, x, ops::dense(x, weights(name, {units, x.shape()[1]}), bias(name, units)));
  }
  /// Fixed statistics: folded into the layer before it.
  Value norm(const std::string& name, const Value& x) {
    const Shape k = {x.shape()[1]};
    const auto p = [&](const char* what, double low, double high) { return make(name, what, k, low, high); };
    return scoped(
        name, x, ops::batch_norm(x, {p("scale", 0.5, 2), p("offset", -1, 1), p("mean", -1, 1), p("variance", 0.5, 2)}));
  }

 private:
  Value weights(const std::string& name, const Shape& shape) { return make(name, "kernel", shape, -0.2, 0.2); }
  Value bias(const std::string& name, int64_t n) { return make(name, "bias", {n}, -0.3, 0.3); }

  std::shared_ptr<LayerInfo> layer(const std::string& name) {
    auto& info = layers_[name];
    if (!info) info = std::make_shared<LayerInfo>(LayerInfo{"Test", name});
    return info;
  }
  Value make(const std::string& name, const char* what, const Shape& shape, double low, double high) {
    const auto p = std::make_shared<Parameter>(what, shape, ParamRole::kernel, nullptr, layer(name));
    Tensor t(DType::f32, shape);
    Rng rng = Rng(3).fork(p->path());
    for (float& v : t.as<float>())
      v = static_cast<float>(rng.uniform(static_cast<float>(low), static_cast<float>(high)));
    p->set_value(t);
    return parameter(p);
  }
  Value scoped(const std::string& name, const Value& in, const Value& out) {
    assign_scope(std::span(&out, 1), std::make_shared<const Scope>(Scope{layer(name), {in}}));
    return out;
  }

  std::map<std::string, std::shared_ptr<LayerInfo>> layers_;
};

/// A residual block, maxima, two branches that are joined, and a dense head.
Graph network() {
  Builder b;
  const Value x = input("x", {DType::f32, {any_dim, 3, 12, 12}});
  const Value stem = ops::activation(b.norm("norm", b.conv("stem", x, 8)), relu);
  const Value body = b.conv("two", ops::activation(b.conv("one", stem, 8), relu), 8);
  const Value sum = ops::activation(ops::add(body, stem), relu);
  const Value down = ops::max_pool(sum, {.kernel = {2, 2}, .window = {.stride = {}}});
  const Value left = ops::activation(b.conv("left", down, 8), relu), right = b.conv("right", down, 4, {.groups = 4});
  const Value last = b.conv("last", ops::concat({left, right}, 1), 6, {.activation = leaky_relu(0.1)});
  return {{x}, {b.dense("head", ops::flatten(last), 5), last}, {}};
}

Tensor images(int64_t n, uint64_t seed = 1) {
  Tensor t(DType::f32, {n, 3, 12, 12});
  Rng rng(seed);
  for (float& v : t.as<float>()) v = rng.uniform(-1, 1);
  return t;
}

ProgramSpec spec_of(const Graph& graph, int64_t batch) {
  return {graph, {{DType::f32, graph.inputs[0].shape().with(0, batch)}}};
}

std::shared_ptr<Calibration> calibrated(const Graph& graph, Backend& backend, const CalibrationConfig& config = {}) {
  Calibrator calibrator(spec_of(graph, 4), backend, config);
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    calibrator.input(0).copy_from(images(4, seed));
    calibrator.observe();
  }
  return std::make_shared<Calibration>(calibrator.result());
}

int count(const Graph& graph, std::string_view op) {
  int n = 0;
  for (const auto& node : graph.order()) n += node->op().name() == op;
  return n;
}

const CalibrationConfig widest = {.method = CalibrationMethod::minmax};

class QuantizePass : public ::testing::TestWithParam<std::string> {
 protected:
  BackendPtr backend_ = make_backend(GetParam(), {.algorithms = Algorithms::exact});
};

INSTANTIATE_TEST_SUITE_P(Backends, QuantizePass, ::testing::ValuesIn(backend_names()));

TEST_P(QuantizePass, computes_what_its_graph_says) {
  const Graph graph = network();
  Program program = compile(spec_of(graph, 2), *backend_,
                            {.poison = true, .compute = DType::i8, .calibration = calibrated(graph, *backend_)});
  const std::vector<Tensor> fed = {images(2, 9)};
  program.input(0).copy_from(fed[0]);
  program.run();
  const std::vector<Tensor> exact = evaluate(program.graph(), fed, DType::f64), real = evaluate(graph, fed, DType::f64);
  for (size_t i = 0; i < exact.size(); ++i) {
    // A rounding that falls the other way moves a value by one step of 255, and what follows by less.
    op_check::expect_close(program.output(i), exact[i], 0.01, "output " + std::to_string(i));
    op_check::expect_close(program.output(i), real[i], 0.06, "output " + std::to_string(i) + " in real numbers");
    EXPECT_GT(op_check::relative_error(program.output(i), real[i]), 1e-4) << "was anything computed with bytes?";
  }
}

TEST_P(QuantizePass, layers_that_are_named_stay_f32) {
  const Graph graph = network();
  const auto calibration = calibrated(graph, *backend_);
  calibration->wide = {"stem", "one", "two", "left", "right", "last", "head"};
  Program program = compile(spec_of(graph, 2), *backend_, {.compute = DType::i8, .calibration = calibration});
  EXPECT_EQ(count(program.graph(), "quantize"), 0);
  calibration->wide.erase("left");
  Program one = compile(spec_of(graph, 2), *backend_, {.compute = DType::i8, .calibration = calibration});
  EXPECT_EQ(count(one.graph(), "quantize"), 1);
}

TEST(QuantizedGraph, bytes_stay_bytes_from_layer_to_layer) {
  const auto backend = make_backend("onednn", {.algorithms = Algorithms::exact});
  const Graph graph = network();
  Program program =
      compile(spec_of(graph, 2), *backend, {.compute = DType::i8, .calibration = calibrated(graph, *backend, widest)});
  if (count(program.graph(), "quantized_conv") == 0) GTEST_SKIP() << "no products of bytes on this processor";
  EXPECT_EQ(count(program.graph(), "quantized_conv"), 6);
  EXPECT_EQ(count(program.graph(), "quantized_dense"), 1);
  EXPECT_EQ(count(program.graph(), "quantize"), 1) << "the input\n" << to_text(program.graph());
  EXPECT_EQ(count(program.graph(), "dequantize"), 1) << "the second output";
  EXPECT_EQ(count(program.graph(), "conv") + count(program.graph(), "dense"), 0);
  for (const StepReport& step : program.report()) {
    const bool once = step.kernel.ends_with("(once)");
    EXPECT_TRUE(once || step.op != "quantize_weights");
    EXPECT_TRUE(once || !step.kernel.starts_with("ref")) << step.op << " " << step.kernel;
  }
}

TEST(QuantizedGraph, changed_weights_are_packed_anew) {
  const auto backend = make_backend("onednn", {.algorithms = Algorithms::exact});
  const Graph graph = network();
  Program program =
      compile(spec_of(graph, 1), *backend, {.compute = DType::i8, .calibration = calibrated(graph, *backend, widest)});
  program.input(0).copy_from(images(1));
  program.run();
  const Tensor before = program.output(0).clone();
  for (const ParameterPtr& p : graph.parameters()) {
    if (p->path() != "head/kernel") continue;
    Tensor changed = p->value();
    for (float& v : changed.as<float>()) v *= -0.5f;
    p->set_value(changed);
  }
  program.run();
  EXPECT_FALSE(op_check::same_bits(program.output(0), before));
}

TEST(QuantizedGraph, refuses_training_and_missing_ranges) {
  const auto backend = make_backend("reference");
  const Graph graph = network();
  ProgramSpec spec = spec_of(graph, 1);
  EXPECT_MESSAGE(compile(spec, *backend, {.compute = DType::i8}), UsageError,
                 "programs compute in i8 with a calibration: the ranges of activations");
  spec.mode = Mode::train;
  EXPECT_MESSAGE(compile(spec, *backend, {.compute = DType::i8, .calibration = std::make_shared<Calibration>()}),
                 UsageError, "programs compute in i8 for inference only: train in f32 or bf16");
  EXPECT_MESSAGE(Calibrator(spec, *backend), UsageError,
                 "calibration observes a network as it predicts, not as it trains");
  spec.mode = Mode::inference;
  EXPECT_MESSAGE(Calibrator(spec, *backend, {.percentile = 0}), UsageError,
                 "a percentile lies above 0 and is at most 100, got 0");
  // Ranges that nobody knows, that are empty or that no scale can be made of leave a layer in f32.
  auto odd = std::make_shared<Calibration>();
  odd->ranges = {
      {"input 0", {0, 0}}, {"stem/conv+relu", {0, 1e-30}}, {"one/conv+relu", {-1e300, 1}}, {"nobody", {0, 1}}};
  Program program = compile(spec, *backend, {.compute = DType::i8, .calibration = odd});
  EXPECT_EQ(count(program.graph(), "quantize"), 0);
  const std::vector<Tensor> fed = {images(1)};
  program.input(0).copy_from(fed[0]);
  program.run();
  op_check::expect_close(program.output(0), evaluate(graph, fed, DType::f64)[0], 1e-5, "output");
}

TEST(QuantizedGraph, weights_that_bytes_cannot_hold_stay_f32) {
  for (const float bad : {0.0f, std::numeric_limits<float>::infinity(), 1e30f}) {
    const auto backend = make_backend("reference");
    const Graph graph = network();
    const auto calibration = calibrated(graph, *backend, widest);
    for (const ParameterPtr& p : graph.parameters())
      if (p->path() == "left/kernel") p->set_value(Tensor::full(DType::f32, p->shape(), bad));
    Program program = compile(spec_of(graph, 1), *backend, {.compute = DType::i8, .calibration = calibration});
    EXPECT_EQ(count(program.graph(), "quantize_weights"), 6) << bad;
  }
}

/// The range of a vector of values, as the input of a dense layer.
Range range_of(const std::vector<std::vector<float>>& batches, const CalibrationConfig& config) {
  const auto width = static_cast<int64_t>(batches[0].size());
  const Value x = input("x", {DType::f32, {1, width}});
  const Value w = constant(Tensor::full(DType::f32, {1, width}, 1));
  const auto backend = make_backend("reference");
  Calibrator calibrator({{{x}, {ops::dense(x, w, {})}, {}}, {x.type()}}, *backend, config);
  for (const auto& batch : batches) {
    calibrator.input(0).copy_from(Tensor::of<float>({1, width}, batch));
    calibrator.observe();
  }
  return calibrator.result().ranges.at("input 0");
}

TEST(Calibrator, minmax_takes_all) {
  EXPECT_EQ(range_of({{0, 1, 2, 0.5}, {3, 0, 0.25, 7}}, widest), (Range{0, 7}));
  EXPECT_EQ(range_of({{0, 1, 2, -0.5}, {3, 0, 0.25, 2}}, widest), (Range{-3, 3}));
  EXPECT_EQ(range_of({{0, 0}}, widest), (Range{0, 0}));
}

TEST(Calibrator, percentile_takes_its_share) {
  std::vector<float> values;
  for (int i = 1; i <= 1000; ++i) values.push_back(static_cast<float>(i) / 1000);
  for (const double percent : {50.0, 90.0, 99.0}) {
    EXPECT_NEAR(range_of({values}, {CalibrationMethod::percentile, percent}).high, percent / 100, 2e-3);
    // Larger values that come later widen the bins of what has been counted.
    std::vector<float> tenth = values;
    for (float& v : tenth) v /= 37;
    EXPECT_NEAR(range_of({tenth, values}, {CalibrationMethod::percentile, 50 + percent / 2}).high, percent / 100, 0.03);
  }
  std::vector<float> half_zeros(1000, 0.0f);
  for (size_t i = 500; i < 1000; ++i) half_zeros[i] = values[i];
  EXPECT_NEAR(range_of({half_zeros}, {CalibrationMethod::percentile, 75}).high, 0.75, 2e-3) << "zeros count";
}

TEST(Calibrator, entropy_cuts_a_tail_and_keeps_what_is_even) {
  Rng rng(4);
  std::vector<float> normal, even;
  for (int i = 0; i < 20000; ++i) {
    normal.push_back(std::abs(static_cast<float>(rng.normal())));
    even.push_back(rng.uniform());
  }
  EXPECT_GT(range_of({even}, {CalibrationMethod::entropy}).high, 0.9);
  normal[0] = 40;  // one far outlier
  const double high = range_of({normal}, {CalibrationMethod::entropy}).high;
  EXPECT_GT(high, 2.5);
  EXPECT_LT(high, 12);
}

TEST(Calibrator, values_that_are_not_finite_are_named) {
  const std::vector<float> bad = {1, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_MESSAGE(range_of({bad}, widest), NumericError, "calibration: input 0 holds values that are not finite");
}

}  // namespace
}  // namespace ocellus

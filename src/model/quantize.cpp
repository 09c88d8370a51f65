// From a trained network to one that computes with bytes: calibrate, judge, and give back to f32 the layers that lose most.
//
// What a layer loses is measured: the network runs with this layer alone in bytes, and the squared change of its output,
// relative to the output's square, is the layer's error. If the network as a whole loses too much accuracy, the layers with
// the largest errors stay in f32; how many is found by halving, as more of them lose less.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include <ocellus/data/decorators.h>
#include <ocellus/data/loader.h>
#include <ocellus/ops/conv.h>
#include <ocellus/ops/dense.h>

#include "model/state.h"

namespace ocellus {
namespace {

using CalibrationPtr = std::shared_ptr<const Calibration>;
using Layers = std::set<std::string, std::less<>>;

/// At most `count` samples, spread evenly over the set.
data::AnyDataset spread(const Dataset& dataset, int64_t count) {
  const std::shared_ptr<const Dataset> borrowed(&dataset, [](const Dataset*) {});
  const int64_t size = dataset.size(), n = count > 0 ? std::min(count, size) : size;
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < n; ++i) indices.push_back(i * size / n);
  return data::subset(borrowed, std::move(indices));
}

ProgramSpec spec_for(const Model::State& state, int64_t batch) {
  ProgramSpec spec;
  spec.graph.inputs = state.graph.inputs;
  spec.graph.outputs = {state.graph.outputs.front()};
  for (const Value& v : state.graph.inputs) spec.inputs.push_back(with_batch(v.type(), batch));
  return spec;
}

/// Something for each batch size that comes along: the last batch may be smaller.
template <class T, class Make>
T& for_size(std::map<int64_t, std::unique_ptr<T>>& made, int64_t size, Make&& make) {
  auto& entry = made[size];
  if (!entry) entry = make();
  return *entry;
}

/// The first output, batch after batch, in f32 (no calibration) or in bytes.
class Runner {
 public:
  Runner(Model::State& state, CalibrationPtr calibration) : state_(state), calibration_(std::move(calibration)) {}

  const Tensor& run(const Tensor& inputs) {
    Program& program = for_size(programs_, inputs.shape()[0], [&] {
      return std::make_unique<Program>(
          ocellus::compile(spec_for(state_, inputs.shape()[0]), *state_.use_backend(),
                           {.compute = calibration_ ? DType::i8 : DType::f32, .calibration = calibration_}));
    });
    program.input(0).copy_from(inputs);
    program.run();
    return program.output(0);
  }

 private:
  Model::State& state_;
  CalibrationPtr calibration_;
  std::map<int64_t, std::unique_ptr<Program>> programs_;
};

double squares(const Tensor& t) {
  double sum = 0;
  for (const float v : t.as<float>()) sum += static_cast<double>(v) * v;
  return sum;
}

double squared_difference(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (size_t i = 0; i < static_cast<size_t>(a.numel()); ++i) {
    const double d = static_cast<double>(a.as<float>()[i]) - b.as<float>()[i];
    sum += d * d;
  }
  return sum;
}

class Quantizer {
 public:
  Quantizer(Model::State& state, const Dataset& judged, const QuantizeConfig& config, Calibration calibration)
      : state_(state), judged_(spread(judged, config.judged)), config_(config), calibration_(std::move(calibration)) {
    for (const auto& node : state.graph.order())
      if ((node->as<Conv>() || node->as<Dense>()) && std::ranges::find(layers_, node->layer()) == layers_.end())
        layers_.push_back(node->layer());
  }

  QuantizeReport run() {
    QuantizeReport report;
    report.judged = judged_.size();
    tell("accuracy in f32");
    report.f32 = accuracy(nullptr);
    tell("accuracy in i8");
    report.i8 = report.result = accuracy(in_bytes({}));
    const double least = report.f32 - config_.max_drop / 100;
    for (const std::string& name : layers_)
      report.layers.push_back({name, std::numeric_limits<double>::quiet_NaN(), false});
    if (report.i8 < least) {
      measure(report.layers);
      const size_t wide = fewest(report, least);
      for (size_t i = 0; i < wide; ++i) report.layers[i].wide = true;
    }
    for (const QuantizedLayer& layer : report.layers)
      if (layer.wide) calibration_.wide.insert(layer.name);
    return report;
  }

  const Calibration& calibration() const { return calibration_; }

 private:
  void tell(const std::string& what) const {
    if (config_.progress) config_.progress(what);
  }

  CalibrationPtr in_bytes(Layers wide) const {
    Calibration c = calibration_;
    c.wide = std::move(wide);
    return std::make_shared<const Calibration>(std::move(c));
  }

  double accuracy(const CalibrationPtr& calibration) {
    Runner runner(state_, calibration);
    const auto metric = metric::accuracy();
    data::Loader batches(judged_,
                         {.batch = config_.batch, .workers = config_.workers, .preprocess = *state_.preprocess});
    data::Batch batch;
    while (batches.next(batch)) {
      if (!batch.targets) throw UsageError("the data set's samples have no targets");
      metric->update(runner.run(batch.inputs), batch.targets);
    }
    return metric->value();
  }

  /// Sorts the layers by their errors, the largest first.
  void measure(std::vector<QuantizedLayer>& layers) {
    constexpr int64_t samples = 64;
    const data::AnyDataset some = spread(judged_, samples);
    std::vector<Tensor> inputs, outputs;
    data::Loader batches(some, {.batch = config_.batch, .workers = 0, .preprocess = *state_.preprocess});
    Runner plain(state_, nullptr);
    double whole = 0;
    for (data::Batch batch; batches.next(batch);) {
      inputs.push_back(batch.inputs.clone());
      outputs.push_back(plain.run(inputs.back()).clone());
      whole += squares(outputs.back());
    }
    for (QuantizedLayer& layer : layers) {
      tell("error of " + layer.name);
      Layers others(layers_.begin(), layers_.end());
      others.erase(layer.name);
      Runner runner(state_, in_bytes(others));
      double off = 0;
      for (size_t i = 0; i < inputs.size(); ++i) off += squared_difference(runner.run(inputs[i]), outputs[i]);
      layer.error = whole > 0 ? off / whole : 0;
    }
    std::ranges::stable_sort(layers, std::greater(), &QuantizedLayer::error);
  }

  /// How many of the sorted layers must stay f32, at the least, for that accuracy; the report gets what comes of it.
  size_t fewest(QuantizeReport& report, double least) {
    size_t too_few = 0, enough = layers_.size();
    report.result = report.f32;
    while (enough - too_few > 1) {
      const size_t n = too_few + (enough - too_few) / 2;
      Layers wide;
      for (size_t i = 0; i < n; ++i) wide.insert(report.layers[i].name);
      tell(fmt::format("accuracy with {} layers in f32", n));
      const double reached = accuracy(in_bytes(std::move(wide)));
      (reached < least ? too_few : enough) = n;
      if (reached >= least) report.result = reached;
    }
    return enough;
  }

  Model::State& state_;
  data::AnyDataset judged_;
  const QuantizeConfig& config_;
  Calibration calibration_;
  std::vector<std::string> layers_;
};

}  // namespace

Calibration Model::calibrate(const Dataset& dataset, const QuantizeConfig& config) const {
  if (state_->graph.inputs.size() != 1)
    throw UsageError(
        fmt::format("model {} has {} inputs: calibration takes one", state_->name, state_->graph.inputs.size()));
  if (dataset.size() < 1) throw UsageError(fmt::format("data set {} is empty", dataset.name()));
  if (config.batch < 1) throw UsageError(fmt::format("a batch has at least one sample, got {}", config.batch));
  state_->choose_preprocess();
  const data::AnyDataset some = spread(dataset, config.samples);
  // One observer for all: of a last batch that is smaller, the rest of the buffer is filled with samples that it has.
  const int64_t size = std::min(config.batch, some.size());
  Calibrator calibrator(spec_for(*state_, size), *state_->use_backend(), config.calibration);
  data::Loader batches(some, {.batch = size, .workers = config.workers, .preprocess = *state_->preprocess});
  for (data::Batch batch; batches.next(batch);) {
    for (int64_t row = 0; row < size; ++row) {
      const int64_t from = row % batch.size();
      calibrator.input(0).rows(row, row + 1).copy_from(batch.inputs.rows(from, from + 1));
    }
    calibrator.observe();
  }
  return calibrator.result();
}

QuantizeReport Model::quantize(const Dataset& dataset, const Dataset& judged, const QuantizeConfig& config) {
  if (!(config.max_drop >= 0))
    throw UsageError(fmt::format("the largest drop must be 0 or more, got {}", config.max_drop));
  if (judged.size() < 1) throw UsageError(fmt::format("data set {} is empty", judged.name()));
  if (config.progress) config.progress("ranges of activations");
  Quantizer quantizer(*state_, judged, config, calibrate(dataset, config));
  QuantizeReport report = quantizer.run();
  set_calibration(quantizer.calibration());
  return report;
}

const Calibration* Model::calibration() const { return state_->calibration.get(); }

void Model::set_calibration(Calibration calibration) {
  state_->programs.clear();
  state_->calibration = std::make_shared<const Calibration>(std::move(calibration));
  state_->precision = DType::i8;
}

void Model::State::forget_calibration() {
  if (!calibration) return;
  programs.clear();
  calibration.reset();
  if (precision == DType::i8) precision.reset();
}

}  // namespace ocellus

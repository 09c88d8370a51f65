#include <ocellus/engine/calibration.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <ocellus/ops/conv.h>
#include <ocellus/ops/dense.h>

#include "engine/histogram.h"
#include "engine/passes/passes.h"
#include "engine/passes/value_names.h"

namespace ocellus {

std::span<const std::string_view> enum_names(CalibrationMethod) {
  static constexpr std::array<std::string_view, 3> names = {"minmax", "percentile", "entropy"};
  return names;
}

struct Calibrator::Impl {
  CalibrationConfig config;
  size_t first = 0;                ///< output of the program that is observed
  std::vector<std::string> names;  ///< of the outputs from there on
  std::optional<Program> program;
  std::map<std::string, Histogram, std::less<>> seen;
};

/// What products read and leave: between two of them other operators pass bytes on, which have the range of what they connect.
Calibrator::Calibrator(const ProgramSpec& spec, Backend& backend, const CalibrationConfig& config)
    : impl_(std::make_unique<Impl>()) {
  if (!(config.percentile > 0 && config.percentile <= 100))
    throw UsageError(fmt::format("a percentile lies above 0 and is at most 100, got {}", config.percentile));
  if (spec.mode != Mode::inference) throw UsageError("calibration observes a network as it predicts, not as it trains");
  impl_->config = config;
  Graph graph = passes::prepare(spec, {}).graph;
  const auto names = passes::value_names(graph);
  impl_->first = graph.outputs.size();
  passes::ValueSet taken;
  const auto take = [&](const Value& v) {
    const auto name = names.find(v);
    if (name == names.end() || v.dtype() != DType::f32 || !taken.insert(v).second) return;
    graph.outputs.push_back(v);
    impl_->names.push_back(name->second);
  };
  for (const auto& node : graph.order()) {
    if (!node->as<Conv>() && !node->as<Dense>()) continue;
    take(node->inputs()[0]);
    if (const Conv* conv = node->as<Conv>(); conv && conv->residual) take(node->inputs().back());
    take(Value(node, 0));
  }
  impl_->program.emplace(compile({graph, spec.inputs}, backend, {.fuse = false}));
}

Calibrator::~Calibrator() = default;

Tensor& Calibrator::input(size_t i) { return impl_->program->input(i); }

const Tensor& Calibrator::output(size_t i) const { return impl_->program->output(i); }

void Calibrator::observe() {
  impl_->program->run();
  for (size_t i = 0; i < impl_->names.size(); ++i)
    impl_->seen[impl_->names[i]].add(impl_->program->output(impl_->first + i).as<float>());
}

Calibration Calibrator::result() const {
  Calibration calibration;
  for (const auto& [name, histogram] : impl_->seen) {
    if (!histogram.finite()) throw NumericError("calibration: " + name + " holds values that are not finite");
    calibration.ranges[name] = histogram.range(impl_->config);
  }
  return calibration;
}

}  // namespace ocellus

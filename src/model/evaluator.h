// Judging a model by a data set, once or after each epoch.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "model/trainer.h"

namespace ocellus {

/// Keeps loader and programs from pass to pass.
class Evaluator {
 public:
  Evaluator(Model::State& state, const Dataset& dataset, const EvaluateConfig& config);
  /// Metrics, then the mean loss and its parts.
  Logs run(const EvaluateConfig& config);

 private:
  struct Prepared {
    int64_t batch;
    std::unique_ptr<Program> program;
  };
  Prepared& prepare(const data::Batch& batch);

  Model::State& state_;
  data::Loader loader_;
  std::vector<std::unique_ptr<metric::Metric>> metrics_;
  std::optional<LossGraph> loss_;
  std::list<Prepared> programs_;
};

}  // namespace ocellus

// A pass over a data set in inference mode: the mean loss with its parts and the metrics.
#include "model/evaluator.h"

#include <fmt/format.h>

namespace ocellus {

Evaluator::Evaluator(Model::State& state, const Dataset& dataset, const EvaluateConfig& config)
    : state_(state), loader_(dataset, {.batch = config.batch, .workers = config.workers, .preprocess = *state.preprocess}) {
  for (const auto& metric : state.config.metrics) metrics_.push_back(metric->clone());
}

Evaluator::Prepared& Evaluator::prepare(const data::Batch& batch) {
  if (!batch.targets) throw UsageError("the data set's samples have no targets");
  if (!loss_) loss_ = loss_graph(state_, batch.targets.dtype(), std::nullopt);
  for (Prepared& p : programs_)
    if (p.batch == batch.size()) return p;
  const ProgramSpec spec = loss_spec(*loss_, batch.size(), Mode::inference);
  programs_.push_back({batch.size(), std::make_unique<Program>(state_.compile(spec))});
  return programs_.back();
}

Logs Evaluator::run(const EvaluateConfig& config) {
  metric::Mean loss;
  const std::vector<std::string> names = logged_parts(state_.config);
  std::vector<metric::Mean> parts(names.size());
  for (const auto& metric : metrics_) metric->reset();
  const auto logs = [&] {
    Logs values;
    for (const auto& metric : metrics_) values.emplace_back(metric->name(), metric->value());
    values.emplace_back("loss", loss.value());
    for (size_t i = 0; i < parts.size(); ++i) values.emplace_back(names[i], parts[i].value());
    return values;
  };
  data::Batch batch;
  loader_.start(0);
  while (loader_.next(batch)) {
    Program& program = *prepare(batch).program;
    feed_batch(state_, loss_->target, batch, program);
    program.run();
    const auto weight = static_cast<double>(batch.size());
    loss.add(static_cast<double>(program.output(0).as<float>()[0]), weight);
    for (size_t i = 0; i < parts.size(); ++i)
      parts[i].add(static_cast<double>(program.output(2).as<float>()[i]), weight);
    for (const auto& metric : metrics_) metric->update(program.output(1), batch.targets);
    if (config.observer) config.observer(program.output(1), batch.targets);
    if (config.progress) config.progress(batch.index + 1, loader_.batches(), logs());
  }
  return logs();
}

Logs Model::evaluate(const Dataset& dataset, const EvaluateConfig& config) const {
  state_->require_compiled("evaluate");
  if (dataset.size() < 1) throw UsageError(fmt::format("data set {} is empty", dataset.name()));
  state_->choose_preprocess();
  return Evaluator(*state_, dataset, config).run(config);
}

}  // namespace ocellus

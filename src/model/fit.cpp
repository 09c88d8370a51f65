// The training loop, the only one: loader, program, optimiser, metrics, callbacks, checkpoint.
//
// A run is a function of (weights, data, configuration, seed): the order of samples, their augmentation and dropout's masks
// depend on counters alone. A checkpoint holds these counters, so a run that goes on from one, at an epoch's beginning or inside
// it, does what the uninterrupted run would have done, bit for bit. Callbacks see an epoch's end before the checkpoint is
// written, so what they remember is in it.
#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include <ocellus/train/progress.h>

#include "model/evaluator.h"
#include "model/file.h"
#include "model/run_state.h"
#include "model/trainer.h"
#include "train/shown.h"

namespace ocellus {
namespace {

/// A relu turns NaN into 0, so a broken weight need not reach the loss: the weights themselves are looked at, this often.
constexpr int64_t steps_between_checks = 50;

bool all_finite(const std::vector<ParameterPtr>& parameters) {
  constexpr uint32_t exponent = 0x7f800000;  // all ones in infinities and NaNs; comparing integers is a vector loop
  for (const ParameterPtr& p : parameters) {
    bool finite = true;
    for (const float x : p->flat()) finite &= (std::bit_cast<uint32_t>(x) & exponent) != exponent;
    if (!finite) return false;
  }
  return true;
}

/// The dtype of a data set's targets, from its first sample.
DType target_type(const Dataset& dataset) {
  if (dataset.size() < 1) throw UsageError(fmt::format("data set {} is empty", dataset.name()));
  Rng rng;
  const Sample sample = dataset.get(0, rng);
  if (!sample.target) throw UsageError(fmt::format("the samples of data set {} have no targets", dataset.name()));
  return sample.target.dtype();
}

class Fit {
 public:
  Fit(Model::State& state, const Dataset& train, const FitConfig& config)
      : state_(state),
        config_(config),
        callbacks_(config.callbacks),
        loader_(train, loader_config()),
        trainer_(state, target_type(train), config.seed) {
    if (config_.progress) callbacks_.insert(callbacks_.begin(), Progress());
    for (const auto& metric : state.config.metrics) metrics_.push_back(metric->clone());
    for (const auto& metric : metrics_) logs_.emplace_back(metric->name(), 0);
    logs_.emplace_back("loss", 0);
    for (const std::string& part : logged_parts(state.config)) logs_.emplace_back(part, 0);
    run_.part_sums.resize(logs_.size() - metrics_.size() - 1);
    run_.batch_size = config.batch;
    run_.samples = train.size();
    run_.seed = config.seed;
    run_.optimizer = state.config.optimizer->describe();
    run_.schedule = config.schedule ? config.schedule->describe() : "constant";
  }

  History run();

 private:
  data::LoaderConfig loader_config() const {
    return {.batch = config_.batch,
            .shuffle = config_.shuffle,
            .seed = config_.seed,
            .workers = config_.workers,
            .augment = config_.augment,
            .preprocess = *state_.preprocess};
  }

  bool resume();
  void begin(bool resumed);
  void train_epoch();
  void train_batch(const data::Batch& batch);
  void end_epoch();
  void update_logs();
  double learning_rate() const;
  [[noreturn]] void not_finite(const std::string& what);
  void checkpoint();
  callback::TrainInfo train_info();
  bool asked_to_stop() const;

  Model::State& state_;
  const FitConfig& config_;
  std::vector<Handle<callback::Callback>> callbacks_;
  data::Loader loader_;
  Trainer trainer_;
  std::unique_ptr<Evaluator> validation_;
  std::vector<std::unique_ptr<metric::Metric>> metrics_;
  RunState run_;
  Logs logs_;
  double learning_rate_ = 0;  // of the last update
  bool stopping_ = false;     // `stop` has said so
  bool interrupted_ = false;  // inside an epoch
  std::vector<std::vector<float>> kept_;  // weights that a callback asked to remember
};

/// Takes over a checkpoint's weights, counters and states.
bool Fit::resume() {
  if (!config_.resume || config_.checkpoint.empty() || !std::filesystem::exists(config_.checkpoint)) return false;
  const std::string source = config_.checkpoint.string();
  const SafetensorsFile file = read_safetensors(config_.checkpoint);
  check_format(file, source);
  const auto training = file.metadata.find("training");
  if (training == file.metadata.end()) throw FormatError(source, "is a model but no checkpoint of a training run");
  RunState saved = run_state_from_json(training->second, source);
  const auto same = [&](std::string_view what, const auto& theirs, const auto& ours) {
    if (theirs != ours)
      throw UsageError(fmt::format("{}: was made with {} {}, this run has {}: it can't go on from there", source, what,
                                   theirs, ours));
  };
  same("batch", saved.batch_size, run_.batch_size);
  same("samples", saved.samples, run_.samples);
  same("seed", saved.seed, run_.seed);
  same("optimizer", saved.optimizer, run_.optimizer);
  same("schedule", saved.schedule, run_.schedule);
  same("parts of the loss:", saved.part_sums.size(), run_.part_sums.size());
  restore_weights(state_, file, source);
  restore_optimizer(state_, file, source);
  state_.config.optimizer->restore_scalar_state(saved.optimizer_scalars);
  state_.optimizer.updates = state_.config.optimizer->step_count();
  if (config_.schedule) config_.schedule->restore(saved.schedule_state);
  if (saved.backend == state_.use_backend()->name()) state_.backend->restore_decisions(saved.decisions);
  if (const auto history = file.metadata.find("history"); history != file.metadata.end())
    state_.history = History::from_json(history->second, source);
  run_ = std::move(saved);
  return true;
}

callback::TrainInfo Fit::train_info() {
  callback::TrainInfo info;
  info.epochs = config_.epochs;
  info.start_epoch = run_.epoch;
  info.steps_per_epoch = loader_.batches();
  info.keep_weights = [this] {
    kept_.clear();
    for (const ParameterPtr& p : state_.parameters) kept_.emplace_back(p->flat().begin(), p->flat().end());
  };
  info.restore_weights = [this] {
    for (size_t i = 0; i < kept_.size(); ++i) {
      std::copy(kept_[i].begin(), kept_[i].end(), state_.parameters[i]->flat().begin());
      state_.parameters[i]->touch();
    }
  };
  info.save = [this](const std::filesystem::path& path) { write_model(state_, path, ""); };
  return info;
}

void Fit::begin(bool resumed) {
  // The training program comes first, so that parameters take the layout that it wants, whatever is compiled later.
  if (run_.samples >= config_.batch) trainer_.prepare(config_.batch);
  if (!resumed) state_.history = {};
  if (config_.validation)
    validation_ = std::make_unique<Evaluator>(
        state_, *config_.validation, EvaluateConfig{.batch = config_.batch, .workers = config_.workers});
  const callback::TrainInfo info = train_info();
  for (const auto& c : callbacks_) {
    c->on_train_begin(info);
    if (const auto saved = run_.callbacks.find(c->name()); resumed && saved != run_.callbacks.end())
      c->restore(saved->second);
  }
}

History Fit::run() {
  begin(resume());
  while (run_.epoch < config_.epochs && !interrupted_) {
    train_epoch();
    if (interrupted_) break;
    end_epoch();
    if (asked_to_stop()) break;
  }
  if (interrupted_) checkpoint();
  for (const auto& c : callbacks_) c->on_train_end();
  return state_.history;
}

void Fit::train_epoch() {
  const bool from_start = run_.batch == 0;
  for (const auto& metric : metrics_) {
    metric->reset();
    if (const auto saved = run_.metrics.find(metric->name()); !from_start && saved != run_.metrics.end())
      metric->restore(saved->second);
  }
  if (from_start) {
    run_.loss_sum = run_.loss_weight = 0;
    std::fill(run_.part_sums.begin(), run_.part_sums.end(), 0);
  }
  for (const auto& c : callbacks_)
    c->on_epoch_begin({.epoch = run_.epoch, .epochs = config_.epochs, .step = run_.step, .logs = {}});
  loader_.start(run_.epoch, run_.batch);
  data::Batch batch;
  while (loader_.next(batch)) {
    train_batch(batch);
    // After the last batch there is nothing to interrupt: the epoch's end is done as usual, and the run stops then.
    interrupted_ = asked_to_stop() && run_.batch < loader_.batches();
    if (interrupted_) return;
  }
}

void Fit::train_batch(const data::Batch& batch) {
  const float loss = trainer_.forward_backward(batch, run_.step);
  if (!std::isfinite(loss)) not_finite(fmt::format("the loss is {}", shown(loss)));
  learning_rate_ = learning_rate();
  trainer_.update(learning_rate_);
  stopping_ = config_.stop && config_.stop();
  const bool look = run_.step % steps_between_checks == 0 || run_.batch + 1 == loader_.batches() || stopping_;
  if (look && !all_finite(state_.parameters)) not_finite("the weights are not finite");
  const auto weight = static_cast<double>(batch.size());
  run_.loss_sum += static_cast<double>(loss) * weight;
  for (size_t i = 0; i < run_.part_sums.size(); ++i)
    run_.part_sums[i] += static_cast<double>(trainer_.parts()[i]) * weight;
  run_.loss_weight += weight;
  for (const auto& metric : metrics_) metric->update(trainer_.prediction(), batch.targets);
  ++run_.step;
  ++run_.batch;
  update_logs();
  const callback::BatchInfo info{run_.epoch, batch.index, loader_.batches(), run_.step, logs_};
  for (const auto& c : callbacks_) c->on_batch_end(info);
}

double Fit::learning_rate() const {
  const double base = state_.config.optimizer->lr();
  if (!config_.schedule) return base;
  return base * config_.schedule->factor({.step = run_.step,
                                          .epoch = run_.epoch,
                                          .steps_per_epoch = loader_.batches(),
                                          .epochs = config_.epochs});
}

void Fit::update_logs() {
  for (size_t i = 0; i < metrics_.size(); ++i) logs_[i].second = metrics_[i]->value();
  auto log = logs_.begin() + static_cast<std::ptrdiff_t>(metrics_.size());
  log->second = run_.loss_sum / run_.loss_weight;
  for (const double sum : run_.part_sums) (++log)->second = sum / run_.loss_weight;
}

void Fit::not_finite(const std::string& what) {
  const std::string where = trainer_.program().first_non_finite();
  throw NumericError(fmt::format("{} at epoch {}, batch {} (step {}){}{}", what, run_.epoch + 1, run_.batch + 1, run_.step + 1,
                                 where.empty() ? "" : "; the first value that is not finite is in ", where));
}

void Fit::end_epoch() {
  update_logs();
  Logs logs = logs_;
  if (validation_)
    for (auto& [name, value] : validation_->run({})) logs.emplace_back("val_" + name, value);
  if (config_.schedule) logs.emplace_back("learning_rate", learning_rate_);
  state_.history.add(run_.epoch, logs);
  if (config_.schedule) config_.schedule->end_epoch(logs);
  for (const auto& c : callbacks_)
    c->on_epoch_end({.epoch = run_.epoch, .epochs = config_.epochs, .step = run_.step, .logs = logs});
  ++run_.epoch;
  run_.batch = 0;
  checkpoint();
}

bool Fit::asked_to_stop() const {
  if (stopping_) return true;
  for (const auto& c : callbacks_)
    if (c->stop_requested()) return true;
  return false;
}

void Fit::checkpoint() {
  if (config_.checkpoint.empty()) return;
  run_.metrics.clear();
  if (run_.batch > 0)
    for (const auto& metric : metrics_) run_.metrics[metric->name()] = metric->state();
  run_.optimizer_scalars = state_.config.optimizer->scalar_state();
  if (config_.schedule) run_.schedule_state = config_.schedule->state();
  run_.callbacks.clear();
  for (const auto& c : callbacks_)
    if (auto numbers = c->state(); !numbers.empty()) run_.callbacks[c->name()] = std::move(numbers);
  run_.backend = state_.use_backend()->name();
  run_.decisions = state_.backend->decisions();
  write_model(state_, config_.checkpoint, to_json(run_));
}

}  // namespace

History Model::fit(const Dataset& train, const FitConfig& config) {
  state_->require_compiled("fit");
  if (config.epochs < 0) throw UsageError(fmt::format("fit: epochs must be 0 or more, got {}", config.epochs));
  state_->forget_calibration();
  state_->choose_preprocess();
  if (state_->classes.empty()) state_->classes = train.class_names();
  return Fit(*state_, train, config).run();
}

Program Model::training_program(int64_t batch, DType target) const {
  const LossGraph loss = loss_graph(*state_, target, 0);
  ProgramSpec spec = loss_spec(loss, batch, Mode::train);
  spec.wrt = learning_parameters(loss.graph);
  return state_->compile(spec);
}

}  // namespace ocellus

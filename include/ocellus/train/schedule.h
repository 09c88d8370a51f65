// Learning-rate schedules: factors that multiply the optimiser's base rate.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <ocellus/base/export.h>
#include <ocellus/train/handle.h>
#include <ocellus/train/history.h>

namespace ocellus::schedule {

/// A moment of training, before an update is made.
struct Moment {
  int64_t step = 0;   ///< updates made so far, over all epochs
  int64_t epoch = 0;  ///< epochs finished so far
  int64_t steps_per_epoch = 1;
  int64_t epochs = 1;  ///< length of the whole run
  double start = 0;    ///< epoch at which the schedule's course begins: the end of a warm-up
};

/// Base of the schedules. All but plateau are pure functions of the moment.
class OCELLUS_API Schedule {
 public:
  virtual ~Schedule();
  /// What the base learning rate is multiplied by for the update that starts at `moment`.
  virtual double factor(const Moment& moment) const = 0;
  /// As the command line writes it: "step:30:0.1"; `parse` reads it back.
  virtual std::string describe() const = 0;

  /// Called after each epoch with its logs; only plateau listens, and throws UsageError where its value is missing.
  virtual void end_epoch(const Logs& logs);
  /// State beside the moment, for resuming; empty for pure schedules.
  virtual std::map<std::string, double> state() const;
  virtual void restore(const std::map<std::string, double>& state);
};

/// Always 1.
class OCELLUS_API Constant final : public Schedule {
 public:
  double factor(const Moment&) const override { return 1; }
  std::string describe() const override { return "constant"; }
};

/// factor^n after n times `every` epochs.
struct StepConfig {
  double every = 30;  ///< epochs
  double factor = 0.1;
  bool per_step = false;  ///< count fractions of epochs too, so that a step may fall inside one
};
class OCELLUS_API Step final : public Schedule {
 public:
  explicit Step(StepConfig config = {});
  double factor(const Moment& moment) const override;
  std::string describe() const override;

 private:
  StepConfig config_;
};

/// factor^n once n of the listed epochs are over.
struct MultiStepConfig {
  std::vector<double> epochs;  ///< increasing
  double factor = 0.1;
  bool per_step = false;
};
class OCELLUS_API MultiStep final : public Schedule {
 public:
  explicit MultiStep(MultiStepConfig config);
  double factor(const Moment& moment) const override;
  std::string describe() const override;

 private:
  MultiStepConfig config_;
};

/// Half a cosine from 1 to `min_factor` over the run, without restarts (Loshchilov and Hutter, "SGDR", ICLR 2017, eq.
/// 5).
struct CosineConfig {
  double min_factor = 0;
  double epochs = 0;     ///< length of the course, after which it stays; 0: to the end of the run
  bool per_step = true;  ///< false: constant within an epoch
};
class OCELLUS_API Cosine final : public Schedule {
 public:
  explicit Cosine(CosineConfig config = {});
  double factor(const Moment& moment) const override;
  std::string describe() const override;

 private:
  CosineConfig config_;
};

/// Rises linearly over `epochs` to what `then` gives, step by step (Goyal et al., arXiv:1706.02677, section 2.2).
/// A cosine's course begins after it; epochs of step and multi_step keep counting from the start of the run.
struct WarmupConfig {
  double epochs = 5;
  double start_factor = 0;  ///< the rate of an update before the first
  Handle<Schedule> then = Constant();
};
class OCELLUS_API Warmup final : public Schedule {
 public:
  explicit Warmup(WarmupConfig config = {});
  double factor(const Moment& moment) const override;
  std::string describe() const override;
  void end_epoch(const Logs& logs) override { config_.then->end_epoch(logs); }
  std::map<std::string, double> state() const override { return config_.then->state(); }
  void restore(const std::map<std::string, double>& state) override { config_.then->restore(state); }

 private:
  WarmupConfig config_;
};

/// Multiplies by `factor` each time that `monitor` has not improved for more than `patience` epochs.
struct PlateauConfig {
  double factor = 0.1;
  int64_t patience = 10;
  std::string monitor = "val_loss";
  Direction mode = Direction::automatic;
  double min_delta = 1e-4;  ///< a smaller change is no improvement
  int64_t cooldown = 0;     ///< epochs after a reduction in which none are counted
  double min_factor = 0;    ///< the product never falls below
};
class OCELLUS_API Plateau final : public Schedule {
 public:
  explicit Plateau(PlateauConfig config = {});
  double factor(const Moment&) const override { return product_; }
  std::string describe() const override;
  void end_epoch(const Logs& logs) override;
  std::map<std::string, double> state() const override;
  void restore(const std::map<std::string, double>& state) override;

 private:
  PlateauConfig config_;
  Monitor monitor_;
  double product_ = 1;
  double best_;
  int64_t bad_epochs_ = 0;
  int64_t cooling_ = 0;
};

/// Reads `constant`, `cosine[:MIN]`, `step:EPOCHS[:FACTOR]`, `multistep:E1,E2,...[:FACTOR]`,
/// `plateau[:FACTOR[:PATIENCE]]`, or one of them behind `warmup:EPOCHS,`. Throws UsageError that shows the part at
/// fault and the forms there are.
OCELLUS_API Handle<Schedule> parse(std::string_view text);

}  // namespace ocellus::schedule

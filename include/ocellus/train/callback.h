// Callbacks: what happens beside training, at its beginning, after batches and epochs, and at its end.
//
// They know nothing of models: whoever trains hands them functions that keep, restore and save weights.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ocellus/base/export.h>
#include <ocellus/train/handle.h>
#include <ocellus/train/history.h>

namespace ocellus::callback {

/// The run that begins, and what callbacks may ask of whoever runs it; functions may be empty.
struct TrainInfo {
  int64_t epochs = 0;       ///< the run's length
  int64_t start_epoch = 0;  ///< above 0 when a run is resumed
  int64_t steps_per_epoch = 0;
  std::function<void()> keep_weights = {};     ///< remember the weights as they are
  std::function<void()> restore_weights = {};  ///< bring back those remembered last
  std::function<void(const std::filesystem::path&)> save = {};
};

/// An epoch that begins (empty logs) or ended.
struct EpochInfo {
  int64_t epoch = 0;  ///< counted from 0
  int64_t epochs = 0;
  int64_t step = 0;  ///< updates made so far, over all epochs
  Logs logs = {};
};

/// A batch that has been trained on; the logs are running means over the epoch so far.
struct BatchInfo {
  int64_t epoch = 0;
  int64_t batch = 0;  ///< counted from 0
  int64_t batches = 0;
  int64_t step = 0;
  const Logs& logs;
};

/// Base of the callbacks; each function does nothing unless overridden.
class OCELLUS_API Callback {
 public:
  virtual ~Callback();
  virtual std::string name() const = 0;  ///< key under which a checkpoint stores the state

  virtual void on_train_begin(const TrainInfo&) {}
  virtual void on_epoch_begin(const EpochInfo&) {}
  virtual void on_batch_end(const BatchInfo&) {}
  virtual void on_epoch_end(const EpochInfo&) {}
  virtual void on_train_end() {}

  /// What must survive a resumption; restored after the run's beginning is announced.
  virtual std::map<std::string, double> state() const { return {}; }
  virtual void restore(const std::map<std::string, double>&) {}

  bool stop_requested() const { return !stop_reason_.empty(); }  ///< training should end after this step
  const std::string& stop_reason() const { return stop_reason_; }

 protected:
  void request_stop(std::string reason) { stop_reason_ = std::move(reason); }
  void clear_stop() { stop_reason_.clear(); }

 private:
  std::string stop_reason_;
};

/// Settings of EarlyStopping.
struct EarlyStoppingConfig {
  std::string monitor = "val_loss";
  int64_t patience = 5;  ///< epochs without improvement after which training stops
  double min_delta = 0;  ///< a smaller change is no improvement
  Direction mode = Direction::automatic;
  bool restore_best = false;  ///< at the end, bring back the weights of the best epoch
};

/// Stops when a value has not improved for some epochs. Throws UsageError when an epoch doesn't give the value.
class OCELLUS_API EarlyStopping final : public Callback {
 public:
  explicit EarlyStopping(EarlyStoppingConfig config = {});
  std::string name() const override { return "early_stopping"; }
  void on_train_begin(const TrainInfo& info) override;
  void on_epoch_end(const EpochInfo& info) override;
  void on_train_end() override;
  std::map<std::string, double> state() const override;
  void restore(const std::map<std::string, double>& state) override;

  double best() const { return best_; }               ///< NaN before the first epoch
  int64_t best_epoch() const { return best_epoch_; }  ///< -1 before the first epoch

 private:
  EarlyStoppingConfig config_;
  Monitor monitor_;
  TrainInfo train_;
  double best_;
  int64_t best_epoch_ = -1, waited_ = 0;
  bool kept_ = false, best_is_current_ = false;
};

/// Settings of BestCheckpoint.
struct BestCheckpointConfig {
  std::filesystem::path path;
  std::string monitor = "val_loss";
  Direction mode = Direction::automatic;
  std::function<void(const std::filesystem::path&)> save = {};  ///< empty: what the run offers
};

/// Saves after each epoch whose value is the best so far.
class OCELLUS_API BestCheckpoint final : public Callback {
 public:
  explicit BestCheckpoint(BestCheckpointConfig config);
  std::string name() const override { return "best_checkpoint"; }
  void on_train_begin(const TrainInfo& info) override;
  void on_epoch_end(const EpochInfo& info) override;
  std::map<std::string, double> state() const override;
  void restore(const std::map<std::string, double>& state) override;

  double best() const { return best_; }               ///< NaN before the first save
  int64_t best_epoch() const { return best_epoch_; }  ///< -1 before the first save

 private:
  BestCheckpointConfig config_;
  Monitor monitor_;
  std::function<void(const std::filesystem::path&)> save_;
  double best_;
  int64_t best_epoch_ = -1;
};

/// Writes one line per epoch, flushed at once: the epoch counted from 1, then the logs. A resumed run keeps the lines
/// of the epochs before it. Throws IoError, FormatError for a damaged file, UsageError when the columns have changed.
class OCELLUS_API CsvLog final : public Callback {
 public:
  explicit CsvLog(std::filesystem::path path);
  CsvLog(CsvLog&&) noexcept;
  ~CsvLog() override;
  std::string name() const override { return "csv_log"; }
  void on_train_begin(const TrainInfo& info) override;
  void on_epoch_end(const EpochInfo& info) override;
  void on_train_end() override;

 private:
  void keep_rows_before(int64_t epoch);
  void write(const std::string& line);

  std::filesystem::path path_;
  std::unique_ptr<std::ofstream> file_;
  std::string header_;
};

}  // namespace ocellus::callback

// Progress on a terminal or in a log file, in the words of Keras 3.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>

#include <ocellus/base/export.h>
#include <ocellus/train/callback.h>
#include <ocellus/train/history.h>

namespace ocellus {

/// Where and how progress is shown.
struct ProgressConfig {
  std::ostream* out = nullptr;         ///< null: standard output
  std::optional<bool> live = {};       ///< a bar that redraws itself; by default when standard output is a terminal
  int columns = 0;                     ///< width of the terminal; 0: ask it
  std::function<double()> clock = {};  ///< seconds; empty: a steady clock
};

/// One bar over a known number of steps:
/// `469/469 ━━━━━━━━━━━━━━━━━━━━ 3s 6ms/step - accuracy: 0.9713 - loss: 0.0934`.
/// Live, it redraws itself at most ten times a second and shows the time left; else it is silent until `finish`.
class OCELLUS_API ProgressBar {
 public:
  /// `head` stands before the line where the bar is not live: "Epoch 3/10".
  explicit ProgressBar(int64_t total, ProgressConfig config = {}, std::string head = "");
  void update(int64_t done, const Logs& logs);
  /// Prints the last line, with the whole time in seconds; the time per step covers the updates alone.
  void finish(const Logs& logs);

 private:
  std::string line(const Logs& logs, double seconds, int columns) const;
  double per_step() const;

  ProgressConfig config_;
  std::string head_;
  int64_t total_, done_ = 0;
  double begin_, first_ = 0, last_ = 0, drawn_;
  int64_t first_done_ = 0;
};

/// The bars of a training run: `Epoch 3/10` and its bar on a terminal, one line an epoch elsewhere.
class OCELLUS_API Progress final : public callback::Callback {
 public:
  explicit Progress(ProgressConfig config = {}) : config_(std::move(config)) {}
  std::string name() const override { return "progress"; }
  void on_train_begin(const callback::TrainInfo& info) override;
  void on_epoch_begin(const callback::EpochInfo& info) override;
  void on_batch_end(const callback::BatchInfo& info) override;
  void on_epoch_end(const callback::EpochInfo& info) override;
  void on_train_end() override;

 private:
  ProgressConfig config_;
  int64_t steps_ = 0;
  std::optional<ProgressBar> bar_;
};

}  // namespace ocellus

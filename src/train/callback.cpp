#include <ocellus/train/callback.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <fstream>
#include <limits>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/base/file.h>

#include "train/shown.h"

namespace ocellus::callback {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double value_or(const std::map<std::string, double>& state, const char* key, double otherwise) {
  const auto found = state.find(key);
  return found == state.end() ? otherwise : found->second;
}

/// A whole number of a saved state, which may come from a damaged file.
int64_t count_or(const std::map<std::string, double>& state, const char* key, int64_t otherwise) {
  const double value = value_or(state, key, static_cast<double>(otherwise));
  if (!(value >= -1 && value < 1e9)) throw UsageError(fmt::format("the saved state has no usable \"{}\"", key));
  return static_cast<int64_t>(value);
}

std::string quoted(const std::string& field) {
  if (field.find_first_of(",\"\n\r") == std::string::npos) return field;
  std::string text = "\"";
  for (const char c : field) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + '"';
}

}  // namespace

Callback::~Callback() = default;

EarlyStopping::EarlyStopping(EarlyStoppingConfig config)
    : config_(std::move(config)), monitor_(config_.monitor, config_.mode, config_.min_delta), best_(nan) {
  if (config_.patience < 0)
    throw UsageError(fmt::format("early stopping: patience must be 0 or more, got {}", config_.patience));
}

void EarlyStopping::on_train_begin(const TrainInfo& info) {
  train_ = info;
  clear_stop();
  kept_ = best_is_current_ = false;
  if (config_.restore_best && (!info.keep_weights || !info.restore_weights))
    throw UsageError("early stopping: restore_best needs a run that keeps and restores weights");
  if (info.start_epoch > 0) return;
  best_ = nan;
  best_epoch_ = -1;
  waited_ = 0;
}

void EarlyStopping::on_epoch_end(const EpochInfo& info) {
  const double value = monitor_.value(info.logs, "early stopping");
  best_is_current_ = monitor_.improves(value, best_);
  if (best_is_current_) {
    best_ = value;
    best_epoch_ = info.epoch;
    waited_ = 0;
    if (config_.restore_best) {
      train_.keep_weights();
      kept_ = true;
    }
    return;
  }
  if (++waited_ >= config_.patience)
    request_stop(fmt::format("{} has not improved on {:.6g} (epoch {}) for {} epochs", monitor_.name(), best_,
                             best_epoch_ + 1, waited_));
}

void EarlyStopping::on_train_end() {
  if (kept_ && !best_is_current_) train_.restore_weights();
  train_ = {};
}

std::map<std::string, double> EarlyStopping::state() const {
  std::map<std::string, double> state = {{"best_epoch", static_cast<double>(best_epoch_)},
                                         {"waited", static_cast<double>(waited_)}};
  if (!std::isnan(best_)) state["best"] = best_;
  return state;
}

void EarlyStopping::restore(const std::map<std::string, double>& state) {
  best_ = value_or(state, "best", nan);
  best_epoch_ = count_or(state, "best_epoch", -1);
  waited_ = count_or(state, "waited", 0);
}

BestCheckpoint::BestCheckpoint(BestCheckpointConfig config)
    : config_(std::move(config)), monitor_(config_.monitor, config_.mode), best_(nan) {
  if (config_.path.empty()) throw UsageError("best checkpoint: a path is needed");
}

void BestCheckpoint::on_train_begin(const TrainInfo& info) {
  save_ = config_.save ? config_.save : info.save;
  if (!save_) throw UsageError("best checkpoint: neither its settings nor the run offer a way to save");
  if (info.start_epoch > 0) return;
  best_ = nan;
  best_epoch_ = -1;
}

void BestCheckpoint::on_epoch_end(const EpochInfo& info) {
  const double value = monitor_.value(info.logs, "best checkpoint");
  if (!monitor_.improves(value, best_)) return;
  best_ = value;
  best_epoch_ = info.epoch;
  save_(config_.path);
}

std::map<std::string, double> BestCheckpoint::state() const {
  std::map<std::string, double> state = {{"best_epoch", static_cast<double>(best_epoch_)}};
  if (!std::isnan(best_)) state["best"] = best_;
  return state;
}

void BestCheckpoint::restore(const std::map<std::string, double>& state) {
  best_ = value_or(state, "best", nan);
  best_epoch_ = count_or(state, "best_epoch", -1);
}

CsvLog::CsvLog(std::filesystem::path path) : path_(std::move(path)) {}
CsvLog::CsvLog(CsvLog&&) noexcept = default;
CsvLog::~CsvLog() = default;

void CsvLog::on_train_begin(const TrainInfo& info) {
  header_.clear();
  const bool resumes = info.start_epoch > 0 && std::filesystem::exists(path_);
  if (resumes) keep_rows_before(info.start_epoch);
  file_ = std::make_unique<std::ofstream>(path_, resumes ? std::ios::app : std::ios::trunc);
  if (!*file_) throw IoError(path_.string(), "can't be opened for writing", errno);
}

/// A killed run may have written lines after its last checkpoint, and a last line cut short: those go.
void CsvLog::keep_rows_before(int64_t start_epoch) {
  const std::string old = read_file(path_, uint64_t{1} << 28);
  std::string kept;
  int64_t number = 0;
  for (size_t begin = 0, end; (end = old.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string_view line = std::string_view(old).substr(begin, end - begin);
    if (++number == 1) {
      header_ = line;
    } else {
      int64_t epoch = 0;
      const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), epoch);
      if (error != std::errc() || (stop != line.data() + line.size() && *stop != ','))
        throw FormatError(path_.string(), fmt::format("line {}", number), "does not start with an epoch's number");
      if (epoch > start_epoch) continue;
    }
    kept += line;
    kept += '\n';
  }
  write_atomically(path_, kept);
}

void CsvLog::on_epoch_end(const EpochInfo& info) {
  std::string header = "epoch", row = std::to_string(info.epoch + 1);
  for (const auto& [name, value] : info.logs) {
    header += ',' + quoted(name);
    row += fmt::format(",{:.8g}", shown(value));
  }
  if (header_.empty())
    write(header);
  else if (header != header_)
    throw UsageError(
        fmt::format("{}: has the columns {}, this run gives {}; choose another file", path_.string(), header_, header));
  header_ = header;
  write(row);
}

void CsvLog::write(const std::string& line) {
  errno = 0;
  *file_ << line << '\n' << std::flush;
  if (!*file_) throw IoError(path_.string(), "can't be written", errno);
}

void CsvLog::on_train_end() { file_.reset(); }

}  // namespace ocellus::callback

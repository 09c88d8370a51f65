#include <ocellus/train/progress.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>

#include <fmt/format.h>

#include "train/shown.h"

namespace ocellus {
namespace {

constexpr double redraw_every = 0.1;
constexpr int bar_width = 20;

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int terminal_columns() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

ProgressConfig completed(ProgressConfig config) {
  if (!config.live) config.live = config.out == nullptr && ::isatty(STDOUT_FILENO) == 1;
  if (config.out == nullptr) config.out = &std::cout;
  if (!config.clock) config.clock = steady_seconds;
  return config;
}

std::string clock_time(double seconds) {
  const int64_t s = std::llround(seconds);
  if (s >= 3600) return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
  if (s >= 60) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}s", s);
}

std::string step_time(double seconds) {
  if (seconds >= 1) return fmt::format("{:.0f}s/step", seconds);
  if (seconds >= 1e-3) return fmt::format("{:.0f}ms/step", seconds * 1e3);
  return fmt::format("{:.0f}us/step", seconds * 1e6);
}

std::string values(const Logs& logs) {
  std::string text;
  for (const auto& [name, value] : logs)
    text += std::abs(value) > 1e-3 || value == 0 ? fmt::format(" - {}: {:.4f}", name, value)
                                                 : fmt::format(" - {}: {:.4e}", name, shown(value));
  return text;
}

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

ProgressBar::ProgressBar(int64_t total, ProgressConfig config, std::string head)
    : config_(completed(std::move(config))),
      head_(std::move(head)),
      total_(total),
      begin_(config_.clock()),
      drawn_(begin_ - redraw_every) {}

/// Mean time of a step, without the first, which may include set-up.
double ProgressBar::per_step() const {
  if (done_ > first_done_) return (last_ - first_) / static_cast<double>(done_ - first_done_);
  return done_ > 0 ? (last_ - begin_) / static_cast<double>(done_) : 0;
}

/// Counter, bar, time and values, to be drawn over the last line. `columns` > 0 cuts it to the terminal's width, as a
/// line that wraps could not be drawn over.
std::string ProgressBar::line(const Logs& logs, double seconds, int columns) const {
  const std::string total = std::to_string(total_);
  const std::string counter = fmt::format("{:>{}}/{}", done_, total.size(), total);
  const std::string time = clock_time(seconds);
  std::string rest = " " + step_time(per_step()) + values(logs);

  const int fixed = static_cast<int>(counter.size() + time.size()) + 3;
  const int room = std::max(columns - fixed - bar_width, 0);
  if (columns > 0 && static_cast<int>(rest.size()) > room) rest.resize(static_cast<size_t>(room));
  const int full = total_ > 0 ? static_cast<int>(bar_width * std::min(done_, total_) / total_) : bar_width;
  return fmt::format("\r\x1b[1m{}\x1b[0m \x1b[32m{}\x1b[37m{}\x1b[0m \x1b[1m{}\x1b[0m{}\x1b[K", counter,
                     repeated("━", full), repeated("━", bar_width - full), time, rest);
}

void ProgressBar::update(int64_t done, const Logs& logs) {
  const double now = config_.clock();
  done_ = done;
  last_ = now;
  if (first_done_ == 0) {
    first_done_ = done;
    first_ = now;
  }
  if (!*config_.live || now - drawn_ < redraw_every) return;
  drawn_ = now;
  const double left = per_step() * static_cast<double>(std::max<int64_t>(total_ - done_, 0));
  *config_.out << line(logs, left, config_.columns > 0 ? config_.columns : terminal_columns()) << std::flush;
}

void ProgressBar::finish(const Logs& logs) {
  const double seconds = config_.clock() - begin_;
  if (*config_.live)
    *config_.out << line(logs, seconds, 0);
  else
    *config_.out << fmt::format("{}{}/{} - {} {}{}", head_.empty() ? "" : head_ + " - ", done_, total_,
                                clock_time(seconds), step_time(per_step()), values(logs));
  *config_.out << '\n' << std::flush;
}

void Progress::on_train_begin(const callback::TrainInfo& info) {
  config_ = completed(std::move(config_));
  steps_ = info.steps_per_epoch;
}

void Progress::on_epoch_begin(const callback::EpochInfo& info) {
  const std::string head = fmt::format("Epoch {}/{}", info.epoch + 1, info.epochs);
  if (config_.live.value_or(false)) *config_.out << head << std::endl;
  bar_.emplace(steps_, config_, head);
}

void Progress::on_batch_end(const callback::BatchInfo& info) {
  if (bar_) bar_->update(info.batch + 1, info.logs);
}

void Progress::on_epoch_end(const callback::EpochInfo& info) {
  if (bar_) bar_->finish(info.logs);
  bar_.reset();
}

void Progress::on_train_end() {
  if (bar_ && config_.live.value_or(false)) *config_.out << std::endl;  // stopped within an epoch
  bar_.reset();
}

}  // namespace ocellus

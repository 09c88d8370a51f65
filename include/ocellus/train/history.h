// What training reports: named values in order, per epoch, and the rule by which one of them is judged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ocellus/base/export.h>

namespace ocellus {

/// Values by name, in the order in which they are shown: "loss", "accuracy", "val_loss", ...
using Logs = std::vector<std::pair<std::string, double>>;

/// The value of that name, if there is one.
OCELLUS_API std::optional<double> find(const Logs& logs, std::string_view name);

/// The logs of a run's epochs.
class OCELLUS_API History {
 public:
  struct Row {
    int64_t epoch = 0;  ///< counted from 0
    Logs logs;
  };

  /// Adds an epoch; epochs that are not before it are dropped first, as a resumed run repeats them.
  void add(int64_t epoch, Logs logs);
  const std::vector<Row>& rows() const { return rows_; }
  bool empty() const { return rows_.empty(); }
  /// Names of all columns, in the order in which they first appear.
  std::vector<std::string> names() const;
  /// One value per row, NaN where a row lacks it.
  std::vector<double> column(std::string_view name) const;

  /// As JSON: {"epoch": [0, 1], "columns": [{"name": "loss", "values": [0.3, null]}]}; null stands for NaN and
  /// infinities.
  std::string to_json() const;
  /// Reads what to_json wrote; throws FormatError with `source` as its path.
  static History from_json(std::string_view json, std::string_view source = "history");

 private:
  std::vector<Row> rows_;
};

/// Whether a value is better when it is smaller or larger; automatic decides by the name.
enum class Direction { automatic, min, max };

/// Watches one value of the logs: which direction is better, and whether a new value beats the best so far.
class OCELLUS_API Monitor {
 public:
  /// Automatic takes min for names with "loss", "error" or "perplexity" in them, else max.
  explicit Monitor(std::string name, Direction mode = Direction::automatic, double min_delta = 0);

  const std::string& name() const { return name_; }
  bool smaller_is_better() const { return smaller_; }
  /// The value in the logs; throws UsageError naming `who` and the values that there are.
  double value(const Logs& logs, std::string_view who) const;
  /// True when `value` beats `best` by more than min_delta; a NaN never does, and any number beats a NaN best.
  bool improves(double value, double best) const;

 private:
  std::string name_;
  bool smaller_;
  double min_delta_;
};

}  // namespace ocellus
